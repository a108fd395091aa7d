"""Independent proofs of a gradient: central differences, a random direction, the Taylor remainder.

A loss is a function without arguments; the tensors it depends on are moved in place around it and
put back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Loss = Callable[[], Tensor]
Tensors = Sequence[Tensor]


@dataclass(frozen=True)
class Agreement:
    """Largest deviation of two gradients from central differences, for one quantity."""

    quantity: str
    components: int
    size: float
    direct: float
    adjoint: float


@dataclass(frozen=True)
class Directional:
    """How fast the loss changes along one direction, by one way to a gradient.

    ``deviation`` is relative to central differences.
    """

    way: str
    derivative: float
    deviation: float


@dataclass(frozen=True)
class Remainder:
    """What is left of a loss's change after a step of ``size`` along a direction.

    ``constant`` compares with the old loss, ``linear`` with the old loss plus what the gradient
    foretells.
    """

    size: float
    constant: float
    linear: float


def relative_difference(found: Tensors, expected: Tensors) -> float:
    """||found - expected|| / ||expected|| over all tensors together."""
    difference = sum((p - q).square().sum() for p, q in zip(found, expected, strict=True))
    size = sum(q.square().sum() for q in expected)
    return float((difference / size).detach().sqrt())


def gradients(loss: Loss, tensors: Tensors) -> tuple[Tensor, ...]:
    """Gradient of the loss by each tensor, by whatever backward pass the loss carries."""
    return torch.autograd.grad(loss(), tuple(tensors))


@torch.no_grad()
def moved(loss: Loss, tensors: Tensors, direction: Tensors, size: float) -> float:
    """The loss after a step of ``size`` along ``direction``; the tensors are put back exactly."""
    kept = [tensor.clone() for tensor in tensors]
    for tensor, along in zip(tensors, direction, strict=True):
        tensor.add_(along, alpha=size)
    value = float(loss())
    for tensor, before in zip(tensors, kept, strict=True):
        tensor.copy_(before)
    return value


def slope_along(loss: Loss, tensors: Tensors, direction: Tensors, *, size: float = 1e-6) -> float:
    """Central difference of the loss along ``direction``; its error falls as ``size`` squared."""
    ahead = moved(loss, tensors, direction, size)
    behind = moved(loss, tensors, direction, -size)
    return (ahead - behind) / (2 * size)


def central_differences(loss: Loss, tensor: Tensor, *, size: float = 1e-6) -> Tensor:
    """The gradient by one tensor, two losses for each of its components."""
    found = torch.empty_like(tensor).flatten()
    for place in range(tensor.numel()):
        unit = torch.zeros_like(tensor).flatten()
        unit[place] = 1
        found[place] = slope_along(loss, [tensor], [unit.view_as(tensor)], size=size)
    return found.view_as(tensor)


def measure_agreement(
    direct: Loss, adjoint: Loss, tensors: Mapping[str, Tensor], *, size: float = 1e-6
) -> list[Agreement]:
    """Both gradients against central differences of ``direct``, component by component."""
    by_direct = gradients(direct, tuple(tensors.values()))
    by_adjoint = gradients(adjoint, tuple(tensors.values()))
    rows = []
    for (name, tensor), one, other in zip(tensors.items(), by_direct, by_adjoint, strict=True):
        expected = central_differences(direct, tensor, size=size)
        rows.append(
            Agreement(
                quantity=name,
                components=tensor.numel(),
                size=float(expected.abs().max()),
                direct=float((one - expected).abs().max()),
                adjoint=float((other - expected).abs().max()),
            )
        )
    return rows


def random_direction(tensors: Tensors, *, seed: int = 0) -> list[Tensor]:
    """A direction of length 1 over all tensors together."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(t.shape, generator=generator).to(t) for t in tensors]
    length = sum(part.square().sum() for part in drawn).sqrt()
    return [part / length for part in drawn]


def measure_directional(
    losses: Mapping[str, Loss],
    tensors: Tensors,
    direction: Tensors,
    *,
    reference: str,
    size: float = 1e-6,
) -> list[Directional]:
    """The slope along ``direction`` by every loss's own gradient, and by central differences.

    All losses compute the same number with different backward passes; ``reference`` names the one
    that central differences are taken of.
    """
    expected = slope_along(losses[reference], tensors, direction, size=size)
    rows = [Directional("central differences", expected, 0.0)]
    for name, loss in losses.items():
        found = gradients(loss, tensors)
        slope = float(sum((g * d).sum() for g, d in zip(found, direction, strict=True)))
        rows.append(Directional(name, slope, abs(slope - expected) / abs(expected)))
    return rows


def measure_remainders(
    loss: Loss, tensors: Tensors, found: Tensors, direction: Tensors, sizes: Sequence[float]
) -> list[Remainder]:
    """The Taylor test of a gradient ``found``: its linear remainder falls as the size squared."""
    start = float(loss().detach())
    slope = float(sum((g * d).sum() for g, d in zip(found, direction, strict=True)))
    rows = []
    for size in sizes:
        change = moved(loss, tensors, direction, size) - start
        rows.append(Remainder(size, abs(change), abs(change - size * slope)))
    return rows
