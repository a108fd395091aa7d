"""A neural ordinary differential equation for heartbeats (Chen et al. 2018)."""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d

from ecglab.models.layers import CLASS_COUNT, WIDE, Stem, dilations, downsampling, head, norm
from ecglab.models.solve import Gradient, Solver, SolverReport, fixed_report, solve

NARROW: Final = (4, 4)  # dilations of the narrow dynamics


class TimeConv1d(nn.Module):
    """A convolution (kernel 3, padded) that sees the time as one more, constant channel.

    The time's share is ``t`` times the convolution of a constant channel: it is added as a bias
    that differs only at the borders, so that no channel has to be concatenated.
    """

    def __init__(self, width: int, *, bias: bool, dilation: int = 1):
        super().__init__()
        self.conv = nn.Conv1d(width + 1, width, 3, padding=dilation, dilation=dilation, bias=bias)

    def forward(
        self, t: float | Tensor, y: Float[Tensor, "batch width time"]
    ) -> Float[Tensor, "batch width time"]:
        weight = self.conv.weight
        constant = torch.ones(1, 1, y.shape[-1], dtype=y.dtype, device=y.device)
        place = {"padding": self.conv.padding, "dilation": self.conv.dilation}
        of_time = conv1d(constant, weight[:, :1], **place)
        return conv1d(y, weight[:, 1:], self.conv.bias, **place) + t * of_time


class Dynamics(nn.Module):
    """The vector field f(t, y). 25,472 parameters at width 64, 6,464 in the narrow layout."""

    def __init__(
        self, width: int, *, bias: bool, last_norm: bool, dilation: tuple[int, ...] = (1, 1)
    ):
        super().__init__()
        first, second = dilation
        self.norm1 = norm(width)
        self.conv1 = TimeConv1d(width, bias=bias, dilation=first)
        self.norm2 = norm(width)
        self.conv2 = TimeConv1d(width, bias=bias, dilation=second)
        self.norm3 = norm(width) if last_norm else nn.Identity()

    def forward(
        self, t: float | Tensor, y: Float[Tensor, "batch width time"]
    ) -> Float[Tensor, "batch width time"]:
        y = self.conv1(t, torch.relu(self.norm1(y)))
        y = self.conv2(t, torch.relu(self.norm2(y)))
        return self.norm3(y)


class ODEBlock(nn.Module):
    """Carries a state from t = 0 to t = 1 along its dynamics; `report` tells how.

    ``solver`` may be replaced after training: the tolerance is a knob that needs no new weights.
    """

    def __init__(self, dynamics: nn.Module, solver: Solver):
        super().__init__()
        self.dynamics = dynamics
        self.solver = solver
        self.last_report = SolverReport()

    @property
    def report(self) -> SolverReport:
        """Record of the last solve; its backward count grows during the backward pass."""
        return fixed_report(self.solver) if self.solver.unrolled else self.last_report

    def forward(self, y: Float[Tensor, "batch width time"]) -> Float[Tensor, "batch width time"]:
        y, report = solve(self.dynamics, y, self.solver)
        if not self.solver.unrolled:
            self.last_report = report
        return y


class ODENet(nn.Module):
    """Neural ODE on beats; 59,333 parameters as it stands, 6,885 with ``width=32``.

    ``method``, ``rtol``, ``atol``, ``steps`` and ``gradient`` are those of `Solver`; as they
    stand they are the founding configuration. ``dilation`` is that of the two convolutions of the
    dynamics; None takes the layout of the width.
    """

    def __init__(
        self,
        width: int = WIDE,
        *,
        method: str = "dopri5",
        rtol: float = 1e-3,
        atol: float = 1e-3,
        steps: int | None = None,
        gradient: Gradient = "adjoint",
        stem: Stem | None = None,
        dilation: Sequence[int] | None = None,
        classes: int = CLASS_COUNT,
    ):
        super().__init__()
        solver = Solver(method=method, rtol=rtol, atol=atol, steps=steps, gradient=gradient)
        wide = width >= WIDE
        self.downsampling = downsampling(width, stem)
        spread = dilations(dilation, (1, 1) if wide else NARROW, "convolutions of the dynamics")
        dynamics = Dynamics(width, bias=wide, last_norm=wide, dilation=spread)
        self.block = ODEBlock(dynamics, solver)
        self.head = head(width, classes)

    def forward(self, x: Float[Tensor, "batch 1 time"]) -> Float[Tensor, "batch classes"]:
        return self.head(self.block(self.downsampling(x)))
