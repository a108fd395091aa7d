"""A residual network for heartbeats (He et al. 2016, pre-activation blocks)."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ecglab.errors import SettingError
from ecglab.models.layers import CLASS_COUNT, WIDE, Stem, dilations, downsampling, head, norm


def conv(width: int, dilation: int) -> nn.Conv1d:
    """A convolution that keeps its input's shape."""
    return nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)


class ResidualBlock(nn.Module):
    """y + F(y): one Euler step of length 1 along F. 24,832 parameters at width 64."""

    def __init__(self, width: int, *, dilation: int = 1):
        super().__init__()
        self.residual = nn.Sequential(
            norm(width),
            nn.ReLU(),
            conv(width, dilation),
            norm(width),
            nn.ReLU(),
            conv(width, dilation),
        )

    def forward(self, y: Float[Tensor, "batch width time"]) -> Float[Tensor, "batch width time"]:
        return y + self.residual(y)


class ResNet(nn.Module):
    """Residual network on beats; 182,853 parameters as it stands, 19,237 with ``width=32``.

    ``blocks`` and ``stem`` default to the founding layout of the width: 6 blocks behind strided
    convolutions from 64 channels on, 3 behind max-pooling below. ``dilation`` is that of each
    block; None takes the layout of the width: 1 throughout, or 2, 4 and 8 below 64 channels, where
    few layers have to see far (the report on the narrow pair does not print its layers).
    """

    def __init__(
        self,
        width: int = WIDE,
        blocks: int | None = None,
        *,
        stem: Stem | None = None,
        dilation: Sequence[int] | None = None,
        classes: int = CLASS_COUNT,
    ):
        super().__init__()
        blocks = (6 if width >= WIDE else 3) if blocks is None else blocks
        if blocks < 1:
            raise SettingError(f"A ResNet needs at least one block, found blocks={blocks}.")
        self.downsampling = downsampling(width, stem)
        plain = width >= WIDE
        usual = [1 if plain else 2 ** (1 + min(k, 2)) for k in range(blocks)]
        spread = dilations(dilation, usual, "blocks")
        self.features = nn.Sequential(*(ResidualBlock(width, dilation=d) for d in spread))
        self.head = head(width, classes)

    def forward(self, x: Float[Tensor, "batch 1 time"]) -> Float[Tensor, "batch classes"]:
        return self.head(self.features(self.downsampling(x)))
