"""When a network grows, and what it costs: the trigger, the learning rate, parameters per epoch.

Source: C. Dong, L. Liu, Z. Li, J. Shang, Towards Adaptive Residual Network Training (ICML 2020).
The error of an Euler step grows with the Lipschitz constant: once that has grown too much for the
step, the step is halved. Nothing here knows a network: estimates are numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecglab.errors import SettingError
from ecglab.models.growing import SCALINGS, Scaling, blocks_of, depth_of
from ecglab.models.lipschitz import OVER, Over


@dataclass(frozen=True, kw_only=True)
class GrowthSettings:
    """How often a network doubles its blocks in training, and when.

    It grows once the Lipschitz estimate, averaged over ``window`` epochs, is more than ``r_tol``
    times its first such average since the start or the last growth; at the latest when the epochs
    that are left are needed: ``window`` for each later growth but the last, ``reserve`` for the
    last network. ``r_tol=inf`` leaves only these latest epochs. ``over`` is how the estimate sums
    up the blocks, ``scaling`` what becomes of the copies (see `grow`). ``at`` grows after these
    numbers of epochs instead, whatever the estimate; then only the run's length limits them.
    """

    growths: int = 2
    r_tol: float = 1.4
    window: int = 10
    reserve: int = 20
    over: Over = "mean"
    scaling: Scaling = "divide"
    at: tuple[int, ...] | None = None

    def __post_init__(self):
        for name in ("growths", "window", "reserve"):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= 1):
                raise SettingError(f"{name}={value!r}: expected a whole number from 1.")
        if not self.r_tol > 1:
            raise SettingError(
                f"r_tol={self.r_tol} would grow a network whose estimate does not grow: expected a "
                f"number above 1, or inf for growth at the latest epochs only."
            )
        if self.over not in OVER:
            raise SettingError(f"Unknown over={self.over!r}: expected one of {', '.join(OVER)}.")
        if self.scaling not in SCALINGS:
            raise SettingError(
                f"Unknown scaling={self.scaling!r}: expected one of {', '.join(SCALINGS)}."
            )
        if self.at is not None:
            self.require_epochs_in_order(self.at)

    def require_epochs_in_order(self, at: tuple[int, ...]) -> None:
        """Raise SettingError unless ``at`` names one later epoch after the other, all growths."""
        whole = isinstance(at, tuple) and all(isinstance(after, int) for after in at)
        if not whole or list(at) != sorted(set(at)) or min(at, default=0) < 1:
            raise SettingError(
                f"at={at!r} are no epochs to grow after: expected a tuple of rising whole numbers "
                f"from 1, such as (34, 44)."
            )
        if len(at) != self.growths:
            raise SettingError(
                f"at={at} names {len(at)} growths, growths={self.growths}: make them agree."
            )

    @property
    def needs_estimate(self) -> bool:
        """Whether the Lipschitz estimate decides anything; where not, it need not be made."""
        return self.at is None and self.r_tol < math.inf

    def left_at_latest(self, growths: int) -> int:
        """Epochs that must be left when the first of ``growths`` remaining ones takes place."""
        return self.reserve + (growths - 1) * self.window

    def require_fits(self, epochs: int) -> None:
        """Raise SettingError where a run of so many epochs has no room for all growths."""
        if self.at is not None:
            if self.at[-1] >= epochs:
                raise SettingError(
                    f"at={self.at} leaves no epoch for the last network in a run of {epochs}: "
                    f"grow earlier or train longer."
                )
            return
        needed = 1 + self.left_at_latest(self.growths)
        if epochs < needed:
            raise SettingError(
                f"{epochs} epochs are too few for growths={self.growths}, window={self.window} and "
                f"reserve={self.reserve}, which need {needed}: train longer or lower one of these."
            )


class Trigger:
    """Decides after each epoch of a run whether the network grows now.

    ``estimates`` are those since the start or the last growth, ``grown`` counts the growths.
    """

    def __init__(self, settings: GrowthSettings, epochs: int):
        settings.require_fits(epochs)
        self.settings = settings
        self.epochs = epochs
        self.estimates: list[float] = []
        self.grown = 0

    def update(self, epoch: int, estimate: float | None) -> bool:
        """Take the estimate after ``epoch``, counted from 0; True means grow before the next.

        ``estimate`` may be None where the settings need none. A growth clears the history.
        """
        if estimate is not None:
            if not 0 < estimate < math.inf:
                raise SettingError(
                    f"The Lipschitz estimate after epoch {epoch + 1} is {estimate}, expected a "
                    f"positive number: training has diverged, lower the learning rate."
                )
            self.estimates.append(estimate)
        elif self.settings.needs_estimate:
            raise SettingError(
                f"r_tol={self.settings.r_tol} needs a Lipschitz estimate after each epoch, found "
                f"none after epoch {epoch + 1}: give one, or r_tol=inf or at=(...)."
            )
        if self.grown == self.settings.growths or not (self.due(epoch) or self.risky):
            return False
        self.estimates.clear()
        self.grown += 1
        return True

    def due(self, epoch: int) -> bool:
        """Whether the network has to grow after this epoch, whatever the estimate."""
        if self.settings.at is not None:
            return epoch + 1 in self.settings.at
        remaining = self.settings.growths - self.grown
        return self.epochs - epoch <= self.settings.left_at_latest(remaining) + 1

    @property
    def risky(self) -> bool:
        """Whether the estimate has grown beyond ``r_tol``."""
        found = self.ratio
        return self.settings.at is None and found is not None and found > self.settings.r_tol

    @property
    def ratio(self) -> float | None:
        """Smoothed estimate over its first value; None before a window is full."""
        averages = smoothed(self.estimates, self.settings.window)
        return averages[-1] / averages[0] if averages else None

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, in plain numbers."""
        return {"estimates": list(self.estimates), "grown": self.grown}

    @classmethod
    def from_state(
        cls, settings: GrowthSettings, epochs: int, state: Mapping[str, Any]
    ) -> "Trigger":
        """The trigger of an interrupted run."""
        trigger = cls(settings, epochs)
        trigger.estimates = list(state["estimates"])
        trigger.grown = state["grown"]
        return trigger


def smoothed(estimates: Sequence[float], window: int) -> list[float]:
    """Mean of every ``window`` successive estimates; the first needs a whole window."""
    ends = range(window, len(estimates) + 1)
    return [math.fsum(estimates[end - window : end]) / window for end in ends]


def latest_growth_epochs(settings: GrowthSettings, epochs: int) -> tuple[int, ...]:
    """Epochs trained when the network grows if the estimate never asks for it: (34, 44) of 64."""
    settings.require_fits(epochs)
    if settings.at is not None:
        return settings.at
    remaining = range(settings.growths, 0, -1)
    return tuple(epochs - settings.left_at_latest(growths) for growths in remaining)


def start_depth(final_depth: int, growths: int) -> int:
    """Depth to start from so that so many growths end at ``final_depth``: 14 for 50 and two."""
    blocks, rest = divmod(blocks_of(final_depth), 2**growths)
    if rest or not blocks:
        reachable = [depth_of(n * 2**growths) for n in (max(blocks, 1), blocks + 1)]
        raise SettingError(
            f"{growths} growths cannot end at depth {final_depth}: its {blocks_of(final_depth)} "
            f"blocks a stage are no multiple of {2**growths}; expected a depth such as "
            f"{' or '.join(map(str, sorted(set(reachable))))}."
        )
    return depth_of(blocks)


def parameters_per_epoch(counts: Sequence[int], spans: Sequence[int]) -> float:
    """Mean number of parameters trained in an epoch: ``counts`` of the networks, each its epochs.

    0.3876 million for depths 14, 26, 50 with three input channels over 34, 10 and 20 epochs.
    """
    if len(counts) != len(spans) or sum(spans) < 1:
        raise SettingError(
            f"counts={list(counts)} and spans={list(spans)} do not agree: expected for each "
            f"network its parameters and its epochs, at least one in all."
        )
    return sum(n * span for n, span in zip(counts, spans, strict=True)) / sum(spans)


def cosine_rate(epoch: int, *, start: int, epochs: int, highest: float, lowest: float) -> float:
    """Learning rate of an epoch, counted from 0: half a cosine from ``start`` to the run's end.

    ``start`` is the first epoch of the network as it is, 0 or the epochs trained at its growth;
    there the rate is ``highest``. After ``epochs`` it would be ``lowest``.
    """
    if not 0 <= start <= epoch < epochs:
        raise SettingError(
            f"There is no learning rate for epoch={epoch} with start={start} and epochs={epochs}: "
            f"expected 0 <= start <= epoch < epochs."
        )
    share = (epoch - start) / (epochs - start)
    return lowest + (highest - lowest) / 2 * (1 + math.cos(math.pi * share))
