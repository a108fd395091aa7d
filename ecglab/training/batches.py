"""Beats as tensors on a device, drawn in batches and varied for training."""

from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ecglab.data.beats import Beats
from ecglab.data.classes import CLASSES
from ecglab.data.spectrogram import Spectrograms
from ecglab.data.splits import BALANCED_TEST
from ecglab.errors import DataError, SettingError

Sampling = Literal["uniform", "root", "class"]
# A beat is drawn with the weight 1 / (size of its class) ** power.
POWERS: Final[dict[str, float]] = {"uniform": 0.0, "root": 0.5, "class": 1.0}


@dataclass(frozen=True)
class TensorBeats:
    """All beats of a part on one device: 109,446 of them take 80 MB, so no loader is needed.

    ``values`` have one channel, over time or over the rows and columns of spectrograms.
    """

    values: Float[Tensor, "beats 1 *place"]
    labels: Int[Tensor, " beats"]

    def __len__(self) -> int:
        return len(self.labels)


def to_tensors(beats: Beats | Spectrograms, device: torch.device | str) -> TensorBeats:
    """Copy beats or their spectrograms to a device; raise DataError where there are none."""
    if not len(beats):
        raise DataError("No beats were given: expected at least one.")
    values = torch.from_numpy(np.ascontiguousarray(beats.values)).unsqueeze(1)
    labels = torch.from_numpy(beats.labels.astype(np.int64))
    return TensorBeats(values.to(device), labels.to(device))


def epoch_order(
    labels: Int[Tensor, " beats"], sampling: Sampling, generator: torch.Generator
) -> Int[Tensor, " beats"]:
    """The order in which an epoch draws its beats.

    ``"uniform"`` shuffles; ``"class"`` draws with replacement so that all classes are equally
    frequent, ``"root"`` half way there, by one over the square root of the class size.
    """
    if sampling == "uniform":
        return torch.randperm(len(labels), generator=generator)
    sizes = torch.bincount(labels).clamp(min=1).double()
    weights = sizes.pow(-POWERS[sampling])[labels]
    return torch.multinomial(weights, len(labels), replacement=True, generator=generator)


def logit_adjustment(
    labels: Int[Tensor, " beats"], sampling: Sampling
) -> Float[Tensor, " classes"]:
    """Log of how much more often training draws a class than the balanced test holds it.

    Added to the logits in the loss it lets a network that sees one mix of classes score for
    another (Menon et al., ICLR 2021). A class without beats is not adjusted.
    """
    sizes = torch.bincount(labels, minlength=len(CLASSES)).double()
    drawn = torch.where(sizes > 0, sizes.clamp(min=1).pow(1 - POWERS[sampling]), 0.0)
    wanted = torch.tensor([BALANCED_TEST[name] for name in CLASSES]).double()
    ratio = (drawn / drawn.sum()) / (wanted / wanted.sum())
    return torch.where(sizes > 0, ratio.clamp(min=1e-12).log(), 0.0).float()


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes that keep a beat's class: stretch in time, scale of amplitude, noise.

    Each number is the standard deviation of one change; 0 switches it off.
    """

    stretch: float = 0.0
    scale: float = 0.0
    noise: float = 0.0

    def __post_init__(self):
        for name, value in asdict(self).items():
            if not 0 <= value < float("inf"):
                raise SettingError(
                    f"The augmentation {name}={value} cannot be drawn: expected a standard "
                    f"deviation, 0 or a positive number."
                )

    def __bool__(self) -> bool:
        return any((self.stretch, self.scale, self.noise))


def augment(
    values: Float[Tensor, "batch 1 time"], how: Augmentation, generator: torch.Generator
) -> Float[Tensor, "batch 1 time"]:
    """Vary a batch; the generator lives on the CPU so that every device draws the same numbers."""
    batch, _, length = values.shape

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(values.device)

    if how.stretch:
        rate = torch.exp(how.stretch * draw(batch, 1))
        place = torch.arange(length, device=values.device) * rate
        left = place.floor().long()
        inside = place <= length - 1
        left = left.clamp(max=length - 2)
        share = (place - left).clamp(max=1.0)
        flat = values.squeeze(1)
        stretched = flat.gather(1, left) * (1 - share) + flat.gather(1, left + 1) * share
        values = (stretched * inside).unsqueeze(1)
    if how.scale:
        values = values * torch.exp(how.scale * draw(batch, 1, 1))
    if how.noise:
        values = values + how.noise * draw(batch, 1, length)
    return values
