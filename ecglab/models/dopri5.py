"""Dormand and Prince's method for torchdiffeq, with its stages in a list: the same steps, faster.

torchdiffeq's own ``"dopri5"`` keeps the seven slopes of a step in the innermost dimension of one
tensor, so that every combination of slopes strides through all of them, and fits a polynomial to
every step though only the last is interpolated. Here each slope is a tensor by itself and a
polynomial is fitted when it is read. Tableau, norm of the error and step control are torchdiffeq's.

Source: J. R. Dormand, P. J. Prince, A family of embedded Runge-Kutta formulae (1980).
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from types import FunctionType
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor
from torchdiffeq._impl.dopri5 import Dopri5Solver
from torchdiffeq._impl.interp import _interp_fit
from torchdiffeq._impl.misc import Perturb
from torchdiffeq._impl.odeint import SOLVERS
from torchdiffeq._impl.rk_common import RKAdaptiveStepsizeODESolver

LIST_DOPRI5: Final = "dopri5_list"


def combine(
    y: Float[Tensor, "*state"] | None,
    slopes: Sequence[Float[Tensor, "*state"]],
    factors: Float[Tensor, " stages"],
) -> Float[Tensor, "*state"]:
    """``y + sum(factors * slopes)``; None for ``y`` leaves the sum alone.

    The factors stay tensors: the length of the first step depends on the state and passes a
    gradient on.
    """
    first, *others = zip(slopes, factors, strict=True)
    total = first[0] * first[1] if y is None else torch.addcmul(y, *first)
    for slope, factor in others:
        total.addcmul_(slope, factor)  # in place: no backward pass needs the sum so far
    return total


def list_step(
    f: Callable[..., Tensor],
    y0: Float[Tensor, "*state"],
    f0: Float[Tensor, "*state"],
    t0: Float[Tensor, ""],
    dt: Float[Tensor, ""],
    t1: Float[Tensor, ""],
    tableau: Any,
) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """One step as torchdiffeq's controller asks for it: (y1, slope there, error, all slopes).

    The solution is that of the last stage, as it is with Dormand's and Prince's weights.
    """
    t0, dt, t1 = (time.to(y0.real.dtype) for time in (t0, dt, t1))
    slopes = [f0]
    for node, row in zip(tableau.alpha, tableau.beta, strict=True):
        y1 = combine(y0, slopes, row * dt)
        if node == 1:  # just before the end, in case the dynamics jump there
            slopes.append(f(t1, y1, perturb=Perturb.PREV))
        else:
            slopes.append(f(t0 + node * dt, y1, perturb=Perturb.NONE))
    return y1, slopes[-1], combine(None, slopes, tableau.c_error * dt), slopes


class Interpolant(Sequence):
    """The coefficients of a step's polynomial, computed when the first is read."""

    def __init__(self, fit: Callable[[], list[Tensor]]):
        self.fit = fit

    @cached_property
    def coefficients(self) -> list[Tensor]:
        return self.fit()

    def __getitem__(self, index: int | slice) -> Tensor | list[Tensor]:
        return self.coefficients[index]

    def __len__(self) -> int:
        return len(self.coefficients)


class ListDopri5Solver(Dopri5Solver):
    """``odeint(..., method="dopri5_list")``: torchdiffeq's dopri5 to rounding, in fewer passes."""

    # The controller calls its step by a name of its module: the same code, with our step there.
    _adaptive_step = FunctionType(
        RKAdaptiveStepsizeODESolver._adaptive_step.__code__,
        RKAdaptiveStepsizeODESolver._adaptive_step.__globals__ | {"_runge_kutta_step": list_step},
    )

    def _interp_fit(
        self, y0: Tensor, y1: Tensor, slopes: list[Tensor], dt: Float[Tensor, ""]
    ) -> Interpolant:
        dt = dt.type_as(y0)

        def fit() -> list[Tensor]:
            middle = combine(y0, slopes, self.mid * dt)
            return _interp_fit(y0, y1, middle, slopes[0], slopes[-1], dt)

        return Interpolant(fit)


SOLVERS[LIST_DOPRI5] = ListDopri5Solver  # beside the original: odeint and odeint_adjoint know it
