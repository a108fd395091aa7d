"""The state of a training run: all that a checkpoint holds, and how it is put back."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from ecglab.errors import SettingError
from ecglab.models.growing import block_count, grow_to
from ecglab.training.batches import TensorBeats
from ecglab.training.checkpoint import load_checkpoint, save_checkpoint
from ecglab.training.grower import Grower
from ecglab.training.history import Epoch, History
from ecglab.training.optimize import make_optimizer, make_scheduler
from ecglab.training.settings import TrainSettings

PROBE_BEATS = 64


class TrainingState:
    """Network, optimiser, learning rate, history, and what decides on growth.

    ``started`` is the epoch at which optimiser and learning rate began (anew).
    """

    optimizer: torch.optim.Optimizer
    scheduler: LRScheduler
    started: int

    def __init__(self, model: nn.Module, part: TensorBeats, settings: TrainSettings):
        self.model = model
        self.settings = settings
        self.beats = len(part)
        self.history: History = []
        self.best: dict[str, Tensor] | None = None
        self.grower = None
        if settings.growth is not None:
            probe = part.values[:PROBE_BEATS]
            self.grower = Grower(settings.growth, epochs=settings.epochs, probe=probe)
        self.restart(0)

    def restart(self, epoch: int) -> None:
        """Begin anew at ``epoch``: an empty momentum over the parameters there are now."""
        self.optimizer = make_optimizer(self.model, self.settings)
        batches = -(-self.beats // self.settings.batch_size)
        self.scheduler = make_scheduler(self.optimizer, self.settings, batches, start=epoch)
        self.started = epoch

    def save(self, path: Path) -> None:
        """Store the state as it is after an epoch."""
        save_checkpoint(
            path,
            {
                "settings": dataclasses.asdict(self.settings),
                "beats": self.beats,
                "blocks": None if self.grower is None else block_count(self.model),
                "grower": None if self.grower is None else self.grower.state(),
                "model": self.model.state_dict(),
                "started": self.started,
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "history": [dataclasses.asdict(entry) for entry in self.history],
                "best": self.best,
            },
        )

    def resume(self, path: Path) -> None:
        """Put a stored state back; raise SettingError where it belongs to another run."""
        state = load_checkpoint(path)
        wanted = {"settings": dataclasses.asdict(self.settings), "beats": self.beats}
        for name, value in wanted.items():
            if state.get(name) != value:
                raise SettingError(
                    f"The checkpoint {path} belongs to another run ({name}: {state.get(name)} "
                    f"there, {value} here); move it away or use its settings."
                )
        if self.grower is not None:
            grow_to(self.model, state["blocks"])
            self.grower.restore(state["grower"], self.settings.epochs)
        if shapes(state["model"]) != shapes(self.model.state_dict()):
            raise SettingError(
                f"The checkpoint {path} belongs to another network; move it away or build that one."
            )
        self.model.load_state_dict(state["model"])
        self.restart(state["started"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history = [Epoch(**entry) for entry in state["history"]]
        self.best = state["best"]


def shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Name and shape of every weight."""
    return {name: tensor.shape for name, tensor in weights.items()}
