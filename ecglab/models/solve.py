"""Solve y' = f(t, y) with torchdiffeq, and keep a record of what the solver did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchdiffeq import odeint, odeint_adjoint

from ecglab.errors import SettingError, SolverError
from ecglab.models.checkpointed import integrate_checkpointed
from ecglab.models.dopri5 import LIST_DOPRI5
from ecglab.models.tableaus import TABLEAUS, integrate

Gradient = Literal["adjoint", "direct", "checkpoint"]
GRADIENTS: Final = ("adjoint", "direct", "checkpoint")
ADAPTIVE_METHODS: Final = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun", LIST_DOPRI5)
FIXED_METHODS: Final = ("euler", "midpoint", "heun2", "heun3", "rk4")
METHODS: Final = ADAPTIVE_METHODS + FIXED_METHODS
MOST_STEPS: Final = 20_000  # an adaptive solve that tries more makes no headway


@dataclass(frozen=True, kw_only=True)
class Solver:
    """How an ODE is solved and differentiated.

    ``rtol`` and ``atol`` steer the adaptive methods, ``steps`` (equal steps over the interval,
    None means one) the fixed ones. ``gradient="adjoint"`` solves a second ODE backwards (Chen et
    al. 2018), ``"direct"`` differentiates through the solver's own operations, ``"checkpoint"``
    does the same but keeps only the state before each step and runs the steps once more.
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
        if self.gradient == "checkpoint" and self.method not in TABLEAUS:
            raise SettingError(
                f"gradient='checkpoint' runs the steps of a fixed method again, found "
                f"method={self.method!r}: take 'euler', 'midpoint', 'heun2' or 'rk4' and steps, or "
                f"another gradient."
            )
        if self.steps is not None and self.adaptive:
            raise SettingError(
                f"steps={self.steps} has no meaning for the adaptive method {self.method!r}, which "
                f"chooses its own: give rtol and atol, or a fixed method such as 'rk4'."
            )
        if self.steps is not None and not (isinstance(self.steps, int) and self.steps >= 1):
            raise SettingError(
                f"steps={self.steps!r} cannot divide the interval: expected a whole number from 1."
            )

    @property
    def adaptive(self) -> bool:
        """Whether the method chooses its own steps."""
        return self.method in ADAPTIVE_METHODS

    @property
    def unrolled(self) -> bool:
        """Whether our own fixed-step loop serves it: exact gradients, no copies, compiles."""
        return self.gradient != "adjoint" and self.method in TABLEAUS


@dataclass
class SolverReport:
    """What one solve did: evaluations of the dynamics and where the solver stepped.

    ``accepted`` and ``rejected`` hold (t, step length) pairs of the forward solve.
    ``evaluations_backward`` counts the adjoint's evaluations. It is 0 with direct gradients, whose
    backward pass runs through the forward evaluations; with ``"checkpoint"`` a backward pass
    repeats them all.
    """

    evaluations_forward: int = 0
    evaluations_backward: int = 0
    accepted: list[tuple[float, float]] = field(default_factory=list)
    rejected: list[tuple[float, float]] = field(default_factory=list)


class Observed:
    """Dynamics that count their evaluations and are watched as a solver steps along them.

    Evaluations count forward until `returned` is set, then backward. torchdiffeq calls the
    ``callback_`` methods; those ending in ``_adjoint`` belong to the backward solve. It is not a
    module: a counter inside one makes torch.compile start anew for every value.
    """

    def __init__(
        self,
        dynamics: Callable[[Tensor, Tensor], Tensor],
        report: SolverReport,
        solver: Solver,
        forward_in_time: bool,
    ):
        self.dynamics = dynamics
        self.report = report
        self.solver = solver
        self.forward_in_time = forward_in_time
        self.returned = False
        self.tried = 0
        if solver.adaptive:
            self.callback_step = self.callback_step_adjoint = self.require_progress
            self.callback_accept_step = self.keep_accepted
            self.callback_reject_step = self.keep_rejected
        else:
            self.callback_step = self.keep_accepted

    def __call__(self, t: Tensor, y: Tensor) -> Tensor:
        if self.returned:
            self.report.evaluations_backward += 1
        else:
            self.report.evaluations_forward += 1
        return self.dynamics(t, y)

    def keep_accepted(self, t: Tensor, y: Tensor, h: Tensor) -> None:
        self.report.accepted.append((t.item(), h.item()))

    def keep_rejected(self, t: Tensor, y: Tensor, h: Tensor) -> None:
        self.report.rejected.append((t.item(), h.item()))

    def require_progress(self, t: Tensor, y: Tensor | tuple[Tensor, ...], h: Tensor) -> None:
        """Raise SolverError before a step from a state that is not finite or that gains no time."""
        self.tried += 1
        parts = y if isinstance(y, tuple) else (y,)
        # A slope that is not finite leaves no error to steer by: the step becomes 0 or NaN.
        if not (h > 0 and torch.stack([torch.isfinite(part).all() for part in parts]).all()):
            raise SolverError(not_finite(self.solver, "adjoint" if self.returned else "state"))
        ahead = self.forward_in_time is not self.returned
        if t == (t + h if ahead else t - h):
            raise SolverError(self.no_headway(f"underflow of its step to {h.item():.2g}", t))
        if self.tried > MOST_STEPS:
            raise SolverError(self.no_headway(f"more than {MOST_STEPS:,} steps", t))

    def no_headway(self, found: str, t: Tensor) -> str:
        """The sentence on a solve that its tolerances hold up."""
        return (
            f"{self.solver.method} cannot reach rtol={self.solver.rtol:g}, "
            f"atol={self.solver.atol:g} ({found} at t={t.item():.6g}): loosen rtol and atol, use "
            f"smoother dynamics (Softplus for ReLU) or a fixed method such as 'rk4'."
        )


def exact_slope(dynamics: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensor], Tensor]:
    """The dynamics with slopes of the state's type, whatever autocast makes of their layers."""
    return lambda t, y: dynamics(t, y).to(y.dtype)


def fixed_report(solver: Solver, t0: float = 0.0, t1: float = 1.0) -> SolverReport:
    """The record of an unrolled fixed-step solve, which is known without running it."""
    steps = solver.steps or 1
    h = (t1 - t0) / steps
    evaluations = steps * TABLEAUS[solver.method].stages
    return SolverReport(
        evaluations_forward=evaluations,
        evaluations_backward=evaluations if solver.gradient == "checkpoint" else 0,
        accepted=[(t0 + i * h, abs(h)) for i in range(steps)],
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

    Raises SolverError when the step underflows or the state is not finite, also in the backward
    pass of ``gradient="adjoint"``. torchdiffeq measures
    the error over the whole batch: with an adaptive method a beat's answer depends slightly on
    the other beats of its batch. Under autocast the dynamics round and the state stays in float32.
    """
    if t0 == t1:
        raise SettingError(f"There is nothing to solve from t0={t0} to t1={t1}: give another t1.")
    if torch.is_autocast_enabled(y0.device.type):
        y0 = y0.float()  # what a layer before it has rounded would make the solver round too
    if solver.unrolled:
        carry = integrate_checkpointed if solver.gradient == "checkpoint" else integrate
        slope = exact_slope(dynamics)
        y = carry(TABLEAUS[solver.method], slope, y0, t0=t0, t1=t1, steps=solver.steps or 1)
        report = fixed_report(solver, t0, t1)
    else:
        y, report = solve_with_torchdiffeq(dynamics, y0, solver, t0, t1)
    if not torch.compiler.is_compiling() and not torch.isfinite(y).all():
        raise SolverError(not_finite(solver, "state"))
    return y, report


@torch.compiler.disable  # its loop breaks into dozens of graphs, or does not compile at all
def solve_with_torchdiffeq(
    dynamics: nn.Module, y0: Tensor, solver: Solver, t0: float, t1: float
) -> tuple[Tensor, SolverReport]:
    """Every adaptive method, and every fixed one with adjoint gradients."""
    report = SolverReport()
    observed = Observed(exact_slope(dynamics), report, solver, t0 < t1)
    times = torch.tensor([t0, t1], dtype=y0.dtype, device=y0.device)
    settings = {"rtol": solver.rtol, "atol": solver.atol, "method": solver.method}
    if not solver.adaptive:
        steps = solver.steps or 1

        def grid(f, y, t):
            return torch.linspace(
                float(t[0]), float(t[-1]), steps + 1, dtype=t.dtype, device=t.device
            )

        settings["options"] = {"grid_constructor": grid}
    if solver.gradient == "adjoint":
        # torchdiffeq's adjoint, not `models.adjoint`, though both give the same numbers (tested):
        # its callbacks tell where the solver stepped and when the backward solve fails.
        parameters = tuple(p for p in dynamics.parameters() if p.requires_grad)
        states = odeint_adjoint(observed, y0, times, adjoint_params=parameters, **settings)
    else:
        states = odeint(observed, y0, times, **settings)
    observed.returned = True
    return states[-1], report


def not_finite(solver: Solver, what: str) -> str:
    """The sentence on a state, or on the adjoint of the backward solve, that blew up."""
    finer = "loosen the tolerances" if solver.adaptive else "take more steps"
    return (
        f"The {what} is no longer finite with method={solver.method!r}: the dynamics grow too "
        f"fast. Lower the learning rate, clip the gradient or {finer}."
    )
