"""What a gradient through a solver costs and how exact it is: memory, work, the way back."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ecglab.errors import SolverError
from ecglab.lessons.gradient_checks import relative_difference
from ecglab.models import ODENet, Solver, solve
from ecglab.models.adjoint import integrate_adjoint, odeint_with_adjoint
from ecglab.models.checkpointed import integrate_checkpointed
from ecglab.models.odenet import Dynamics
from ecglab.models.solve import GRADIENTS, Gradient
from ecglab.models.tableaus import RK4, Tableau, integrate, trajectory
from ecglab.training.meters import saved_bytes

REFERENCE_STEPS: Final = 64  # of rk4; the next doubling moves a ReLU gradient by less than 1e-3


@dataclass(frozen=True)
class Memory:
    """Memory of one training batch in bytes.

    ``kept`` is what autograd holds between the forward and the backward pass, ``peak`` the most
    that the batch's tensors take together at any time, the backward pass included.
    """

    gradient: Gradient
    steps: int
    evaluations: int
    kept: int
    peak: int


@dataclass(frozen=True)
class Accuracy:
    """Work and error of an adaptive adjoint at one tolerance; the error is relative."""

    dynamics: str
    tolerance: float
    evaluations_forward: int
    evaluations_backward: int
    error: float


@dataclass(frozen=True)
class Discretisation:
    """Relative difference of the adjoint's gradient from the direct one, both with equal steps."""

    dynamics: str
    steps: int
    difference: float


@dataclass(frozen=True)
class Return:
    """How far a state solved forward and back again ends from where it began.

    ``forward`` is the relative error at t1, ``home`` the relative distance from the start, None
    where the solver gave up on its way.
    """

    dynamics: str
    tolerance: float
    forward: float
    home: float | None


class Activated(nn.Module):
    """The course's dynamics with another activation in place of ReLU; the weights are shared."""

    def __init__(self, dynamics: Dynamics, activation: Callable[[Tensor], Tensor]):
        super().__init__()
        self.dynamics = dynamics
        self.activation = activation

    def forward(
        self, t: float | Tensor, y: Float[Tensor, "batch width time"]
    ) -> Float[Tensor, "batch width time"]:
        inner = self.dynamics
        y = inner.conv1(t, self.activation(inner.norm1(y)))
        y = inner.conv2(t, self.activation(inner.norm2(y)))
        return inner.norm3(y)


class LiveBytes(TorchDispatchMode):
    """Follows every tensor that an operation makes while open; ``peak`` is the most alive at once.

    It sees the backward pass too, and counts views once.
    """

    def __init__(self):
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.alive = 0
        self.peak = 0

    def forget(self, key: int) -> None:
        self.alive -= self.sizes.pop(key)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                key = storage._cdata
                if key not in self.sizes:
                    self.sizes[key] = storage.nbytes()
                    self.alive += self.sizes[key]
                    weakref.finalize(storage, self.forget, key)
        self.peak = max(self.peak, self.alive)
        return result


def peak_bytes(compute: Callable[[], object]) -> int:
    """The most that the tensors made by ``compute()`` take together at any one time, in bytes."""
    with LiveBytes() as live:
        compute()
    return live.peak


def measure_memory(
    values: Float[Tensor, "batch 1 time"],
    labels: Int[Tensor, " batch"],
    *,
    steps: Sequence[int],
    gradients: Sequence[Gradient] = GRADIENTS,
    width: int = 64,
    method: str = "rk4",
    seed: int = 0,
) -> list[Memory]:
    """Memory of a training batch of the ODENet for each gradient and each number of steps."""
    rows = []
    for gradient in gradients:
        for count in steps:
            torch.manual_seed(seed)
            model = ODENet(width, method=method, steps=count, gradient=gradient).to(values.device)

            def train(model: ODENet = model) -> None:
                cross_entropy(model(values), labels).backward()

            kept = saved_bytes(lambda model=model: model(values))
            peak = peak_bytes(train)
            evaluations = model.block.report.evaluations_forward
            rows.append(Memory(gradient, count, evaluations, kept, peak))
    return rows


def reference_gradient(
    dynamics: nn.Module, y0: Float[Tensor, "*state"], weight: Float[Tensor, "*state"]
) -> tuple[Tensor, ...]:
    """Gradient of sum(weight * y(1)) by the parameters, from many small steps."""
    loss = (weight * integrate_checkpointed(RK4, dynamics, y0, steps=REFERENCE_STEPS)).sum()
    return torch.autograd.grad(loss, tuple(dynamics.parameters()))


def measure_accuracy(
    name: str,
    dynamics: nn.Module,
    y0: Float[Tensor, "*state"],
    weight: Float[Tensor, "*state"],
    tolerances: Sequence[float],
    *,
    seminorm: bool = False,
) -> list[Accuracy]:
    """Evaluations and gradient error of dopri5's adjoint, for the loss sum(weight * y(1))."""
    expected = reference_gradient(dynamics, y0, weight)
    parameters = tuple(dynamics.parameters())
    rows = []
    for tolerance in tolerances:
        calls = 0

        def counted(t: Tensor, y: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return dynamics(t, y)

        y1 = odeint_with_adjoint(
            counted, y0, rtol=tolerance, atol=tolerance, seminorm=seminorm, parameters=parameters
        )
        forward = calls
        found = torch.autograd.grad((weight * y1).sum(), parameters)
        error = relative_difference(found, expected)
        rows.append(Accuracy(name, tolerance, forward, calls - forward, error))
    return rows


def measure_discretisation(
    name: str,
    dynamics: nn.Module,
    y0: Float[Tensor, "*state"],
    weight: Float[Tensor, "*state"],
    steps: Sequence[int],
) -> list[Discretisation]:
    """How far the adjoint's gradient is from the direct one as rk4 takes more steps."""
    parameters = tuple(dynamics.parameters())
    rows = []
    for count in steps:
        found = [
            torch.autograd.grad((weight * carry(RK4, dynamics, y0, steps=count)).sum(), parameters)
            for carry in (integrate_adjoint, integrate)
        ]
        rows.append(Discretisation(name, count, relative_difference(*found)))
    return rows


@torch.no_grad()
def measure_return(
    name: str,
    dynamics: nn.Module,
    y0: Float[Tensor, "*state"],
    tolerances: Sequence[float],
    *,
    method: str = "dopri5",
) -> list[Return]:
    """Solve from t = 0 to 1 and back with the same solver, and see where the state arrives."""
    expected = integrate(RK4, dynamics, y0, steps=REFERENCE_STEPS)
    rows = []
    for tolerance in tolerances:
        solver = Solver(method=method, rtol=tolerance, atol=tolerance)
        y1, _ = solve(dynamics, y0, solver)
        try:
            back, _ = solve(dynamics, y1, solver, t0=1.0, t1=0.0)
            home = relative_difference([back], [y0])
        except SolverError:
            home = None
        rows.append(Return(name, tolerance, relative_difference([y1], [expected]), home))
    return rows


def there_and_back(
    tableau: Tableau,
    f: Callable[[float, np.ndarray], np.ndarray],
    y0: Float[np.ndarray, " dimension"],
    *,
    t1: float,
    steps: int,
) -> tuple[Float[np.ndarray, "times dimension"], Float[np.ndarray, "times dimension"]]:
    """The states on the way from t = 0 to ``t1``, and those on the way back from there."""
    there = [y for _, y in trajectory(tableau, f, y0, t1=t1, steps=steps)]
    back = [y for _, y in trajectory(tableau, f, there[-1], t0=t1, t1=0.0, steps=steps)]
    return np.array(there), np.array(back)
