"""Small differential equations with known solutions, and how fast a method approaches them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from ecglab.errors import SettingError
from ecglab.models.tableaus import Tableau, integrate, runge_kutta_step

Vector = Float[np.ndarray, " dimension"]


@dataclass(frozen=True)
class Problem:
    """y' = f(t, y) from t = 0 to ``t1``, with its exact solution; ``formula`` is for readers."""

    name: str
    formula: str
    autonomous: bool
    f: Callable[[float, Vector], Vector]
    exact: Callable[[float], Vector]
    t1: float

    @property
    def y0(self) -> Vector:
        """The state at t = 0."""
        return self.exact(0.0)


DECAY: Final = Problem(
    "fast decay",
    "y' = -10 y",
    True,
    lambda t, y: -10 * y,
    lambda t: np.array([np.exp(-10 * t)]),
    1.5,
)
LOGISTIC: Final = Problem(
    "logistic growth",
    "y' = y (1 - y)",
    True,
    lambda t, y: y * (1 - y),
    lambda t: np.array([1 / (1 + 9 * np.exp(-t))]),
    4.0,
)
BELL: Final = Problem(
    "bell curve",
    "y' = -t y",
    False,
    lambda t, y: -t * y,
    lambda t: np.array([np.exp(-t * t / 2)]),
    2.0,
)
CIRCLE: Final = Problem(
    "oscillator",
    "y1' = y2, y2' = -y1",
    True,
    lambda t, y: np.array([y[1], -y[0]]),
    lambda t: np.array([np.cos(t), -np.sin(t)]),
    10.0,
)
PROBLEMS: Final = {problem.name: problem for problem in (LOGISTIC, BELL, DECAY, CIRCLE)}


def end_error(tableau: Tableau, problem: Problem, steps: int) -> float:
    """Distance of the computed state at the end from the exact one; infinite after overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = integrate(tableau, problem.f, problem.y0, t1=problem.t1, steps=steps)
        error = float(np.linalg.norm(y - problem.exact(problem.t1)))
    return error if np.isfinite(error) else float("inf")


def end_errors(
    tableau: Tableau, problem: Problem, steps: Sequence[int]
) -> Float[np.ndarray, " steps"]:
    """`end_error` for each number of steps."""
    return np.array([end_error(tableau, problem, count) for count in steps])


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Slope of the straight line through the points on axes that are both logarithmic."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def observed_order(
    tableau: Tableau, problem: Problem, steps: Sequence[int] = (16, 32, 64, 128)
) -> float:
    """The power of the step length that the error at the end is proportional to."""
    if len(steps) < 2:
        raise SettingError(f"A slope needs at least two numbers of steps, found {list(steps)}.")
    lengths = [problem.t1 / count for count in steps]
    return slope(lengths, end_errors(tableau, problem, steps))


def growth_factor(tableau: Tableau, z: float) -> float:
    """|y1 / y0| of one step on y' = -k y, with z = k h: above 1 the solution explodes."""
    return abs(runge_kutta_step(tableau, lambda t, y: -z * y, 0.0, 1.0, 1.0))


def stable_until(tableau: Tableau, *, most: float = 10.0) -> float:
    """The largest z = k h up to which y' = -k y does not explode, to 1e-3."""
    grid = np.arange(1e-3, most, 1e-3)
    unstable = [z for z in grid if growth_factor(tableau, z) > 1 + 1e-9]
    return float(unstable[0] - 1e-3) if unstable else most
