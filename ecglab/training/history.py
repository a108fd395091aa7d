"""What training gave epoch by epoch, and what follows from it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave and cost; evaluations are means per batch, memory is in bytes.

    ``parameters`` are those trained in this epoch. A growing network has an estimate of its
    Lipschitz constant after the epoch; ``grown`` says that it has doubled its blocks then.
    ``kwh`` is the energy of the epoch and ``energy_source`` how it is known.
    """

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
    parameters: int | None = None  # runs recorded before growth do not say
    lipschitz: float | None = None
    grown: bool = False
    kwh: float | None = None
    energy_source: str | None = None


History = list[Epoch]


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
    if entry.lipschitz is not None:
        line += f", Lipschitz estimate {entry.lipschitz:.3g}"
    if entry.grown:
        line += f"; grows after {entry.parameters:,} parameters"
    return line
