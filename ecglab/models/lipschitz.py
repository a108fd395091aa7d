"""How steep a residual block may be: an upper estimate of its Lipschitz constant.

A block's estimate is the product over the layers of its residual: the spectral norm of each
convolution, the largest factor of each norm, 1 for a ReLU; the shortcut is left out (C. Dong,
L. Liu, Z. Li, J. Shang, ICML 2020).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d, conv_transpose1d, conv_transpose2d

from ecglab.errors import SettingError
from ecglab.models.growing import residual_blocks

Over = Literal["mean", "max"]
OVER: Final = ("mean", "max")
COLD_ITERATIONS: Final = 100  # from a random vector: within half a per cent


@torch.no_grad()
def conv_norm(
    conv: nn.Conv1d | nn.Conv2d,
    input_shape: tuple[int, ...],
    *,
    iterations: int,
    vector: Tensor | None = None,
    seed: int = 0,
) -> tuple[float, Tensor]:
    """Largest singular value of a convolution as it is used: zero padded, strided, no bias.

    Power iteration with the convolution and its transpose, in float32, on inputs of
    ``input_shape`` (channels, ...). It comes from below. ``vector``, as it was returned by an
    earlier call, is where it starts; without one it starts from a random vector of ``seed``.
    """
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        raise SettingError(
            f"The norm of a convolution needs zero padding by a number, found "
            f"padding={conv.padding!r}, padding_mode={conv.padding_mode!r}."
        )
    weight = conv.weight.detach().float()
    if vector is None:
        generator = torch.Generator().manual_seed(seed)
        vector = torch.randn(1, *input_shape, generator=generator)
        vector /= vector.norm()
    v = vector.to(weight.device)
    forward, transpose = {3: (conv1d, conv_transpose1d), 4: (conv2d, conv_transpose2d)}[v.ndim]
    how = {
        "stride": conv.stride,
        "padding": conv.padding,
        "dilation": conv.dilation,
        "groups": conv.groups,
    }
    # Points at the end that the strided kernel never reaches: the transpose gives them back as 0.
    unreached = tuple(
        (points + 2 * padding - dilation * (kernel - 1) - 1) % stride
        for points, padding, dilation, kernel, stride in zip(
            input_shape[1:], conv.padding, conv.dilation, conv.kernel_size, conv.stride, strict=True
        )
    )
    for _ in range(iterations):
        u = transpose(forward(v, weight, **how), weight, output_padding=unreached, **how)
        length = u.norm()
        v = torch.where(length > 0, u / length, v)  # weights of 0 leave the vector as it is
    return forward(v, weight, **how).norm().item(), v


def norm_constant(
    norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm,
    group_variance: Float[Tensor, " groups"] | None = None,
) -> float:
    """Largest factor by which a norm stretches a channel, max |gamma| / sqrt(variance + eps).

    Exact for batch norm in evaluation mode, a linear map by its running variance. Group norm
    divides by the variance of each input: with ``group_variance``, the mean over a probe batch,
    this is an estimate of its usual factor, no bound.
    """
    if isinstance(norm, nn.GroupNorm):
        if group_variance is None:
            raise SettingError(
                "Group norm has no running variance: give group_variance, measured on a batch."
            )
        variance = group_variance.repeat_interleave(norm.num_channels // norm.num_groups)
    else:
        variance = norm.running_var
    gamma = norm.weight.detach().float()
    return (gamma.abs() / (variance.float() + norm.eps).sqrt()).max().item()


@dataclass(frozen=True)
class Seen:
    """A layer and what it was given: the shape of one input and, by group norm, its variance."""

    layer: nn.Module
    shape: tuple[int, ...]
    group_variance: Tensor | None = None


@torch.no_grad()
def observe(model: nn.Module, probe: Tensor) -> list[dict[str, Seen]]:
    """For each residual block its layers by name, as a probe batch passes in evaluation mode."""
    seen: dict[str, Seen] = {}

    def note(name: str):
        def hook(layer: nn.Module, arguments: tuple[Tensor]) -> None:
            (given,) = arguments
            variance = None
            if isinstance(layer, nn.GroupNorm):
                groups = given.float().reshape(len(given), layer.num_groups, -1)
                variance = groups.var(-1, correction=0).mean(0)
            seen[name] = Seen(layer, tuple(given.shape[1:]), variance)

        return hook

    blocks = [
        {f"{name}.residual.{i}": layer for i, layer in enumerate(block.residual)}
        for name, block in residual_blocks(model)
    ]
    hooks = [
        layer.register_forward_pre_hook(note(name))
        for layers in blocks
        for name, layer in layers.items()
    ]
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()(probe.to(next(model.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    return [{name: seen[name] for name in layers} for layers in blocks]


class LipschitzEstimator:
    """The estimate of one network, made anew as its weights change.

    The vectors of the last call are where the next one starts, so that a few ``iterations`` do;
    a network whose layers have changed, as by growth, is estimated from the start again.
    ``probe`` is a batch such as the network is given, of which a few inputs do. ``over`` sums up
    the blocks: the published code takes the mean, its users also the maximum.
    """

    def __init__(
        self,
        probe: Float[Tensor, "batch channels *space"],
        *,
        over: Over = "mean",
        iterations: int = 5,
        seed: int = 0,
    ):
        if over not in OVER:
            raise SettingError(f"Unknown over={over!r}: expected one of {', '.join(OVER)}.")
        if iterations < 1:
            raise SettingError(f"iterations={iterations}: expected a whole number from 1.")
        self.probe = probe
        self.over = over
        self.iterations = iterations
        self.seed = seed
        self.vectors: dict[str, Tensor] = {}

    def estimate(self, model: nn.Module) -> float:
        """Mean or maximum of the blocks' estimates; each call goes on from the last."""
        blocks = self.per_block(model)
        return max(blocks) if self.over == "max" else math.fsum(blocks) / len(blocks)

    def per_block(self, model: nn.Module) -> list[float]:
        """One estimate for each residual block in the order in which data pass them."""
        if not (blocks := observe(model, self.probe)):
            raise SettingError(
                f"{type(model).__name__} has no residual blocks to estimate: expected a "
                f"GrowingResNet or a ResNet."
            )
        shapes = {
            name: (1, *seen.shape)
            for layers in blocks
            for name, seen in layers.items()
            if isinstance(seen.layer, nn.Conv1d | nn.Conv2d)
        }
        # After a growth a name may stand for another layer than before: no vector is kept then.
        warm = shapes == {name: tuple(vector.shape) for name, vector in self.vectors.items()}
        iterations = self.iterations if warm else max(self.iterations, COLD_ITERATIONS)
        if not warm:
            self.vectors = {}
        return [
            math.prod(self.constant(name, seen, iterations) for name, seen in layers.items())
            for layers in blocks
        ]

    def constant(self, name: str, seen: Seen, iterations: int) -> float:
        """The estimate of one layer."""
        layer = seen.layer
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            value, self.vectors[name] = conv_norm(
                layer,
                seen.shape,
                iterations=iterations,
                vector=self.vectors.get(name),
                seed=self.seed,
            )
            return value
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm):
            return norm_constant(layer, seen.group_variance)
        if isinstance(layer, nn.ReLU):
            return 1.0
        raise SettingError(
            f"{name} is a {type(layer).__name__}, whose Lipschitz constant is not known here: "
            f"expected convolutions, batch or group norm and ReLU."
        )

    def state_dict(self) -> dict[str, Any]:
        """The vectors by layer, on the CPU: with them a resumed run gives the same estimates."""
        return {"vectors": {name: vector.cpu() for name, vector in self.vectors.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the vectors of another estimator."""
        self.vectors = dict(state["vectors"])
