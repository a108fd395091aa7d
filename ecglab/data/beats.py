"""From a recording to rows of the heartbeat benchmark.

The published benchmark (Kachuee, Fazeli and Sarrafzadeh 2018) does not follow its own
description. This recipe rebuilds its rows: a beat starts at its annotated R peak and ends a
fifth of an R-R interval after the next annotation; every third raw sample is kept (120 Hz, no
anti-alias filter); the row is scaled to 0..1 and then cut or zero padded to 187 values.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from ecglab.data.classes import CLASSES, LABEL_OF_SYMBOL
from ecglab.data.database import Recording
from ecglab.errors import DataError

BEAT_LENGTH: Final = 187  # values, 1.56 s at 120 Hz
DECIMATION: Final = 3  # every third sample of 360 Hz
BEAT_RATE: Final = 120  # Hz
RECIPE: Final = "kachuee-2018-rebuilt-1"

Origin = Literal["MIT-BIH", "simulated", "CSV", "WFDB"]  # WFDB: any other record


@dataclass(frozen=True)
class Beats:
    """Heartbeats, each with its class and the place in a recording that it was cut from.

    ``labels`` index `CLASSES`; ``samples`` count at 360 Hz; a CSV file knows neither record
    nor sample: both are -1 there, as is the record of any WFDB file that is not the database's.
    """

    values: Float32[np.ndarray, "beats time"]
    labels: UInt8[np.ndarray, " beats"]
    records: Int32[np.ndarray, " beats"]
    samples: Int32[np.ndarray, " beats"]
    origin: Origin

    def __post_init__(self):
        lengths = {len(self.values), len(self.labels), len(self.records), len(self.samples)}
        if len(lengths) != 1 or self.values.ndim != 2:
            raise DataError(
                f"Beats need one label, record and sample for each row of values: found shapes "
                f"{self.values.shape}, {self.labels.shape}, {self.records.shape}, "
                f"{self.samples.shape}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Beats":
        """The beats at ``index`` (positions or a mask), in that order."""
        return Beats(
            self.values[index],
            self.labels[index],
            self.records[index],
            self.samples[index],
            self.origin,
        )

    def of_class(self, label: int) -> "Beats":
        """The beats of one class."""
        return self.take(self.labels == label)

    def counts(self) -> dict[str, int]:
        """Number of beats of each class, N S V F Q."""
        found = np.bincount(self.labels, minlength=len(CLASSES))
        return dict(zip(CLASSES, found.tolist(), strict=True))


def join(parts: Iterable[Beats]) -> Beats:
    """Put several sets of beats of one origin behind each other."""
    parts = list(parts)
    if not parts:
        raise DataError("No beats to join: expected at least one set of beats.")
    if len(origins := {part.origin for part in parts}) > 1:
        raise DataError(
            f"Beats of several origins found ({', '.join(sorted(origins))}): expected one; real "
            f"and simulated beats are never mixed."
        )
    return Beats(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.records for part in parts]),
        np.concatenate([part.samples for part in parts]),
        parts[0].origin,
    )


def beat_end(samples: np.ndarray, i: int, signal_length: int) -> int:
    """Sample number (360 Hz, exclusive) at which the row of annotation ``i`` ends."""
    following = samples[i + 1]
    after = samples[i + 2] if i + 2 < len(samples) else signal_length
    return int(following + int(0.2 * (after - following)))


def beat_row(signal: np.ndarray, start: int, end: int) -> Float32[np.ndarray, " time"]:
    """Cut, decimate, scale to 0..1 and pad one row; scaled before it is cut to 187 values."""
    segment = signal[start:end:DECIMATION]
    row = np.zeros(BEAT_LENGTH, np.float32)
    low, high = segment.min(), segment.max()
    if high > low:
        kept = segment[:BEAT_LENGTH]
        row[: len(kept)] = (kept - low) / float(high - low)
    return row


def extract_beats(recording: Recording, origin: Origin = "MIT-BIH") -> Beats:
    """Cut every AAMI beat of a recording, its last annotation left out."""
    samples = recording.samples
    labelled = [
        (i, LABEL_OF_SYMBOL[symbol])
        for i, symbol in enumerate(recording.symbols[:-1])
        if symbol in LABEL_OF_SYMBOL and samples[i + 1] > samples[i]
    ]
    values = np.zeros((len(labelled), BEAT_LENGTH), np.float32)
    for row, (i, _) in enumerate(labelled):
        end = beat_end(samples, i, len(recording.signal))
        values[row] = beat_row(recording.signal, samples[i], end)
    index = np.array([i for i, _ in labelled], dtype=np.int64)
    return Beats(
        values,
        np.array([label for _, label in labelled], np.uint8),
        np.full(len(labelled), recording.record, np.int32),
        samples[index].astype(np.int32),
        origin,
    )
