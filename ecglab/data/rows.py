"""Read rows of the benchmark's kind from a CSV file, with their classes or without."""

from pathlib import Path

import numpy as np

from ecglab.data.beats import BEAT_LENGTH, Beats
from ecglab.data.csvfile import COLUMNS, in_range, line_fault, read_csv
from ecglab.errors import DataError


def read_rows(path: str | Path) -> tuple[Beats, bool]:
    """The beats of a CSV file, and whether it says their classes (188 columns).

    Without them (187 columns) every label is 0. Raises DataError, naming the line, for anything
    else.
    """
    path = Path(path)
    columns = first_columns(path)
    if columns not in (BEAT_LENGTH, COLUMNS):
        raise DataError(
            f"{path}: {columns} columns found in the first line, expected {BEAT_LENGTH} values, or "
            f"{COLUMNS} with the class."
        )
    if columns == COLUMNS:
        return read_csv(path), True
    try:
        values = np.loadtxt(path, np.float32, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        raise DataError(row_fault(path)) from error
    if not in_range(values):
        raise DataError(row_fault(path))
    unknown = np.full(len(values), -1, np.int32)
    labels = np.zeros(len(values), np.uint8)
    return Beats(values, labels, unknown, unknown.copy(), "CSV"), False


def first_columns(path: Path) -> int:
    """Number of columns in the first line that is not empty; 0 in an empty file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = next((line for line in file if line.strip()), "")
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): expected a CSV file with a beat in each "
            f"line."
        ) from error
    return first.count(",") + 1 if first else 0


def row_fault(path: Path) -> str:
    """One sentence on the first line that is not a row of 187 values."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            count = line.count(",") + 1
            if count != BEAT_LENGTH:
                fault = f"{count} columns found, {BEAT_LENGTH} expected as in the first line"
            else:
                fault = line_fault(f"{line.rstrip()},0")
            if fault:
                return f"{path}, line {number}: {fault}."
    return f"{path} cannot be read as numbers: expected {BEAT_LENGTH} of them in each line."
