"""A network and its test beats, ready to be solved by any solver and compared with a reference."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ecglab.data.beats import Beats
from ecglab.lessons.follow import follow
from ecglab.models.odenet import ODENet
from ecglab.models.solve import Solver, SolverReport
from ecglab.training.batches import TensorBeats, to_tensors
from ecglab.training.costs import seconds_of

REFERENCE: Final = Solver(method="dopri5", rtol=1e-6, atol=1e-6, gradient="direct")


@dataclass(frozen=True)
class Outcome:
    """What one solver gave: class and y(1) of every beat, record and seconds of every batch.

    ``path`` holds the example beats' states at ``times``; ``followed`` is the record of the first
    batch, which they are in.
    """

    classes: Int[Tensor, " beats"]
    states: Float[Tensor, "beats features"]
    reports: list[SolverReport]
    seconds: list[float]
    times: list[float]
    path: Float[Tensor, "examples times features"]
    followed: SolverReport


@dataclass(frozen=True)
class Probe:
    """A network and test beats, ready to be solved by any solver.

    The first ``examples`` beats are the examples; every solve is compared with ``reference``;
    ``centre`` and ``axes`` span the plane in which the paths are drawn.
    """

    model: ODENet
    part: TensorBeats
    batch_size: int
    examples: int
    reference: Outcome
    centre: Float[Tensor, " features"]
    axes: Float[Tensor, "features 2"]
    explained: float


@torch.no_grad()
def outcome(
    model: ODENet, part: TensorBeats, solver: Solver, *, batch_size: int, examples: int
) -> Outcome:
    """Solve every beat with ``solver``; the network's own solver stays as it is."""
    before, model.block.solver = model.block.solver, solver
    states: list[Tensor] = []
    hook = model.block.register_forward_hook(lambda block, args, y: states.append(y.flatten(1)))
    classes, reports, seconds = [], [], []

    def classify(values: Tensor) -> None:
        classes.append(model(values).argmax(1))

    try:
        for values in part.values.split(batch_size):
            seconds.append(seconds_of(partial(classify, values), values.device))
            reports.append(model.block.report)
    finally:
        hook.remove()
        model.block.solver = before
    first = model.downsampling(part.values[:batch_size])
    times, path, followed = follow(model.block.dynamics, first, solver)
    return Outcome(
        torch.cat(classes),
        torch.cat(states),
        reports,
        seconds,
        times,
        torch.stack([y[:examples].flatten(1) for y in path], 1),
        followed,
    )


@torch.no_grad()
def prepare(
    model: ODENet,
    beats: Beats,
    *,
    batch_size: int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> tuple[Probe, Beats]:
    """Shuffle the beats, one of every class first, and solve them with the reference.

    Returns the probe and the beats in its order. Published test rows come sorted by class; in
    that order a batch would hold one class alone.
    """
    order = np.random.default_rng(seed).permutation(len(beats))
    labels = beats.labels[order]
    first = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]
    order = np.concatenate([order[first], np.delete(order, first)])
    beats = beats.take(order)
    model.to(device).eval()
    part = to_tensors(beats, device)
    model(part.values[:batch_size])  # the first pass of all warms up and would count as slow
    reference = outcome(model, part, REFERENCE, batch_size=batch_size, examples=len(first))
    points = reference.path.flatten(0, 1)
    centre = points.mean(0)
    _, lengths, directions = torch.linalg.svd(points - centre, full_matrices=False)
    axes = directions[:2].T
    # The sign of a principal axis is arbitrary: its largest entry is made positive.
    axes = axes * torch.sign(axes.gather(0, axes.abs().argmax(0, keepdim=True)))
    explained = float((lengths[:2] ** 2).sum() / (lengths**2).sum())
    return Probe(model, part, batch_size, len(first), reference, centre, axes, explained), beats
