"""Residual networks that grow: every block is cloned, and the step is halved with it.

n blocks are n Euler steps; twice as many steps over the same time are half as long. Source:
C. Dong, L. Liu, Z. Li, J. Shang, Towards Adaptive Residual Network Training (ICML 2020); the
networks are those of K. He et al. (2016) for CIFAR.
"""

import copy
from typing import Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ecglab.errors import SettingError
from ecglab.models.layers import CLASS_COUNT
from ecglab.models.resnet import ResidualBlock, ResNet

Scaling = Literal["divide", "published", "none"]
SCALINGS: Final = ("divide", "published", "none")
WIDTHS: Final = (16, 32, 64)
LEAST_SIZE: Final = 4  # two halvings need four points a side


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias, for a batch norm behind it, drawn as He et al. do."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer.to(memory_format=torch.channels_last)  # what fast convolutions read


class BasicBlock(nn.Module):
    """ReLU(shortcut(y) + F(y)): one step along F, which may also halve the picture.

    Where the block changes width, the shortcut is a convolution; elsewhere it is y itself.
    """

    def __init__(self, inputs: int, width: int):
        super().__init__()
        stride = 1 if inputs == width else 2
        self.residual = nn.Sequential(
            conv(inputs, width, 3, stride),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            conv(width, width, 3),
            nn.BatchNorm2d(width),
        )
        self.shortcut = (
            nn.Identity()
            if inputs == width
            else nn.Sequential(conv(inputs, width, 1, stride), nn.BatchNorm2d(width))
        )

    def forward(
        self, y: Float[Tensor, "batch inputs height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        return torch.relu(self.shortcut(y) + self.residual(y))


class GrowingResNet(nn.Module):
    """ResNet of depth 6n + 2 on pictures: three stages of n blocks with 16, 32 and 64 channels.

    174,645 parameters at depth 14. `grow` doubles n in place; ``depth`` follows. Pictures need at
    least 4 points a side.
    """

    def __init__(self, depth: int = 14, *, channels: int = 1, classes: int = CLASS_COUNT):
        super().__init__()
        blocks = blocks_of(depth)
        self.stem = nn.Sequential(
            conv(channels, WIDTHS[0], 3), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()
        )
        self.stages = nn.ModuleList()
        inputs = WIDTHS[0]
        for width in WIDTHS:
            rest = (BasicBlock(width, width) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(BasicBlock(inputs, width), *rest))
            inputs = width
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], classes)
        )

    @property
    def depth(self) -> int:
        """Layers with weights on the longest way, as the name ResNet-14 counts them."""
        return depth_of(block_count(self))

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        if min(x.shape[-2:]) < LEAST_SIZE:
            raise SettingError(
                f"A picture of {x.shape[-2]} x {x.shape[-1]} is too small for the two halvings of "
                f"a GrowingResNet: expected at least {LEAST_SIZE} x {LEAST_SIZE}."
            )
        y = self.stem(x)
        for stage in self.stages:
            y = stage(y)
        return self.head(y)


def blocks_of(depth: int) -> int:
    """Blocks a stage of a network of this depth; raise SettingError where it is not 6n + 2."""
    if not isinstance(depth, int) or depth < 8 or depth % 6 != 2:
        raise SettingError(
            f"depth={depth!r} is not 6n + 2: expected 8, 14, 20, 26 and so on, two convolutions in "
            f"each of n blocks in each of three stages, the stem and the last layer."
        )
    return depth // 6


def depth_of(blocks: int) -> int:
    """Depth of a network of this many blocks a stage, 6n + 2."""
    return 6 * blocks + 2


def grown_depth(depth: int) -> int:
    """Depth after one growth: 14 becomes 26, 26 becomes 50."""
    return depth_of(2 * blocks_of(depth))


def block_count(model: nn.Module) -> int:
    """Blocks that a growth doubles: n in each stage of a `GrowingResNet`, all of a `ResNet`."""
    if isinstance(model, GrowingResNet):
        return len(model.stages[0])
    if isinstance(model, ResNet):
        return len(model.features)
    raise SettingError(
        f"{type(model).__name__} has no blocks to double and cannot grow: expected a GrowingResNet "
        f"or a ResNet."
    )


def residual_blocks(model: nn.Module) -> list[tuple[str, BasicBlock | ResidualBlock]]:
    """Name and block of every residual block in the order in which data pass them."""
    found = model.named_modules()
    return [(name, m) for name, m in found if isinstance(m, BasicBlock | ResidualBlock)]


def grow(model: nn.Module, *, scaling: Scaling = "divide") -> None:
    """Double the blocks of a `GrowingResNet` or a `ResNet` in place.

    B0 B1 B2 ... becomes B0, B1 B1 B1, B2 B2, ... in each stage of a `GrowingResNet`, since B0
    halves the picture and can stand only once; a lone B0 gets a new block behind it whose last
    gamma is 0 (its weights come from torch's global generator). A `ResNet` has every block twice.
    Copies share no storage; an optimiser has to be given the new parameters.

    ``scaling`` says what becomes of k copies: ``"divide"`` divides the residual of each by k, so
    that their sum stays; ``"published"`` multiplies both convolutions and the last batch norm by
    2^(-k/2), which the published code does; ``"none"`` leaves them as they are.
    """
    if scaling not in SCALINGS:
        raise SettingError(f"Unknown scaling={scaling!r}: expected one of {', '.join(SCALINGS)}.")
    block_count(model)  # refuses what cannot grow
    if isinstance(model, ResNet):
        twins = (twin for block in model.features for twin in copies(block, 2, scaling))
        model.features = nn.Sequential(*twins)
        return
    for i, stage in enumerate(model.stages):
        first, *rest = stage
        if not rest:
            grown = [fresh(first)]
        else:
            counts = [3] + [2] * (len(rest) - 1)
            pairs = zip(rest, counts, strict=True)
            grown = [twin for block, k in pairs for twin in copies(block, k, scaling)]
        model.stages[i] = nn.Sequential(first, *grown)


def grow_to(model: nn.Module, blocks: int) -> None:
    """Grow until there are ``blocks`` (see `block_count`), for weights to be loaded afterwards."""
    start = block_count(model)
    if blocks not in (reachable := [start << i for i in range(blocks.bit_length())]):
        raise SettingError(
            f"{start} blocks cannot be doubled into {blocks}: expected one of "
            f"{', '.join(map(str, reachable))}; build the network with the size it started with."
        )
    while block_count(model) < blocks:
        grow(model, scaling="none")


@torch.no_grad()
def copies(block: nn.Module, k: int, scaling: Scaling) -> list[nn.Module]:
    """The block itself and k - 1 clones of it, all scaled."""
    scaled = set()
    if scaling != "none":
        scaled.add(block.residual[-1])
    if scaling == "published":
        # In a one-dimensional block the last layer is the second convolution: it counts once.
        scaled.update(m for m in block.residual if isinstance(m, nn.Conv1d | nn.Conv2d))
    factor = 1 / k if scaling == "divide" else 2 ** (-k / 2)
    for layer in scaled:
        for parameter in layer.parameters():
            parameter.mul_(factor)
    return [block, *(copy.deepcopy(block) for _ in range(k - 1))]


def fresh(neighbour: BasicBlock) -> BasicBlock:
    """A new block that adds nothing yet, as wide as its neighbour's output."""
    weight = neighbour.residual[-1].weight
    block = BasicBlock(len(weight), len(weight)).to(weight)
    nn.init.zeros_(block.residual[-1].weight)
    return block.train(neighbour.training)


@torch.no_grad()
def multiply_accumulates(model: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiplications of one forward pass in convolutions and linear layers.

    ``input_shape`` is that of one input, (channels, ...); 26.7 million for depth 14 at (1, 32, 32).
    """
    # On the meta device nothing is computed, and the model stays as it is.
    twin = copy.deepcopy(model).to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        twin(torch.zeros(1, *input_shape, device="meta"))
    return counter.get_total_flops() // 2
