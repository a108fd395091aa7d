"""Runge-Kutta methods as tables of numbers, and the one step function that serves them all.

Source: E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I (1993),
chapters II.1, II.4 and II.5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from ecglab.errors import SettingError

State = TypeVar("State")  # float, array or tensor: whatever adds and scales
VectorField = Callable[[float, State], State]


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge-Kutta method: stage weights ``a``, weights ``b``, nodes ``c``."""

    name: str
    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]

    @property
    def stages(self) -> int:
        """Evaluations of the vector field a step costs."""
        return len(self.b)


EULER: Final = Tableau("euler", 1, a=((),), b=(1.0,), c=(0.0,))

MIDPOINT: Final = Tableau("midpoint", 2, a=((), (1 / 2,)), b=(0.0, 1.0), c=(0.0, 1 / 2))

# Also called the explicit trapezoidal rule or improved Euler; not Heun's third-order method.
HEUN: Final = Tableau("heun2", 2, a=((), (1.0,)), b=(1 / 2, 1 / 2), c=(0.0, 1.0))

# Kutta's 3/8 rule, which torchdiffeq calls "rk4".
RK4: Final = Tableau(
    "rk4",
    4,
    a=((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)),
    b=(1 / 8, 3 / 8, 3 / 8, 1 / 8),
    c=(0.0, 1 / 3, 2 / 3, 1.0),
)

# The method most textbooks call "the" Runge-Kutta method.
CLASSIC_RK4: Final = Tableau(
    "classic rk4",
    4,
    a=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
    b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
    c=(0.0, 1 / 2, 1 / 2, 1.0),
)

TABLEAUS: Final = {t.name: t for t in (EULER, MIDPOINT, HEUN, RK4, CLASSIC_RK4)}


def weighted(y: State, h: float, weights: tuple[float, ...], slopes: list[State]) -> State:
    """``y + h * sum(weights * slopes)`` without the terms whose weight is zero."""
    for weight, slope in zip(weights, slopes, strict=False):
        if weight:
            y = y + (h * weight) * slope
    return y


def runge_kutta_step(tableau: Tableau, f: VectorField, t: float, y: State, h: float) -> State:
    """One step of length ``h`` from ``(t, y)`` along ``y' = f(t, y)``."""
    slopes: list[State] = []
    for row, node in zip(tableau.a, tableau.c, strict=True):
        slopes.append(f(t + node * h, weighted(y, h, row, slopes)))
    return weighted(y, h, tableau.b, slopes)


def trajectory(
    tableau: Tableau,
    f: VectorField,
    y0: State,
    *,
    t0: float = 0.0,
    t1: float = 1.0,
    steps: int = 1,
) -> Iterator[tuple[float, State]]:
    """Yield ``(t, y)`` at the start and after each of ``steps`` equal steps to ``t1``."""
    if steps < 1:
        raise SettingError(f"A solve needs at least one step, found steps={steps}.")
    h = (t1 - t0) / steps
    y = y0
    yield t0, y
    for i in range(steps):
        y = runge_kutta_step(tableau, f, t0 + i * h, y, h)
        yield t0 + (i + 1) * h, y


def integrate(
    tableau: Tableau,
    f: VectorField,
    y0: State,
    *,
    t0: float = 0.0,
    t1: float = 1.0,
    steps: int = 1,
) -> State:
    """The state at ``t1``, reached from ``y0`` at ``t0`` in ``steps`` equal steps."""
    for _, y in trajectory(tableau, f, y0, t0=t0, t1=t1, steps=steps):  # noqa: B007
        pass
    return y
