"""Read the 48 records of the MIT-BIH Arrhythmia Database.

Source: G. B. Moody and R. G. Mark, IEEE Eng. Med. Biol. 20(3):45-50, 2001,
doi:10.13026/C2F305 (ODC-By 1.0).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import wfdb
from jaxtyping import Int

from ecglab.errors import DataError

RECORDS: Final = (
    *(100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112, 113, 114, 115, 116),
    *(117, 118, 119, 121, 122, 123, 124, 200, 201, 202, 203, 205, 207, 208, 209, 210),
    *(212, 213, 214, 215, 217, 219, 220, 221, 222, 223, 228, 230, 231, 232, 233, 234),
)
SUFFIXES: Final = (".hea", ".dat", ".atr")
SAMPLING_RATE: Final = 360  # Hz
SIGNAL_LENGTH: Final = 650_000  # samples a channel
DATABASE_VARIABLE: Final = "ECGLAB_DATA"


@dataclass(frozen=True)
class Recording:
    """One lead of one recording with every annotation, non-beats included.

    ``signal`` holds raw ADC units, ``gain`` ADC units per millivolt, ``zero`` the ADC value
    of 0 mV, ``samples`` the sample number and ``symbols`` the symbol of each annotation.
    """

    record: int
    lead: str
    sampling_rate: int
    gain: float
    zero: int
    signal: Int[np.ndarray, " time"]
    samples: Int[np.ndarray, " annotations"]
    symbols: tuple[str, ...]

    def millivolts(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """The signal from sample ``start`` to ``stop`` in millivolts."""
        return (self.signal[start:stop].astype(np.float64) - self.zero) / self.gain


def holds_database(directory: Path) -> bool:
    """Whether ``directory`` holds at least one record: a half copy is then named, not passed by."""
    return any((directory / f"{record}.hea").is_file() for record in RECORDS)


def missing_files(directory: Path) -> list[str]:
    """Names of the 144 files of the database that ``directory`` lacks."""
    names = (f"{record}{suffix}" for record in RECORDS for suffix in SUFFIXES)
    return [name for name in names if not (directory / name).is_file()]


def cache_directory() -> Path:
    """Where fetched records and prepared beats are kept: ``ECGLAB_CACHE`` or the user's cache."""
    if named := os.environ.get("ECGLAB_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ecglab"


def find_database(directory: str | Path | None = None) -> Path | None:
    """Return the folder of the database, or None where there is none and none was asked for.

    Looks at ``directory``, then at ``ECGLAB_DATA``, then where `fetch` puts it. A folder that
    was named but holds no record raises DataError: simulated beats must never stand in silently.
    """
    named = directory or os.environ.get(DATABASE_VARIABLE)
    if named:
        folder = Path(named).expanduser()
        if holds_database(folder):
            return folder
        raise DataError(
            f"No MIT-BIH record found in {folder}: expected 100.hea, 100.dat, 100.atr and so on "
            f"to 234; name the folder that holds them or run 'ecglab data fetch'."
        )
    fetched = cache_directory() / "mitdb"
    return fetched if holds_database(fetched) else None


def read_recording(directory: str | Path, record: int, *, channel: int = 0) -> Recording:
    """Read one record (signal of ``channel`` and annotations) from ``directory``."""
    stem = Path(directory) / str(record)
    for suffix in SUFFIXES:
        if not stem.with_suffix(suffix).is_file():
            raise DataError(
                f"Record {record} is incomplete: {stem.with_suffix(suffix)} is missing; "
                f"expected {record}.hea, .dat and .atr; run 'ecglab data fetch' to complete it."
            )
    try:
        header = wfdb.rdrecord(str(stem), physical=False, channels=[channel])
        annotation = wfdb.rdann(str(stem), "atr")
    except Exception as error:  # wfdb raises many types for a damaged file
        raise DataError(
            f"Record {record} in {stem.parent} cannot be read ({type(error).__name__}: {error}); "
            f"expected a complete WFDB record; run 'ecglab data verify' to see which file differs."
        ) from error
    signal = header.d_signal[:, 0]
    samples = np.asarray(annotation.sample, dtype=np.int64)
    if fault := recording_fault(header, signal, samples):
        raise DataError(
            f"Record {record} in {stem.parent} is damaged: {fault}; run 'ecglab data verify' to "
            f"see which file differs and 'ecglab data fetch' to replace it."
        )
    return Recording(
        record=int(record),
        lead=header.sig_name[0],
        sampling_rate=int(header.fs),
        gain=float(header.adc_gain[0]),
        zero=int(header.baseline[0]),
        signal=signal,
        samples=samples,
        symbols=tuple(annotation.symbol),
    )


def recording_fault(
    header: wfdb.Record, signal: Int[np.ndarray, " time"], samples: Int[np.ndarray, " annotations"]
) -> str | None:
    """What a record's own header says against its files: found and expected; None where nothing."""
    if header.fs != SAMPLING_RATE:
        return f"{header.fs} Hz found, {SAMPLING_RATE} Hz expected"
    if header.checksum[0] is not None and (int(signal.sum()) - header.checksum[0]) % (1 << 16):
        return "the checksum of the signal is not the one in the header"
    if not len(samples):
        return "no annotation found, one for every heartbeat expected"
    if samples[-1] >= len(signal):
        return f"an annotation at sample {samples[-1]} found, {len(signal)} samples expected"
    return None
