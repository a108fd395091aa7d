"""Follow a solve from step to step: the state after each of them, and how it moves."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchdiffeq import odeint

from ecglab.errors import SettingError
from ecglab.models.solve import Observed, Solver, SolverReport, fixed_report
from ecglab.models.tableaus import TABLEAUS, trajectory


class Followed(Observed):
    """Dynamics that also keep the state at the start of every accepted step."""

    def __init__(self, dynamics: nn.Module, report: SolverReport, solver: Solver):
        super().__init__(dynamics, report, solver, forward_in_time=True)
        self.states: list[Tensor] = []

    def keep_accepted(self, t: Tensor, y: Tensor, h: Tensor) -> None:
        super().keep_accepted(t, y, h)
        self.states.append(y)


@torch.no_grad()
def follow(
    dynamics: nn.Module,
    y0: Float[Tensor, "*state"],
    solver: Solver,
    *,
    first_step: float | None = None,
) -> tuple[list[float], list[Float[Tensor, "*state"]], SolverReport]:
    """Solve from t = 0 to 1 as `ecglab.models.solve` does, and keep the state after every step.

    An adaptive method guesses its ``first_step`` unless it is given; it steps beyond 1 in the
    end, and the last state is the one interpolated at 1.
    """
    if solver.unrolled:
        path = list(trajectory(TABLEAUS[solver.method], dynamics, y0, steps=solver.steps or 1))
        return [t for t, _ in path], [y for _, y in path], fixed_report(solver)
    if not solver.adaptive:
        raise SettingError(
            f"{solver.method!r} with gradient={solver.gradient!r} cannot be followed: give an "
            f"adaptive method, or one of {', '.join(TABLEAUS)} with gradient='direct'."
        )
    report = SolverReport()
    observed = Followed(dynamics, report, solver)
    ends = torch.tensor([0.0, 1.0], dtype=y0.dtype, device=y0.device)
    settings = {"rtol": solver.rtol, "atol": solver.atol, "method": solver.method}
    states = odeint(observed, y0, ends, options={"first_step": first_step}, **settings)
    return [t for t, _ in report.accepted] + [1.0], [*observed.states, states[-1]], report


@torch.no_grad()
def motion(
    dynamics: nn.Module, y0: Float[Tensor, "*state"], *, steps: int = 24
) -> tuple[list[float], list[float], list[float]]:
    """Times from 0 to 1 along a solution, and there the sizes of f and of its rate of change.

    A size is a root mean square over the state; the rate df/dt comes from differences of f.
    """
    solver = Solver(method="rk4", steps=steps, gradient="direct")
    times, path, _ = follow(dynamics, y0, solver)
    slopes = torch.stack([dynamics(t, y) for t, y in zip(times, path, strict=True)]).flatten(1)
    (turns,) = torch.gradient(slopes, spacing=1 / steps, dim=0, edge_order=2)

    def sizes(values: Tensor) -> list[float]:
        return values.square().mean(1).sqrt().tolist()

    return times, sizes(slopes), sizes(turns)
