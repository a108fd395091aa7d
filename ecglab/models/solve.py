"""Solve y' = f(t, y) with torchdiffeq, and keep a record of what the solver did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchdiffeq import odeint, odeint_adjoint

from ecglab.errors import SettingError, SolverError
from ecglab.models.tableaus import TABLEAUS, integrate

Gradient = Literal["adjoint", "direct"]
GRADIENTS: Final = ("adjoint", "direct")
ADAPTIVE_METHODS: Final = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")
FIXED_METHODS: Final = ("euler", "midpoint", "heun2", "heun3", "rk4")
METHODS: Final = ADAPTIVE_METHODS + FIXED_METHODS


@dataclass(frozen=True, kw_only=True)
class Solver:
    """How an ODE is solved and differentiated.

    ``rtol`` and ``atol`` steer the adaptive methods, ``steps`` (equal steps over the interval,
    None means one) the fixed ones. ``gradient="adjoint"`` solves a second ODE backwards (Chen et
    al. 2018), ``"direct"`` differentiates through the solver's own operations.
    """

    method: str = "dopri5"
    rtol: float = 1e-3
    atol: float = 1e-3
    steps: int | None = None
    gradient: Gradient = "adjoint"

    def __post_init__(self):
        if self.method not in METHODS:
            raise SettingError(
                f"Unknown solver method={self.method!r}: expected an adaptive one "
                f"({', '.join(ADAPTIVE_METHODS)}) or a fixed one ({', '.join(FIXED_METHODS)})."
            )
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise SettingError(
                    f"The tolerance {name}={value} cannot be met: expected a positive number such "
                    f"as 1e-3."
                )
        if self.gradient not in GRADIENTS:
            raise SettingError(
                f"Unknown gradient={self.gradient!r}: expected one of {', '.join(GRADIENTS)}."
            )
        if self.steps is not None and self.adaptive:
            raise SettingError(
                f"steps={self.steps} has no meaning for the adaptive method {self.method!r}, which "
                f"chooses its own: give rtol and atol, or a fixed method such as 'rk4'."
            )
        if self.steps is not None and self.steps < 1:
            raise SettingError(f"A solve needs at least one step, found steps={self.steps}.")

    @property
    def adaptive(self) -> bool:
        """Whether the method chooses its own steps."""
        return self.method in ADAPTIVE_METHODS

    @property
    def unrolled(self) -> bool:
        """Whether our own fixed-step loop serves it: direct gradients, no copies, compiles."""
        return self.gradient == "direct" and self.method in TABLEAUS


@dataclass
class SolverReport:
    """What one solve did: evaluations of the dynamics and where the solver stepped.

    ``accepted`` and ``rejected`` hold (t, step length) pairs of the forward solve.
    ``evaluations_backward`` counts the adjoint's evaluations and is 0 with direct gradients,
    whose backward pass runs through the forward evaluations.
    """

    evaluations_forward: int = 0
    evaluations_backward: int = 0
    accepted: list[tuple[float, float]] = field(default_factory=list)
    rejected: list[tuple[float, float]] = field(default_factory=list)


class Observed:
    """Dynamics that count their evaluations, forward until `returned` is set, then backward.

    It is not a module: a counter inside one makes torch.compile start anew for every value.
    """

    def __init__(self, dynamics: Callable[[Tensor, Tensor], Tensor], report: SolverReport, fixed):
        self.dynamics = dynamics
        self.report = report
        self.returned = False
        if fixed:
            self.callback_step = self.keep_accepted
        else:
            self.callback_accept_step = self.keep_accepted
            self.callback_reject_step = self.keep_rejected

    def __call__(self, t: Tensor, y: Tensor) -> Tensor:
        if self.returned:
            self.report.evaluations_backward += 1
        else:
            self.report.evaluations_forward += 1
        return self.dynamics(t, y)

    def keep_accepted(self, t: Tensor, y: Tensor, h: Tensor) -> None:
        self.report.accepted.append((float(t), float(h)))

    def keep_rejected(self, t: Tensor, y: Tensor, h: Tensor) -> None:
        self.report.rejected.append((float(t), float(h)))


def fixed_report(solver: Solver, t0: float = 0.0, t1: float = 1.0) -> SolverReport:
    """The record of an unrolled fixed-step solve, which is known without running it."""
    steps = solver.steps or 1
    h = (t1 - t0) / steps
    return SolverReport(
        evaluations_forward=steps * TABLEAUS[solver.method].stages,
        accepted=[(t0 + i * h, h) for i in range(steps)],
    )


def solve(
    dynamics: nn.Module,
    y0: Float[Tensor, "*state"],
    solver: Solver,
    *,
    t0: float = 0.0,
    t1: float = 1.0,
) -> tuple[Float[Tensor, "*state"], SolverReport]:
    """Return the state at ``t1`` and the record of the solve, its backward part still to come.

    Raises SolverError when the step underflows or the state is not finite. torchdiffeq measures
    the error over the whole batch: with an adaptive method a beat's answer depends slightly on
    the other beats of its batch.
    """
    if solver.unrolled:
        y = integrate(TABLEAUS[solver.method], dynamics, y0, t0=t0, t1=t1, steps=solver.steps or 1)
        if not torch.compiler.is_compiling():
            require_finite(y, solver)
        return y, fixed_report(solver, t0, t1)
    report = SolverReport()
    observed = Observed(dynamics, report, not solver.adaptive)
    times = torch.tensor([t0, t1], dtype=y0.dtype, device=y0.device)
    settings = {"rtol": solver.rtol, "atol": solver.atol, "method": solver.method}
    if not solver.adaptive:
        steps = solver.steps or 1

        def grid(f, y, t):
            return torch.linspace(
                float(t[0]), float(t[-1]), steps + 1, dtype=t.dtype, device=t.device
            )

        settings["options"] = {"grid_constructor": grid}
    try:
        if solver.gradient == "adjoint":
            parameters = tuple(p for p in dynamics.parameters() if p.requires_grad)
            states = odeint_adjoint(observed, y0, times, adjoint_params=parameters, **settings)
        else:
            states = odeint(observed, y0, times, **settings)
    except AssertionError as error:
        raise explained(error, solver) from error
    observed.returned = True
    require_finite(states[-1], solver)
    return states[-1], report


def require_finite(y: Tensor, solver: Solver) -> None:
    """Raise SolverError where a state has become infinite or not a number."""
    if not torch.isfinite(y).all():
        raise SolverError(
            f"The state is no longer finite after solving with {solver.method}: the dynamics grow "
            f"too fast. Lower the learning rate, clip the gradient or take "
            f"{'a smaller tolerance' if solver.adaptive else 'more steps'}."
        )


def explained(error: AssertionError, solver: Solver) -> SolverError:
    """torchdiffeq's assertion as a sentence that says which argument to change."""
    found = str(error)
    if "underflow" in found:
        return SolverError(
            f"{solver.method} cannot reach rtol={solver.rtol:g}, atol={solver.atol:g}: its step "
            f"became too small for {found.removeprefix('underflow in dt ')} to advance the time. "
            f"Loosen the tolerances, use smoother dynamics (Softplus for ReLU) or a fixed method."
        )
    if "non-finite" in found:
        return SolverError(
            f"The state is no longer finite while solving with {solver.method}: the dynamics grow "
            f"too fast. Lower the learning rate, clip the gradient or loosen the tolerances."
        )
    return SolverError(f"{solver.method} stopped: {found}. Loosen the tolerances.")
