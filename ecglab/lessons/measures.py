"""Measure what a cardiologist describes: rhythm before and after a beat, QRS width and height."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import median_filter, uniform_filter1d

from ecglab.data.classes import CLASSES, LABEL_OF_SYMBOL
from ecglab.data.database import SAMPLING_RATE, Recording

NEIGHBOURHOOD: Final = 41  # R-R intervals that the local median is taken over
BEFORE, AFTER = 54, 72  # samples around the R peak searched for the QRS complex: 150, 200 ms
SLOPE_SHARE: Final = 0.15  # of the steepest slope: below it the QRS complex is over
FEWEST: Final = 10  # beats of a class that a record must have to count


@dataclass(frozen=True)
class Measures:
    """Measurements of the annotated beats; the first and last of a record have no neighbour: NaN.

    ``rr_before`` and ``rr_after`` are relative to the local median R-R interval, ``width`` (of
    the QRS complex) is in ms, ``height`` (peak to peak) in mV.
    """

    labels: Int[np.ndarray, " beats"]
    records: Int[np.ndarray, " beats"]
    rr_before: Float[np.ndarray, " beats"]
    rr_after: Float[np.ndarray, " beats"]
    width: Float[np.ndarray, " beats"]
    height: Float[np.ndarray, " beats"]


def beat_annotations(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Sample and label of each annotation that is a beat, far enough from both ends."""
    kept = [
        (sample, LABEL_OF_SYMBOL[symbol])
        for sample, symbol in zip(recording.samples.tolist(), recording.symbols, strict=True)
        if symbol in LABEL_OF_SYMBOL and BEFORE <= sample < len(recording.signal) - AFTER
    ]
    return np.array([s for s, _ in kept], np.int64), np.array([c for _, c in kept], np.int64)


def measure(recording: Recording) -> Measures:
    """Measure every annotated beat of one recording.

    The QRS complex reaches from the first to the last sample around the R peak whose slope
    (smoothed over 14 ms) exceeds 15 % of the steepest: a proxy for what a reader would measure.
    """
    samples, labels = beat_annotations(recording)
    intervals = np.diff(samples) / SAMPLING_RATE
    relative = intervals / median_filter(intervals, NEIGHBOURHOOD, mode="nearest")
    around = recording.millivolts()[samples[:, None] + np.arange(-BEFORE, AFTER)]
    slope = np.abs(np.gradient(uniform_filter1d(around, 5, axis=1), axis=1))
    steep = slope > SLOPE_SHARE * slope.max(axis=1, keepdims=True)
    first = steep.argmax(axis=1)
    last = steep.shape[1] - 1 - steep[:, ::-1].argmax(axis=1)
    near = around[:, BEFORE - 36 : BEFORE + 37]  # 100 ms to both sides
    return Measures(
        labels,
        np.full(len(samples), recording.record),
        np.append(np.nan, relative),
        np.append(relative, np.nan),
        (last - first) / SAMPLING_RATE * 1000,
        np.ptp(near, axis=1),
    )


def measure_all(recordings: Iterable[Recording]) -> Measures:
    """Measure recordings one by one; only one needs to be in memory at a time."""
    parts = [measure(recording) for recording in recordings]
    fields = ("labels", "records", "rr_before", "rr_after", "width", "height")
    return Measures(*(np.concatenate([getattr(p, field) for p in parts]) for field in fields))


def class_medians(measures: Measures) -> list[dict[str, object]]:
    """One row for each class: the median over records of the record's own median.

    Each record counts once, so that one person with a thousand beats does not speak for a class.
    Numbers with decimals are text: two of them count.
    """
    rows = []
    for label, name in enumerate(CLASSES):
        medians = []
        for record in np.unique(measures.records):
            here = (measures.labels == label) & (measures.records == record)
            if here.sum() >= FEWEST:
                columns = (measures.rr_before, measures.rr_after, measures.width, measures.height)
                medians.append([float(np.nanmedian(column[here])) for column in columns])
        if not medians:
            continue
        before, after, width, height = np.median(medians, axis=0)
        rows.append(
            {
                "class": name,
                "records": len(medians),
                "R-R before": f"{before:.2f}",
                "R-R after": f"{after:.2f}",
                "QRS width (ms)": round(float(width)),
                "QRS height (mV)": f"{height:.2f}",
            }
        )
    return rows
