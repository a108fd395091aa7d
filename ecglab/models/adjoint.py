"""The continuous adjoint from scratch: gradients from a second ODE, solved backwards in time.

With a(t) = +dL/dy(t) the loss reaches back along a' = -a df/dy, and every other gradient is an
integral along it. Sources: L. S. Pontryagin et al., The Mathematical Theory of Optimal Processes
(1962); R. T. Q. Chen et al., Neural Ordinary Differential Equations (2018), appendix B; the
seminorm: P. Kidger, R. T. Q. Chen, T. Lyons, "Hey, that's not an ODE" (2021).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torchdiffeq import odeint

from ecglab.errors import SettingError, SolverError
from ecglab.models.tableaus import Tableau, integrate

Field = Callable[[Any, Any], Any]
Carry = Callable[[Field, Any, Tensor, Tensor], Any]  # (field, state at one time, from, to) -> state


@dataclass(frozen=True)
class Augmented:
    """What travels backwards: the state, its adjoint a = dL/dy, and the gradients gathered so far.

    It adds and scales like a number, so that any Runge-Kutta step serves it.
    """

    y: Tensor
    adjoint: Tensor
    time: Tensor
    parameters: tuple[Tensor, ...]

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """All tensors in a row: state, adjoint, time, parameters."""
        return (self.y, self.adjoint, self.time, *self.parameters)

    @classmethod
    def of(cls, parts: Sequence[Tensor]) -> "Augmented":
        """The state made of ``parts`` in their order."""
        return cls(parts[0], parts[1], parts[2], tuple(parts[3:]))

    def __add__(self, other: "Augmented") -> "Augmented":
        return Augmented.of([p + q for p, q in zip(self.parts, other.parts, strict=True)])

    def __rmul__(self, factor: float | Tensor) -> "Augmented":
        return Augmented.of([factor * part for part in self.parts])


def augmented_field(
    f: Field, parameters: Sequence[Tensor]
) -> Callable[[float | Tensor, Augmented], Augmented]:
    """The vector field (f, -a df/dy, -a df/dt, -a df/dparameters) of the augmented state.

    One evaluation of f and one vector-Jacobian product give all four; no Jacobian is formed.
    """

    def field(t: float | Tensor, state: Augmented) -> Augmented:
        with torch.enable_grad():
            y = state.y.detach().requires_grad_()
            t = torch.as_tensor(t, dtype=y.dtype, device=y.device).detach().requires_grad_()
            slope = f(t, y)
            products = torch.autograd.grad(
                slope,
                (y, t, *parameters),
                -state.adjoint,
                allow_unused=True,
                materialize_grads=True,
            )
        return Augmented.of([slope.detach(), *products])

    return field


class AdjointSolve(torch.autograd.Function):
    """Solves forward without a graph; the backward pass solves the augmented ODE.

    Only the final state is kept, however many evaluations the solve took.
    """

    @staticmethod
    def forward(
        ctx, f: Field, carry: Carry, y0: Tensor, t0: Tensor, t1: Tensor, *parameters: Tensor
    ) -> Tensor:
        y1 = carry(f, y0, t0, t1)
        ctx.f, ctx.carry = f, carry
        ctx.save_for_backward(y1, t0, t1, *parameters)
        return y1

    @staticmethod
    @once_differentiable  # a second derivative would need the graph that was never built
    def backward(ctx, adjoint: Tensor):
        y1, t0, t1, *parameters = ctx.saved_tensors
        of_t1 = torch.zeros_like(t1)
        if any(ctx.needs_input_grad[3:5]):
            of_t1 = (adjoint * ctx.f(t1, y1)).sum().to(t1)  # ending later moves y1 along f
        nothing = tuple(torch.zeros_like(p) for p in parameters)
        end = Augmented(y1, adjoint, -of_t1, nothing)
        start = ctx.carry(augmented_field(ctx.f, parameters), end, t1, t0)
        return None, None, start.adjoint, start.time, of_t1, *start.parameters


def run(
    f: Field,
    carry: Carry,
    y0: Tensor,
    t0: float | Tensor,
    t1: float | Tensor,
    parameters: Iterable[Tensor] | None,
) -> Tensor:
    """Apply `AdjointSolve` with times as tensors and the parameters that need a gradient."""
    if parameters is None:
        parameters = f.parameters() if isinstance(f, nn.Module) else ()
    start, end = (torch.as_tensor(t, dtype=y0.dtype, device=y0.device) for t in (t0, t1))
    wanted = [p for p in parameters if p.requires_grad]
    return AdjointSolve.apply(f, carry, y0, start, end, *wanted)


def integrate_adjoint(
    tableau: Tableau,
    f: Field,
    y0: Float[Tensor, "*state"],
    *,
    t0: float | Float[Tensor, ""] = 0.0,
    t1: float | Float[Tensor, ""] = 1.0,
    steps: int = 1,
    parameters: Iterable[Tensor] | None = None,
) -> Float[Tensor, "*state"]:
    """`integrate` with adjoint gradients for y0, t0, t1 and ``parameters``.

    Both directions take ``steps`` equal steps of ``tableau``. ``parameters`` are the tensors that
    ``f`` uses; None takes those of ``f`` where it is a module. The gradient is that of the exact
    solution, up to the error of the steps: it differs slightly from the gradient of ``integrate``.
    """

    def carry(field: Field, state: Any, start: Tensor, end: Tensor) -> Any:
        return integrate(tableau, field, state, t0=start, t1=end, steps=steps)

    return run(f, carry, y0, t0, t1, parameters)


def odeint_with_adjoint(
    f: Field,
    y0: Float[Tensor, "*state"],
    *,
    t0: float | Float[Tensor, ""] = 0.0,
    t1: float | Float[Tensor, ""] = 1.0,
    method: str = "dopri5",
    rtol: float = 1e-3,
    atol: float = 1e-3,
    seminorm: bool = False,
    parameters: Iterable[Tensor] | None = None,
) -> Float[Tensor, "*state"]:
    """`integrate_adjoint` with one of torchdiffeq's adaptive methods for both directions.

    ``seminorm`` lets only the state, its adjoint and the time steer the backward steps: gradients
    of parameters are integrals, which do not feed back, so their error needs no watch.
    Raises SolverError where no step is small enough.
    """
    if t0 == t1:
        raise SettingError(f"There is nothing to solve from t0={t0} to t1={t1}: give another t1.")

    def watched(parts: tuple[Tensor, ...]) -> Tensor:
        return torch.stack([part.square().mean().sqrt() for part in parts[:3]]).max()

    def carry(field: Field, state: Any, start: Tensor, end: Tensor) -> Any:
        backwards = isinstance(state, Augmented)
        options = {"norm": watched} if backwards and seminorm else None

        def of_parts(t: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return field(t, Augmented.of(parts)).parts

        try:
            states = odeint(
                of_parts if backwards else field,
                state.parts if backwards else state,
                torch.stack([start, end]),
                rtol=rtol,
                atol=atol,
                method=method,
                options=options,
            )
        except AssertionError as error:  # torchdiffeq's word for a step that became too small
            raise SolverError(
                f"{method} cannot reach rtol={rtol:g}, atol={atol:g} on its way from "
                f"t={float(start):g} to t={float(end):g} ({error}). Loosen them, or use a fixed "
                f"method with `integrate_adjoint`."
            ) from error
        if backwards:
            return Augmented.of([part[-1] for part in states])
        return states[-1]

    return run(f, carry, y0, t0, t1, parameters)
