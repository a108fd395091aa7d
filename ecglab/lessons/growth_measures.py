"""What lesson 05 measures: the interval in a picture, steps too long, steepness, a jolt."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE, Beats
from ecglab.data.spectrogram import Spectrograms
from ecglab.models.growing import SCALINGS, Scaling, grow, residual_blocks
from ecglab.models.growth import GrowthSettings, Trigger
from ecglab.models.lipschitz import LipschitzEstimator
from ecglab.models.tableaus import EULER, RK4, integrate
from ecglab.training.batches import TensorBeats

BEAT_SHARE: Final = 1.2  # a row holds an R-R interval and a fifth of the next
FINE_STEPS: Final = 200


def row_lengths(beats: Beats) -> np.ndarray:
    """Number of values of each row before its zero padding; 187 where a row was cut."""
    filled = beats.values != 0
    return filled.shape[1] - filled[:, ::-1].argmax(axis=1)


@dataclass(frozen=True)
class Reading:
    """Row lengths over 1.2 (s) of test beats and what a linear fit reads from some of a picture.

    Where the rhythm is even, they are the R-R intervals.
    """

    true: Float[np.ndarray, " beats"]
    read: Float[np.ndarray, " beats"]

    @property
    def typical_error(self) -> float:
        """Median distance between true and read, in seconds."""
        return float(np.median(np.abs(self.read - self.true)))


def read_intervals(
    train: tuple[Beats, Spectrograms],
    test: tuple[Beats, Spectrograms],
    *,
    columns: int | None = None,
    penalty: float = 1e-3,
) -> Reading:
    """Fit row lengths over 1.2 (s) to pictures linearly and read those of the test beats.

    ``columns`` takes only the first of each picture. ``penalty`` (ridge regression, per beat)
    keeps pixels that say nothing from speaking. Rows that were cut at 187 values are left out.
    """

    def table(part: tuple[Beats, Spectrograms]) -> tuple[np.ndarray, np.ndarray]:
        beats, pictures = part
        lengths = row_lengths(beats)
        whole = lengths < BEAT_LENGTH
        pixels = pictures.values[whole, :, :columns].reshape(int(whole.sum()), -1)
        return pixels.astype(np.float64), lengths[whole] / BEAT_RATE / BEAT_SHARE

    pixels, seconds = table(train)
    centre, level = pixels.mean(0), seconds.mean()
    pixels = pixels - centre
    gram = pixels.T @ pixels + penalty * len(pixels) * np.eye(pixels.shape[1])
    weights = np.linalg.solve(gram, pixels.T @ (seconds - level))
    shown, true = table(test)
    return Reading(true, (shown - centre) @ weights + level)


def euler_errors(
    lipschitz: Float[np.ndarray, " fields"], steps: int
) -> Float[np.ndarray, " fields"]:
    """Distance of Euler's end from the exact one at t = 1, for fields that are ever steeper.

    The fields turn and bend the plane, y' = L tanh(R y) with R a quarter turn: L is the Lipschitz
    constant.
    """

    def f(t: float, y: np.ndarray) -> np.ndarray:
        return lipschitz * np.tanh(np.stack([-y[1], y[0]]))

    start = np.stack([np.ones_like(lipschitz), np.zeros_like(lipschitz)])
    exact = integrate(RK4, f, start, t0=0.0, t1=1.0, steps=FINE_STEPS)
    return np.linalg.norm(integrate(EULER, f, start, t0=0.0, t1=1.0, steps=steps) - exact, axis=0)


@dataclass(frozen=True)
class Steepness:
    """A residual's Lipschitz estimate, and its largest stretch between two of the beats seen."""

    block: str
    estimate: float
    seen: float


@torch.no_grad()
def block_steepness(
    model: nn.Module, probe: Float[Tensor, "batch channels *space"]
) -> list[Steepness]:
    """For each block the product of its layers' norms beside what pairs of beats really do."""
    model.eval()
    estimates = LipschitzEstimator(probe).per_block(model)
    given: dict[str, Tensor] = {}
    hooks = [
        block.register_forward_pre_hook(
            lambda _, inputs, name=name: given.update({name: inputs[0]})
        )
        for name, block in residual_blocks(model)
    ]
    model(probe)
    for hook in hooks:
        hook.remove()
    found = []
    for estimate, (name, block) in zip(estimates, residual_blocks(model), strict=True):
        before, after = given[name].flatten(1), block.residual(given[name]).flatten(1)
        stretch = torch.pdist(after) / torch.pdist(before).clamp(min=1e-6)
        found.append(Steepness(name, estimate, float(stretch.max())))
    return found


def growth_epoch(estimates: Sequence[float], settings: GrowthSettings, epochs: int) -> int | None:
    """After how many epochs a run with these estimates first grows; None if not within them."""
    trigger = Trigger(settings, epochs)
    return next((e + 1 for e, value in enumerate(estimates) if trigger.update(e, value)), None)


@dataclass(frozen=True)
class Jolt:
    """Mean loss of a part before and after growth, with batch statistics and with stored ones."""

    scaling: Scaling
    train_mode: tuple[float, float]
    eval_mode: tuple[float, float]


def jolts(model: nn.Module, part: TensorBeats) -> list[Jolt]:
    """Grow copies of a network with every scaling and measure the loss at that moment.

    The model itself stays as it is. In train mode batch norm uses the statistics of the part, in
    eval mode those that training has stored.
    """

    @torch.no_grad()
    def loss(network: nn.Module, *, training: bool) -> float:
        twin = copy.deepcopy(network).train(training)  # train mode would change what is stored
        return float(cross_entropy(twin(part.values), part.labels))

    before = {training: loss(model, training=training) for training in (True, False)}
    found = []
    for scaling in SCALINGS:
        grown = copy.deepcopy(model)
        grow(grown, scaling=scaling)
        after = {training: loss(grown, training=training) for training in (True, False)}
        found.append(Jolt(scaling, *((before[mode], after[mode]) for mode in (True, False))))
    return found
