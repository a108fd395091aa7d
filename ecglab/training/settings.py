"""Everything that decides a training run beside the model and the data."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from ecglab.errors import SettingError
from ecglab.models.growth import GrowthSettings
from ecglab.training.batches import Augmentation, Sampling

Schedule = Literal["constant", "cosine", "one-cycle"]
Precision = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """As it stands: SGD with Nesterov momentum along one cycle up to ``learning_rate``.

    ``"cosine"`` falls once an epoch from ``learning_rate`` to ``lowest_rate`` and begins anew at
    every growth and at the epochs in ``restarts``, with an empty momentum. ``patience`` stops after
    that many epochs without a better validation loss and keeps the best weights; None trains to
    the end. ``growth`` lets the network grow while it trains. ``compile`` makes one graph of
    network and loss; ``precision`` is that of convolutions on a device that has others.
    ``adjust_logits`` lets the loss, and the accuracy in training, make up for the difference
    between the mix of classes that is drawn and that of the balanced test (`logit_adjustment`).
    """

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 0.15
    lowest_rate: float = 0.0
    schedule: Schedule = "one-cycle"
    restarts: tuple[int, ...] = ()
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    clip_norm: float | None = 1.0
    sampling: Sampling = "uniform"
    adjust_logits: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    growth: GrowthSettings | None = None
    patience: int | None = None
    seed: int = 0
    compile: bool = False
    precision: Precision = "float32"

    def __post_init__(self):
        whole = "a whole number from 1"
        limits = {
            "epochs": (isinstance(self.epochs, int) and self.epochs >= 1, whole),
            "batch_size": (isinstance(self.batch_size, int) and self.batch_size >= 1, whole),
            "learning_rate": (0 < self.learning_rate < float("inf"), "a positive number"),
            "lowest_rate": (
                0 <= self.lowest_rate <= self.learning_rate,
                f"a number from 0 to learning_rate={self.learning_rate}",
            ),
            "momentum": (0 <= self.momentum < 1, "a number from 0 to below 1"),
            "nesterov": (self.momentum > 0 or not self.nesterov, "False without momentum"),
            "weight_decay": (0 <= self.weight_decay < float("inf"), "0 or a positive number"),
            "clip_norm": (self.clip_norm is None or self.clip_norm > 0, "None or a positive norm"),
            "patience": (self.patience is None or self.patience >= 1, f"None or {whole}"),
            "restarts": (
                all(0 < epoch < self.epochs for epoch in self.restarts)
                and list(self.restarts) == sorted(set(self.restarts)),
                f"rising epochs from 1 to {self.epochs - 1}",
            ),
        }
        for name, (allowed, expected) in limits.items():
            if not allowed:
                raise SettingError(
                    f"{name}={getattr(self, name)} cannot train: expected {expected}."
                )
        for name, choices in (
            ("schedule", get_args(Schedule)),
            ("sampling", get_args(Sampling)),
            ("precision", get_args(Precision)),
        ):
            if getattr(self, name) not in choices:
                raise SettingError(
                    f"Unknown {name}={getattr(self, name)!r}: expected "
                    f"{', '.join(choices[:-1])} or {choices[-1]}."
                )
        if self.schedule != "cosine" and (self.restarts or self.growth or self.lowest_rate):
            raise SettingError(
                f"schedule={self.schedule!r} cannot begin anew: growth, restarts and lowest_rate "
                f"need schedule='cosine'."
            )
        if self.growth is not None and self.patience is not None:
            raise SettingError(
                "A growing network cannot stop early: patience would keep the weights of a smaller "
                "network; leave patience or growth away."
            )
        if self.growth is not None:
            self.growth.require_fits(self.epochs)
