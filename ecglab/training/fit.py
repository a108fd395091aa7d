"""Train a network: one loop for every model, resumable to the same numbers."""

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR
from tqdm.auto import tqdm

from ecglab.data.beats import Beats
from ecglab.errors import SettingError
from ecglab.training.batches import (
    Augmentation,
    Sampling,
    TensorBeats,
    augment,
    epoch_order,
    to_tensors,
)
from ecglab.training.checkpoint import load_checkpoint, save_checkpoint
from ecglab.training.meters import PeakMemory, evaluations

Schedule = Literal["constant", "cosine", "one-cycle"]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Everything that decides a training run beside the model and the data.

    As it stands: SGD with Nesterov momentum along one cycle up to ``learning_rate``. The founding
    recipe is `FOUNDING`. ``patience`` stops after that many epochs without a better validation
    loss and keeps the best weights; None trains to the end.
    """

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 0.15
    schedule: Schedule = "one-cycle"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    clip_norm: float | None = 1.0
    sampling: Sampling = "uniform"
    augmentation: Augmentation = field(default_factory=Augmentation)
    patience: int | None = None
    seed: int = 0
    compile: bool = False

    def __post_init__(self):
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise SettingError(
                    f"{name}={getattr(self, name)} cannot train: expected a positive number."
                )
        if self.schedule not in ("constant", "cosine", "one-cycle"):
            raise SettingError(
                f"Unknown schedule={self.schedule!r}: expected constant, cosine or one-cycle."
            )
        if self.sampling not in ("uniform", "root", "class"):
            raise SettingError(
                f"Unknown sampling={self.sampling!r}: expected uniform, root or class."
            )


# SGD 0.1 with momentum 0.9 at a constant rate, batch 128: the recipe of the 2020 study.
FOUNDING = TrainSettings(
    learning_rate=0.1, schedule="constant", nesterov=False, weight_decay=0.0, clip_norm=None
)


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave and cost; evaluations are means per batch, memory is in bytes."""

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    evaluations_forward: float
    evaluations_backward: float
    peak_memory: int


History = list[Epoch]


def make_scheduler(
    optimizer: torch.optim.Optimizer, settings: TrainSettings, batches: int
) -> LRScheduler:
    """The learning rate, stepped once a batch."""
    total = settings.epochs * batches
    if settings.schedule == "one-cycle":
        return OneCycleLR(
            optimizer, settings.learning_rate, total_steps=total, cycle_momentum=False
        )
    if settings.schedule == "cosine":
        return CosineAnnealingLR(optimizer, total)
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


@torch.inference_mode()
def loss_and_accuracy(
    model: nn.Module, part: TensorBeats, batch_size: int = 512
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over a part, in evaluation mode."""
    model.eval()
    loss = torch.zeros((), device=part.values.device)
    correct = torch.zeros((), device=part.values.device)
    for start in range(0, len(part), batch_size):
        labels = part.labels[start : start + batch_size]
        logits = model(part.values[start : start + batch_size])
        loss += cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(1) == labels).sum()
    return loss.item() / len(part), correct.item() / len(part)


def train_epoch(
    model: nn.Module,
    step_model: nn.Module,
    part: TensorBeats,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler,
    settings: TrainSettings,
    epoch: int,
    progress: bool,
) -> tuple[float, float, float, float]:
    """One pass over the beats: mean loss, accuracy, evaluations forward and backward per batch."""
    model.train()
    # Seeded by run and epoch, so that a resumed run draws what an uninterrupted one draws.
    generator = torch.Generator().manual_seed(1_000_003 * (settings.seed + 1) + epoch)
    order = epoch_order(part.labels.cpu(), settings.sampling, generator).to(part.values.device)
    batches = order.split(settings.batch_size)
    loss_sum = torch.zeros((), device=part.values.device)
    correct = torch.zeros((), device=part.values.device)
    forward = backward = 0
    for index in tqdm(batches, desc=f"epoch {epoch + 1}", leave=False, disable=not progress):
        values, labels = part.values[index], part.labels[index]
        if settings.augmentation:
            values = augment(values, settings.augmentation, generator)
        logits = step_model(values)
        loss = cross_entropy(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            loss_sum += loss.detach() * len(index)
            correct += (logits.argmax(1) == labels).sum()
        counted = evaluations(model)
        forward, backward = forward + counted[0], backward + counted[1]
    mean_loss = loss_sum.item() / len(order)
    if not mean_loss < float("inf"):
        raise SettingError(
            f"The training loss became {mean_loss} in epoch {epoch + 1}: lower "
            f"learning_rate={settings.learning_rate} or set clip_norm."
        )
    return (
        mean_loss,
        correct.item() / len(order),
        forward / len(batches),
        backward / len(batches),
    )


def fit(
    model: nn.Module,
    train: Beats,
    *,
    settings: TrainSettings,
    validation: Beats | None = None,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` in place and return one `Epoch` for each pass over the beats.

    With ``checkpoint`` the state after every epoch is stored there and a run that was interrupted
    goes on from it to the numbers of an uninterrupted one. Early stopping needs ``validation``.
    """
    if settings.patience is not None and validation is None:
        raise SettingError(
            f"patience={settings.patience} needs a validation part: give validation=beats held "
            f"out of the training part."
        )
    torch.manual_seed(settings.seed)
    model.to(device)
    part = to_tensors(train, device)
    held_out = to_tensors(validation, device) if validation is not None else None
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
    )
    batches = -(-len(part) // settings.batch_size)
    scheduler = make_scheduler(optimizer, settings, batches)
    history: History = []
    best: dict[str, Any] | None = None
    if checkpoint is not None and checkpoint.exists():
        history, best = resume(checkpoint, model, optimizer, scheduler, settings, len(part))
    step_model = torch.compile(model) if settings.compile else model

    for epoch in range(len(history), settings.epochs):
        if stopped(history, settings.patience):
            break
        rate = optimizer.param_groups[0]["lr"]
        start = time.perf_counter()
        with PeakMemory(device) as memory:
            loss, accuracy, forward, backward = train_epoch(
                model, step_model, part, optimizer, scheduler, settings, epoch, progress
            )
        seconds = time.perf_counter() - start
        held = loss_and_accuracy(model, held_out) if held_out is not None else (None, None)
        history.append(
            Epoch(epoch, rate, loss, accuracy, *held, seconds, forward, backward, memory.bytes)
        )
        if settings.patience is not None and best_epoch(history) == epoch:
            best = {name: t.detach().clone() for name, t in model.state_dict().items()}
        if checkpoint is not None:
            save_checkpoint(
                checkpoint,
                {
                    "settings": dataclasses.asdict(settings),
                    "beats": len(part),
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "scheduler": scheduler.state_dict(),
                    "history": [dataclasses.asdict(entry) for entry in history],
                    "best": best,
                },
            )
        if progress:
            tqdm.write(describe(history[-1]))
    if best is not None:
        model.load_state_dict(best)
    return history


def resume(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler,
    settings: TrainSettings,
    beats: int,
) -> tuple[History, dict[str, Any] | None]:
    """Put a stored state back; raise SettingError where it belongs to another run."""
    state = load_checkpoint(path)
    wanted = {"settings": dataclasses.asdict(settings), "beats": beats}
    for name, value in wanted.items():
        if state.get(name) != value:
            raise SettingError(
                f"The checkpoint {path} belongs to another run ({name}: {state.get(name)} there, "
                f"{value} here); move it away or use its settings."
            )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    return [Epoch(**entry) for entry in state["history"]], state["best"]


def best_epoch(history: History) -> int:
    """Index of the epoch with the lowest validation loss."""
    return min(range(len(history)), key=lambda i: history[i].validation_loss)


def stopped(history: History, patience: int | None) -> bool:
    """Whether the validation loss has not improved for ``patience`` epochs."""
    return (
        bool(history)
        and patience is not None
        and len(history) - 1 - best_epoch(history) >= patience
    )


def describe(entry: Epoch) -> str:
    """One line on an epoch."""
    line = (
        f"epoch {entry.epoch + 1}: loss {entry.train_loss:.4f}, "
        f"accuracy {entry.train_accuracy:.4f}, {entry.seconds:.1f} s"
    )
    if entry.validation_loss is not None:
        line += f", validation {entry.validation_loss:.4f} / {entry.validation_accuracy:.4f}"
    if entry.evaluations_forward:
        line += (
            f", evaluations {entry.evaluations_forward:.1f} forward "
            f"{entry.evaluations_backward:.1f} backward"
        )
    return line
