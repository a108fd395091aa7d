"""Train a network: one loop for every model, resumable to the same numbers."""

import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from ecglab.data.beats import Beats
from ecglab.data.spectrogram import Spectrograms
from ecglab.errors import SettingError
from ecglab.training.batches import (
    TensorBeats,
    augment,
    epoch_order,
    logit_adjustment,
    to_tensors,
)
from ecglab.training.energy import EnergyMeter
from ecglab.training.history import Epoch, History, best_epoch, describe, stopped
from ecglab.training.meters import PeakMemory, evaluations, parameter_count
from ecglab.training.processes import Processes, processes
from ecglab.training.settings import TrainSettings
from ecglab.training.state import TrainingState
from ecglab.training.step import Forward, make_forward, tensor_cores


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
    state: TrainingState,
    forward: Forward,
    part: TensorBeats,
    epoch: int,
    group: Processes,
    progress: bool,
) -> tuple[float, float, float, float]:
    """One pass over the beats: mean loss, accuracy, evaluations forward and backward per batch."""
    model, settings, device = state.model, state.settings, part.values.device
    model.train()
    # Seeded by run and epoch, so that a resumed run draws what an uninterrupted one draws.
    generator = torch.Generator().manual_seed(1_000_003 * (settings.seed + 1) + epoch)
    order = epoch_order(part.labels.cpu(), settings.sampling, generator).to(device)
    batches = order.split(settings.batch_size)
    loss_sum = torch.zeros((), device=device)
    correct_sum = torch.zeros((), device=device)
    counts = [0, 0]
    for index in tqdm(batches, desc=f"epoch {epoch + 1}", leave=False, disable=not progress):
        mine, weight = group.share(len(index))
        if settings.augmentation:  # drawn for the whole batch: the same for any number of processes
            values = augment(part.values[index], settings.augmentation, generator)[mine]
        else:
            values = part.values[index[mine]]
        loss, correct = forward(values, part.labels[index[mine]])
        state.optimizer.zero_grad(set_to_none=True)
        (loss * weight).backward()
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        state.optimizer.step()
        state.scheduler.step()
        if weight:
            loss_sum += loss.detach() * len(values)
            correct_sum += correct
        counts = [a + b for a, b in zip(counts, evaluations(model), strict=True)]
    loss, accuracy, *counted = group.total([loss_sum, correct_sum, *counts], device)
    return (
        loss / len(order),
        accuracy / len(order),
        *(count / len(batches) / group.count for count in counted),
    )


def fit(
    model: nn.Module,
    train: Beats | Spectrograms,
    *,
    settings: TrainSettings,
    validation: Beats | Spectrograms | None = None,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` in place and return one `Epoch` for each pass over the beats.

    With ``checkpoint`` the state after every epoch is stored there and a run that was interrupted
    goes on from it to the numbers of an uninterrupted one. Early stopping needs ``validation``.
    With ``settings.growth`` the model comes back larger than it went in. Processes that
    ``torchrun`` started share every batch.
    """
    if settings.patience is not None and validation is None:
        raise SettingError(
            f"patience={settings.patience} needs a validation part: give validation=beats held "
            f"out of the training part."
        )
    device, group = torch.device(device), processes()
    torch.manual_seed(settings.seed)
    model.to(device)
    part = to_tensors(train, device)
    held_out = to_tensors(validation, device) if validation is not None else None
    state = TrainingState(model, part, settings)
    if checkpoint is not None and checkpoint.exists():
        state.resume(checkpoint)
    how = {"processes": group.count}
    if settings.adjust_logits:
        how["adjustment"] = logit_adjustment(part.labels.cpu(), settings.sampling).to(device)
    forward = make_forward(group.wrap(model), settings, device, **how)
    progress = progress and group.writes

    for epoch in range(len(state.history), settings.epochs):
        if stopped(state.history, settings.patience):
            break
        if epoch in settings.restarts:
            state.restart(epoch)
        rate = state.optimizer.param_groups[0]["lr"]
        parameters = parameter_count(model)
        start = time.perf_counter()
        with (
            PeakMemory(device) as memory,
            EnergyMeter(device) as energy,
            tensor_cores(settings.precision),
        ):
            scores = train_epoch(state, forward, part, epoch, group, progress)
        seconds = time.perf_counter() - start
        require_finite(scores[0], f"training loss of epoch {epoch + 1}", settings)
        held: tuple[float | None, float | None] = (None, None)
        if held_out is not None:
            held = loss_and_accuracy(model, held_out)
            require_finite(held[0], f"validation loss of epoch {epoch + 1}", settings)
        estimate, grown = None, False
        if state.grower is not None:
            estimate, grown = state.grower.after_epoch(model, epoch)
        state.history.append(
            Epoch(
                epoch=epoch,
                learning_rate=rate,
                train_loss=scores[0],
                train_accuracy=scores[1],
                validation_loss=held[0],
                validation_accuracy=held[1],
                seconds=seconds,
                evaluations_forward=scores[2],
                evaluations_backward=scores[3],
                peak_memory=memory.bytes,
                parameters=parameters,
                lipschitz=estimate,
                grown=grown,
                kwh=energy.reading.kwh,
                energy_source=f"{energy.reading.how}: {energy.reading.source}",
            )
        )
        if grown:
            state.restart(epoch + 1)
            forward = make_forward(group.wrap(model), settings, device, **how)
        if settings.patience is not None and best_epoch(state.history) == epoch:
            state.best = {name: t.detach().clone() for name, t in model.state_dict().items()}
        if checkpoint is not None and group.writes:
            state.save(checkpoint)
        if progress:
            tqdm.write(describe(state.history[-1]))
    if state.best is not None:
        model.load_state_dict(state.best)
    return state.history


def require_finite(loss: float, name: str, settings: TrainSettings) -> None:
    """Raise SettingError where training has diverged."""
    if not loss < float("inf"):
        raise SettingError(
            f"The {name} is {loss}: lower learning_rate={settings.learning_rate} or set clip_norm."
        )
