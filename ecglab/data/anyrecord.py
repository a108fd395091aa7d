"""Read one lead of any WFDB record as the MIT-BIH database would have measured it.

Other rates are resampled to 360 Hz, other scales to 200 units a millivolt, so that `extract_beats`
cuts the rows that the networks know. Beats come from the annotations; without any, R peaks are
detected by XQRS (wfdb).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import wfdb
from jaxtyping import Bool, Float64, Int64
from scipy.signal import butter, resample_poly, sosfiltfilt
from wfdb.processing import xqrs_detect

from ecglab.data.beats import BEAT_RATE, Beats, beat_end, extract_beats
from ecglab.data.classes import LABEL_OF_SYMBOL
from ecglab.data.database import SAMPLING_RATE, Recording
from ecglab.data.simulate import GAIN, ZERO
from ecglab.errors import DataError

LEAD: Final = "MLII"
ANNOTATOR: Final = "atr"
PARTS: Final = (".hea", ".dat", f".{ANNOTATOR}")
MILLIVOLTS: Final = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "V": 1e3}
LEAST_SECONDS: Final = 3.0  # shorter than that no detector has anything to learn from
UNNUMBERED: Final = -1  # a record that is none of the database's

# Beats of other WFDB databases that MIT-BIH has no symbol for, and those of the same AAMI class.
FURTHER_BEATS: Final = {"B": "N", "n": "S", "r": "V", "?": "Q"}

# XQRS answers with a wave of the complex; the R peak that annotators mark is the highest or deepest
# point near it. On records 100, 119, 200, 208 and 232 that brings 90 % of the peaks to within 5
# samples (14 ms) of the annotation; without it a quarter of those of 208 are 18 or more away. In
# record 217 (paced) it is the other way round: 20 samples instead of 6.
PEAK_WITHIN: Final = 0.075  # s, to each side
PEAK_BAND: Final = (0.5, 40.0)  # Hz


@dataclass(frozen=True)
class LeadRecord:
    """One lead of a record at 360 Hz, and in ``notes`` what was done to it.

    ``rate`` (Hz) is that of the file. Where the beats are not ``annotated`` they were detected, and
    their symbols say nothing. ``missing`` marks the samples that the file did not have.
    """

    name: str
    recording: Recording
    rate: float
    annotated: bool
    missing: Bool[np.ndarray, " time"]
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Length of the record."""
        return len(self.recording.signal) / SAMPLING_RATE


def read_lead(path: str | Path, *, lead: str | None = None) -> LeadRecord:
    """Read a lead (MLII unless another is named) of the record whose files begin with ``path``."""
    stem = Path(path)
    stem = stem.with_suffix("") if stem.suffix in PARTS else stem
    if not Path(f"{stem}.hea").is_file():
        raise DataError(
            f"No record {stem}: {stem}.hea is missing; expected the path of a WFDB record without "
            f"extension, or a file that ends in .csv."
        )
    try:
        header = wfdb.rdheader(str(stem), rd_segments=True)
        name = choose_lead(header.sig_name or [], lead, stem)
        record = wfdb.rdrecord(str(stem), channel_names=[name])
        volts, rate, unit = record.p_signal[:, 0], float(record.fs), record.units[0]
    except DataError:
        raise
    except Exception as error:  # wfdb raises many types for a damaged file
        raise DataError(
            f"Record {stem} cannot be read ({type(error).__name__}: {error}); expected a complete "
            f"WFDB record, header and signal files in one folder."
        ) from error
    if fault := lead_fault(volts, rate, unit):
        raise DataError(f"Record {stem}, lead {name}: {fault}.")
    signal, missing = at_database_rate(volts * MILLIVOLTS[unit], rate)
    notes = []
    if name.casefold() != LEAD.casefold():
        notes.append(
            f"Lead {name} is not {LEAD}, from which the networks have learnt nearly all they know: "
            f"what they say of it means little."
        )
    if rate != SAMPLING_RATE:
        notes.append(f"The record was resampled from {rate:g} to {SAMPLING_RATE} Hz.")
    samples, symbols = annotations_of(stem, rate, len(signal))
    annotated = any(symbol in LABEL_OF_SYMBOL for symbol in symbols)
    if not annotated:
        file = f"{stem.name}.{ANNOTATOR}"
        reason = (
            f"None of the {len(symbols)} annotations in {file} is a beat"
            if symbols
            else (f"There are no annotations ({file})")
        )
        samples = detect_peaks(signal)
        symbols = ("N",) * len(samples)  # a place in the rhythm; nobody has named its class
        notes.append(
            f"{reason}: R peaks were detected (XQRS, which misses some), and all count as beats."
        )
    recording = Recording(
        record=UNNUMBERED,
        lead=name,
        sampling_rate=SAMPLING_RATE,
        gain=GAIN,
        zero=ZERO,
        signal=np.rint(ZERO + GAIN * signal).astype(np.int64),
        samples=samples,
        symbols=symbols,
    )
    return LeadRecord(str(stem), recording, rate, annotated, missing, tuple(notes))


def choose_lead(names: Sequence[str], wanted: str | None, stem: Path) -> str:
    """The wanted lead as the record spells it; raise DataError, naming all, where it has none."""
    same = [name for name in names if name.casefold() == (wanted or LEAD).casefold()]
    if same:
        return same[0]
    if not names:
        raise DataError(f"Record {stem} holds no signal at all: expected a lead {wanted or LEAD}.")
    remedy = f"--lead {names[0]} takes that one, which the networks hardly know"
    raise DataError(
        f"Record {stem} has no lead {wanted or LEAD}: found {', '.join(names)}; "
        f"{'name one of these' if wanted else remedy}."
    )


def lead_fault(volts: np.ndarray, rate: float, unit: str) -> str | None:
    """Why no beat can be cut from a lead: found and expected; None where they can."""
    if unit not in MILLIVOLTS:
        return f"measured in {unit}, expected a voltage ({', '.join(MILLIVOLTS)})"
    if not rate >= BEAT_RATE:
        return f"{rate:g} Hz found, at least {BEAT_RATE} Hz expected, the rate of the rows"
    if len(volts) < LEAST_SECONDS * rate:
        return f"{len(volts) / rate:.1f} s found, at least {LEAST_SECONDS:g} s expected"
    if not np.isfinite(volts).any():
        return "no valid sample found"
    return None


def at_database_rate(
    millivolts: Float64[np.ndarray, " time"], rate: float
) -> tuple[Float64[np.ndarray, " samples"], Bool[np.ndarray, " samples"]]:
    """The signal at 360 Hz with gaps bridged by straight lines, and where they were."""
    missing = ~np.isfinite(millivolts)
    place = np.arange(len(millivolts))
    whole = np.interp(place, place[~missing], millivolts[~missing]) if missing.any() else millivolts
    ratio = Fraction(SAMPLING_RATE) / Fraction(rate).limit_denominator(1000)
    if ratio == 1:
        return whole, missing
    signal = resample_poly(whole, ratio.numerator, ratio.denominator, padtype="line")
    nearest = np.rint(np.arange(len(signal)) / float(ratio)).astype(np.int64)
    return signal, missing[np.minimum(nearest, len(missing) - 1)]


def annotations_of(
    stem: Path, rate: float, length: int
) -> tuple[Int64[np.ndarray, " annotations"], tuple[str, ...]]:
    """Places (360 Hz) and symbols of all annotations, none where there is no such file."""
    file = Path(f"{stem}.{ANNOTATOR}")
    if not file.is_file():
        return np.zeros(0, np.int64), ()
    try:
        found = wfdb.rdann(str(stem), ANNOTATOR)
    except Exception as error:  # wfdb raises many types for a damaged file
        raise DataError(
            f"{file} cannot be read ({type(error).__name__}: {error}); expected WFDB annotations, "
            f"or no such file: then R peaks are detected."
        ) from error
    places = np.asarray(found.sample) * (SAMPLING_RATE / (found.fs or rate))
    samples = np.rint(places).astype(np.int64)
    if len(samples) and samples[-1] > length:
        raise DataError(
            f"{file} has an annotation at {samples[-1] / SAMPLING_RATE:.1f} s, after the record's "
            f"end at {length / SAMPLING_RATE:.1f} s: expected annotations of this very record."
        )
    symbols = tuple(FURTHER_BEATS.get(symbol, symbol) for symbol in found.symbol)
    return np.minimum(samples, length - 1), symbols


def detect_peaks(signal: Float64[np.ndarray, " time"]) -> Int64[np.ndarray, " peaks"]:
    """R peaks in a signal (mV, 360 Hz): those that XQRS finds, moved to the extreme beside them."""
    found = np.asarray(xqrs_detect(signal, SAMPLING_RATE, verbose=False), dtype=np.int64)
    band = butter(2, PEAK_BAND, "bandpass", fs=SAMPLING_RATE, output="sos")
    height = np.abs(sosfiltfilt(band, signal))
    reach = round(PEAK_WITHIN * SAMPLING_RATE)
    starts = np.maximum(found - reach, 0)
    stops = found + reach + 1
    moved = [a + height[a:b].argmax() for a, b in zip(starts, stops, strict=True)]
    return np.unique(np.array(moved, np.int64))


def cut_beats(record: LeadRecord) -> tuple[Beats, int]:
    """The rows of a record, and how many were left out since samples are missing in them."""
    recording = record.recording
    beats = extract_beats(recording, "WFDB")
    if not len(beats):
        count = sum(symbol in LABEL_OF_SYMBOL for symbol in recording.symbols)
        raise DataError(
            f"Record {record.name} gives no row: {count} beats found in {record.seconds:.1f} s; "
            f"expected at least two, since a row reaches from one R peak past the next."
        )
    gaps = np.concatenate([[0], np.cumsum(record.missing)])
    first = np.searchsorted(recording.samples, beats.samples, side="right") - 1
    ends = [beat_end(recording.samples, int(i), len(recording.signal)) for i in first]
    whole = gaps[np.minimum(ends, len(record.missing))] == gaps[beats.samples]
    if not whole.any():
        raise DataError(f"Record {record.name} gives no row: samples are missing in every beat.")
    return beats.take(whole), int((~whole).sum())
