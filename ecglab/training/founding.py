"""The founding configuration as a reader of 2018 would type it: what benchmarks compare with.

The ODE block calls torchdiffeq's adjoint directly, its convolutions concatenate the time to their
input, and an epoch runs through a data loader and reads the loss of every batch.

Source: R. T. Q. Chen et al., Neural Ordinary Differential Equations (2018) and its published
example on images.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchdiffeq import odeint_adjoint

from ecglab.models.odenet import ODENet
from ecglab.models.solve import SolverReport

TOLERANCE: Final = 1e-3


class ConcatenatedTime(nn.Module):
    """A convolution that is given the time as one more channel of its input."""

    def __init__(self, conv: nn.Conv1d):
        super().__init__()
        self.conv = conv

    def forward(
        self, t: float | Tensor, y: Float[Tensor, "batch width time"]
    ) -> Float[Tensor, "batch width time"]:
        return self.conv(torch.cat([torch.ones_like(y[:, :1]) * t, y], 1))


class FoundingBlock(nn.Module):
    """dopri5 from t = 0 to 1 with adjoint gradients; `report` counts what the last solve took."""

    def __init__(self, dynamics: nn.Module):
        super().__init__()
        self.dynamics = dynamics
        self.report = SolverReport()

    def forward(self, y: Float[Tensor, "batch width time"]) -> Float[Tensor, "batch width time"]:
        report = self.report = SolverReport()
        returned = False

        def slope(t: Tensor, y: Tensor) -> Tensor:
            if returned:
                report.evaluations_backward += 1
            else:
                report.evaluations_forward += 1
            return self.dynamics(t, y)

        times = torch.tensor([0.0, 1.0], device=y.device)
        how = {"method": "dopri5", "rtol": TOLERANCE, "atol": TOLERANCE}
        states = odeint_adjoint(
            slope, y, times, adjoint_params=tuple(self.dynamics.parameters()), **how
        )
        returned = True
        return states[-1]


def founding_odenet(model: ODENet) -> nn.Sequential:
    """A copy of the network, with its weights, that computes as the founding code does."""
    copy = deepcopy(model)
    dynamics = copy.block.dynamics
    dynamics.conv1 = ConcatenatedTime(dynamics.conv1.conv)
    dynamics.conv2 = ConcatenatedTime(dynamics.conv2.conv)
    return nn.Sequential(copy.downsampling, FoundingBlock(dynamics), copy.head)


def founding_epoch(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    """One pass over the batches of a data loader; return their mean loss."""
    losses = []
    for values, labels in batches:
        values, labels = values.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = cross_entropy(model(values), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)
