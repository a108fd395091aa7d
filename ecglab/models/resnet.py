"""A residual network for heartbeats (He et al. 2016, pre-activation blocks)."""

from jaxtyping import Float
from torch import Tensor, nn

from ecglab.errors import SettingError
from ecglab.models.layers import CLASS_COUNT, WIDE, Stem, downsampling, head, norm


class ResidualBlock(nn.Module):
    """y + F(y): one Euler step of length 1 along F. 24,832 parameters at width 64."""

    def __init__(self, width: int):
        super().__init__()
        self.residual = nn.Sequential(
            norm(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1, bias=False),
            norm(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1, bias=False),
        )

    def forward(self, y: Float[Tensor, "batch width time"]) -> Float[Tensor, "batch width time"]:
        return y + self.residual(y)


class ResNet(nn.Module):
    """Residual network on beats; 182,853 parameters as it stands, 19,237 with ``width=32``.

    ``blocks`` and ``stem`` default to the founding layout of the width: 6 blocks behind strided
    convolutions from 64 channels on, 3 behind max-pooling below.
    """

    def __init__(
        self,
        width: int = WIDE,
        blocks: int | None = None,
        *,
        stem: Stem | None = None,
        classes: int = CLASS_COUNT,
    ):
        super().__init__()
        blocks = (6 if width >= WIDE else 3) if blocks is None else blocks
        if blocks < 1:
            raise SettingError(f"A ResNet needs at least one block, found blocks={blocks}.")
        self.downsampling = downsampling(width, stem)
        self.features = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.head = head(width, classes)

    def forward(self, x: Float[Tensor, "batch 1 time"]) -> Float[Tensor, "batch classes"]:
        return self.head(self.features(self.downsampling(x)))
