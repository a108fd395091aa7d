"""Beats as pictures: the short-time Fourier transform of every row, in decibels.

Growth is taught on spectrograms. The window and the hop give 32 x 32 (or 16 x 16) at once, so
that nothing is resized. A row is zero padded behind its beat: where the padding begins shows the
R-R interval in the picture.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, UInt8
from torch import Tensor

from ecglab.data.beats import BEAT_LENGTH, Beats, Origin
from ecglab.data.splits import Split
from ecglab.errors import DataError, SettingError

# Size of the picture: (length of the window, hop), both in values at 120 Hz.
WINDOWS: Final[dict[int, tuple[int, int]]] = {32: (62, 6), 16: (30, 12)}
LEAST_POWER: Final = 1e-6  # what is weaker counts as silence: -60 dB
CHUNK: Final = 4096  # beats transformed at once: 34 MB of complex numbers at 32 x 32


@dataclass(frozen=True)
class Spectrograms:
    """Spectrograms of beats, standardised, each with its class and its place in a recording.

    ``mean`` and ``deviation`` (dB) are those that were used, of the training part: the decibels
    are ``values * deviation + mean``. Frequency runs from 0 to 60 Hz down the rows of a picture,
    time along its columns. The other fields are those of `Beats`.
    """

    values: Float32[np.ndarray, "beats size size"]
    labels: UInt8[np.ndarray, " beats"]
    records: Int32[np.ndarray, " beats"]
    samples: Int32[np.ndarray, " beats"]
    origin: Origin
    mean: float
    deviation: float

    def __post_init__(self):
        lengths = {len(self.values), len(self.labels), len(self.records), len(self.samples)}
        if len(lengths) != 1 or self.values.ndim != 3:
            raise DataError(
                f"Spectrograms need one label, record and sample for each picture of values: found "
                f"shapes {self.values.shape}, {self.labels.shape}, {self.records.shape}, "
                f"{self.samples.shape}."
            )

    # Labels alone decide these: they are those of beats.
    __len__ = Beats.__len__
    counts = Beats.counts

    def take(self, index: np.ndarray) -> "Spectrograms":
        """The spectrograms at ``index`` (positions or a mask), in that order."""
        return replace(
            self,
            values=self.values[index],
            labels=self.labels[index],
            records=self.records[index],
            samples=self.samples[index],
        )


def spectrogram(
    values: Float[Tensor, "beats time"], *, size: int = 32
) -> Float[Tensor, "beats size size"]:
    """Power of the short-time Fourier transform in dB, (beat, frequency, time), from -60 dB up.

    Rows of 187 values at 120 Hz, the mean of each row removed; Hann windows of 0.52 s every
    0.05 s for ``size=32`` (0.25 s every 0.1 s for 16), centred, zeros beyond both ends.
    """
    if size not in WINDOWS:
        raise SettingError(
            f"A spectrogram of size={size} would have to be resized: expected 32 or 16, which the "
            f"windows give exactly."
        )
    if values.shape[1] != BEAT_LENGTH:
        raise DataError(
            f"Rows of {values.shape[1]} values give no {size} x {size} picture: expected rows of "
            f"{BEAT_LENGTH} values, as in `Beats`."
        )
    length, hop = WINDOWS[size]
    window = torch.hann_window(length, dtype=values.dtype, device=values.device)
    pictures = values.new_empty(len(values), size, size)
    for start in range(0, len(values), CHUNK):
        rows = values[start : start + CHUNK]
        transform = torch.stft(
            rows - rows.mean(1, keepdim=True),
            length,
            hop,
            window=window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = torch.view_as_real(transform).square().sum(-1)
        pictures[start : start + CHUNK] = 10 * power.clamp(min=LEAST_POWER).log10()
    return pictures


def to_spectrograms(
    beats: Beats,
    *,
    size: int = 32,
    mean: float | None = None,
    deviation: float | None = None,
    device: torch.device | str = "cpu",
) -> Spectrograms:
    """Spectrograms of beats, standardised with ``mean`` and ``deviation`` in dB.

    Without these two they are taken from the beats given, which must then be the training part.
    """
    if not len(beats):
        raise DataError("No beats were given: expected at least one.")
    if (mean is None) != (deviation is None):
        raise SettingError(
            f"mean={mean} and deviation={deviation} standardise together: give both, those of the "
            f"training part, or neither."
        )
    decibels = np.empty((len(beats), size, size), np.float32)
    for start in range(0, len(beats), CHUNK):
        rows = torch.from_numpy(beats.values[start : start + CHUNK]).to(device)
        decibels[start : start + CHUNK] = spectrogram(rows, size=size).cpu().numpy()
    if mean is None or deviation is None:
        mean, deviation = moments(decibels)
    if not 0 < deviation < float("inf"):
        raise DataError(
            f"Spectrograms with a deviation of {deviation} dB cannot be standardised: expected a "
            f"positive number; give beats that differ, or the training part's mean and deviation."
        )
    decibels -= np.float32(mean)
    decibels /= np.float32(deviation)
    return Spectrograms(
        decibels, beats.labels, beats.records, beats.samples, beats.origin, mean, deviation
    )


def moments(values: Float32[np.ndarray, "beats size size"]) -> tuple[float, float]:
    """Mean and standard deviation over all numbers, summed in float64 without a copy of them."""
    parts = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    mean = sum(part.sum(dtype=np.float64) for part in parts) / values.size
    squares = sum(np.square(part - mean, dtype=np.float64).sum() for part in parts)
    return float(mean), float(np.sqrt(squares / values.size))


def spectrogram_split(
    split: Split, *, size: int = 32, device: torch.device | str = "cpu"
) -> tuple[Spectrograms, Spectrograms]:
    """Training and test part of a split, both with the training part's mean and deviation."""
    train = to_spectrograms(split.train, size=size, device=device)
    test = to_spectrograms(
        split.test, size=size, mean=train.mean, deviation=train.deviation, device=device
    )
    return train, test
