"""The layers that both networks share: normalisation, downsampling and the classifier's head."""

from typing import Final, Literal

from torch import nn

from ecglab.errors import SettingError

Stem = Literal["strided", "pooled"]
WIDE: Final = 64
CLASS_COUNT: Final = 5


def norm(width: int) -> nn.GroupNorm:
    """Group normalisation in 32 groups; batch statistics would make dynamics change as they run."""
    return nn.GroupNorm(min(32, width), width)


def downsampling(width: int, stem: Stem | None) -> nn.Sequential:
    """From (batch, 1, 187) to the features' resolution.

    ``"strided"`` (the wide networks) halves twice with convolutions: (batch, width, 46);
    ``"pooled"`` (the narrow ones) once with max-pooling, which has no parameters:
    (batch, width, 92). None takes the founding layout of this width.
    """
    if width < 1 or width % min(32, width):
        raise SettingError(
            f"width={width} channels cannot be normalised in groups: expected a number from 1 to "
            f"32 or a multiple of 32."
        )
    stem = stem or ("strided" if width >= WIDE else "pooled")
    first = nn.Conv1d(1, width, 3)
    if stem == "strided":
        return nn.Sequential(
            first,
            norm(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            norm(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
        )
    if stem == "pooled":
        return nn.Sequential(first, norm(width), nn.MaxPool1d(2))
    raise SettingError(f"Unknown stem={stem!r}: expected 'strided' or 'pooled'.")


def head(width: int, classes: int) -> nn.Sequential:
    """From (batch, width, time) to logits (batch, classes)."""
    return nn.Sequential(
        norm(width),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    )
