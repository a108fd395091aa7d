"""The layers that both networks share: normalisation, downsampling and the classifier's head."""

from collections.abc import Sequence
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


def dilations(given: Sequence[int] | None, usual: Sequence[int], of: str) -> tuple[int, ...]:
    """Distances between the points that convolutions of kernel 3 see, one for each of ``usual``.

    Dilation lets few layers see far without parameters (Yu and Koltun 2016).
    """
    found = tuple(usual if given is None else given)
    if len(found) != len(usual) or any(d < 1 for d in found):
        raise SettingError(
            f"dilation={given} does not suit {len(usual)} {of}: expected as many whole numbers "
            f"from 1."
        )
    return found


def head(width: int, classes: int) -> nn.Sequential:
    """From (batch, width, time) to logits (batch, classes)."""
    return nn.Sequential(
        norm(width),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    )
