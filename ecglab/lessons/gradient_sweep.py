"""One training batch through many solvers: what each way to the gradient costs, how exact it is."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from ecglab.data.beats import Beats
from ecglab.lessons.gradient_checks import gradients, relative_difference
from ecglab.lessons.gradient_costs import REFERENCE_STEPS, Activated
from ecglab.models.odenet import ODENet
from ecglab.models.solve import GRADIENTS, Solver
from ecglab.models.tableaus import TABLEAUS
from ecglab.training.batches import to_tensors
from ecglab.training.costs import seconds_of
from ecglab.training.meters import saved_bytes

Activation = Literal["ReLU", "Softplus"]
ACTIVATIONS: Final = {"ReLU": torch.relu, "Softplus": softplus}


@dataclass(frozen=True)
class GradientCost:
    """A training batch with one solver and its gradient.

    ``error`` is the relative distance of the gradient by all parameters from the reference,
    ``milliseconds`` are those of the forward and the backward pass, ``saved`` the bytes that
    autograd keeps between the two.
    """

    solver: Solver
    activation: Activation
    evaluations_forward: int
    evaluations_backward: int
    error: float
    milliseconds: float
    saved: int


@dataclass(frozen=True)
class GradientSweep:
    """Costs on one training batch of ``beats``; the reference took ``reference_steps`` of rk4."""

    costs: list[GradientCost]
    beats: int
    reference_steps: int


@dataclass(frozen=True)
class GradientProbe:
    """A copy of a network, one training batch, and the gradient that others are compared with."""

    model: ODENet
    activation: Activation
    values: Float[Tensor, "batch 1 time"]
    labels: Int[Tensor, " batch"]
    reference: tuple[Tensor, ...]

    def gradient(self) -> tuple[Tensor, ...]:
        """The gradient of the batch's loss by all parameters, with the copy's present solver."""
        return gradients(
            lambda: cross_entropy(self.model(self.values), self.labels),
            tuple(self.model.parameters()),
        )


def prepare_gradients(
    model: ODENet,
    batch: Beats,
    *,
    activation: Activation = "ReLU",
    reference_steps: int = REFERENCE_STEPS,
    device: torch.device | str = "cpu",
) -> GradientProbe:
    """Copy the network with this activation in its dynamics, and solve for a float64 reference.

    The reference takes many equal steps and differentiates them.
    """
    copy = deepcopy(model).to(device).train()
    copy.block.dynamics = Activated(copy.block.dynamics, ACTIVATIONS[activation])
    part = to_tensors(batch, device)
    exact = deepcopy(copy).double()
    exact.block.solver = Solver(method="rk4", steps=reference_steps, gradient="checkpoint")
    reference = GradientProbe(exact, activation, part.values.double(), part.labels, ()).gradient()
    return GradientProbe(copy, activation, part.values, part.labels, reference)


def ways_of(solver: Solver) -> list[Solver]:
    """The solver with every gradient that serves its method."""
    ways = [way for way in GRADIENTS if way != "checkpoint" or solver.method in TABLEAUS]
    return [replace(solver, gradient=way) for way in ways]


def measure_gradient(probe: GradientProbe, solver: Solver) -> GradientCost:
    """Cost and error of one solver with its gradient; raise SolverError where it gives up."""
    probe.model.block.solver = solver
    found: list[Tensor] = []
    with torch.enable_grad():  # a widget's callback may run without
        saved = saved_bytes(lambda: probe.model(probe.values))  # and warms up
        seconds = seconds_of(lambda: found.extend(probe.gradient()), probe.values.device)
    report = probe.model.block.report
    return GradientCost(
        solver=solver,
        activation=probe.activation,
        evaluations_forward=report.evaluations_forward,
        evaluations_backward=report.evaluations_backward,
        error=relative_difference([part.double() for part in found], probe.reference),
        milliseconds=1e3 * seconds,
        saved=saved,
    )


def gradient_sweep(
    probes: Sequence[GradientProbe],
    using: Sequence[Solver],
    *,
    reference_steps: int = REFERENCE_STEPS,
    rounds: int = 1,
) -> GradientSweep:
    """Measure every solver in ``using`` with every gradient that serves it, on each probe.

    Of several ``rounds`` the fastest counts: a busy moment of the machine spoils one of them.
    """
    asked = [(probe, way) for probe in probes for solver in using for way in ways_of(solver)]
    measured = [[measure_gradient(*pair) for pair in asked] for _ in range(rounds)]
    costs = [
        min(repeats, key=lambda cost: cost.milliseconds) for repeats in zip(*measured, strict=True)
    ]
    return GradientSweep(costs, len(probes[0].labels), reference_steps)
