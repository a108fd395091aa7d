"""Train a network: one loop for every model, resumable to the same numbers."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
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
from ecglab.training.history import Epoch, History, best_epoch, describe, stopped
from ecglab.training.meters import PeakMemory, evaluations

Schedule = Literal["constant", "cosine", "one-cycle"]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Everything that decides a training run beside the model and the data.

    As it stands: SGD with Nesterov momentum along one cycle up to ``learning_rate``. The founding
    recipe is in `recipes`. ``patience`` stops after that many epochs without a better validation
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
        whole = "a whole number from 1"
        limits = {
            "epochs": (isinstance(self.epochs, int) and self.epochs >= 1, whole),
            "batch_size": (isinstance(self.batch_size, int) and self.batch_size >= 1, whole),
            "learning_rate": (0 < self.learning_rate < float("inf"), "a positive number"),
            "momentum": (0 <= self.momentum < 1, "a number from 0 to below 1"),
            "nesterov": (self.momentum > 0 or not self.nesterov, "False without momentum"),
            "weight_decay": (0 <= self.weight_decay < float("inf"), "0 or a positive number"),
            "clip_norm": (self.clip_norm is None or self.clip_norm > 0, "None or a positive norm"),
            "patience": (self.patience is None or self.patience >= 1, f"None or {whole}"),
        }
        for name, (allowed, expected) in limits.items():
            if not allowed:
                raise SettingError(
                    f"{name}={getattr(self, name)} cannot train: expected {expected}."
                )
        if self.schedule not in ("constant", "cosine", "one-cycle"):
            raise SettingError(
                f"Unknown schedule={self.schedule!r}: expected constant, cosine or one-cycle."
            )
        if self.sampling not in ("uniform", "root", "class"):
            raise SettingError(
                f"Unknown sampling={self.sampling!r}: expected uniform, root or class."
            )


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
    return (
        loss_sum.item() / len(order),
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
        require_finite(loss, f"training loss of epoch {epoch + 1}", settings)
        held: tuple[float | None, float | None] = (None, None)
        if held_out is not None:
            held = loss_and_accuracy(model, held_out)
            require_finite(held[0], f"validation loss of epoch {epoch + 1}", settings)
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
    if shapes(state["model"]) != shapes(model.state_dict()):
        raise SettingError(
            f"The checkpoint {path} belongs to another network; move it away or build that one."
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    return [Epoch(**entry) for entry in state["history"]], state["best"]


def shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Name and shape of every weight."""
    return {name: tensor.shape for name, tensor in weights.items()}


def require_finite(loss: float, name: str, settings: TrainSettings) -> None:
    """Raise SettingError where training has diverged."""
    if not loss < float("inf"):
        raise SettingError(
            f"The {name} is {loss}: lower learning_rate={settings.learning_rate} or set clip_norm."
        )
