"""The benchmark's CSV files: 187 values and the label in each line, no header."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ecglab.data.beats import BEAT_LENGTH, Beats
from ecglab.data.classes import CLASSES
from ecglab.data.splits import Split
from ecglab.errors import DataError
from ecglab.files import write_atomically

TRAIN_FILE: Final = "mitbih_train.csv"
TEST_FILE: Final = "mitbih_test.csv"
COLUMNS: Final = BEAT_LENGTH + 1
BLOCK: Final = 4096  # rows formatted at once
FORMAT: Final = "%.18e"  # as in the published files
WIDTH: Final = len(FORMAT % 0.0)  # characters of any value from 0 to 4


def lines(beats: Beats) -> Iterator[bytes]:
    """The beats as text, block by block.

    A beat is a quotient of small whole numbers, so few values are different: each is formatted
    once and then copied, some ten times faster than `numpy.savetxt` and the same to the byte.
    """
    for start in range(0, len(beats), BLOCK):
        rows = slice(start, start + BLOCK)
        table = np.column_stack([beats.values[rows], beats.labels[rows].astype(np.float32)])
        distinct, place = np.unique(table, return_inverse=True)
        texts = np.array([FORMAT % value + "," for value in distinct.tolist()], f"S{WIDTH + 1}")
        cells = texts[place.reshape(table.shape)].view(np.uint8).reshape(len(table), -1)
        cells[:, -1] = ord("\n")
        yield cells.tobytes()


def write_csv(beats: Beats, path: str | Path) -> Path:
    """Write beats in the published format (188 columns, float32 as ``%.18e``), or not at all."""
    if beats.values.shape[1] != BEAT_LENGTH or not in_range(beats.values):
        raise DataError(
            f"A benchmark CSV file holds {BEAT_LENGTH} values from 0 to 1 a beat; found "
            f"{beats.values.shape[1]} values between {beats.values.min()} and {beats.values.max()}."
        )

    def save(part: Path) -> None:
        with part.open("wb") as file:
            file.writelines(lines(beats))

    try:
        write_atomically(Path(path), save)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}): free some space or name a folder that "
            f"can be written to."
        ) from error
    return Path(path)


def export_split(split: Split, directory: str | Path) -> tuple[Path, Path]:
    """Write ``mitbih_train.csv`` and ``mitbih_test.csv`` into ``directory``; return both paths."""
    folder = Path(directory)
    return write_csv(split.train, folder / TRAIN_FILE), write_csv(split.test, folder / TEST_FILE)


def in_range(values: np.ndarray) -> bool:
    """Whether every value lies in 0..1; NaN does not."""
    return bool(np.all((values >= 0) & (values <= 1)))


def read_csv(path: str | Path) -> Beats:
    """Read a benchmark CSV file; such rows know neither record nor sample (both are -1).

    Raises DataError, naming the line, for anything but 187 values from 0 to 1 and a label 0..4.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if not any(line.strip() for line in file):
                raise DataError(f"{path} is empty: expected {COLUMNS} numbers in each line.")
        table = np.loadtxt(path, np.float32, delimiter=",", comments=None, ndmin=2)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): expected a CSV file such as {TRAIN_FILE}."
        ) from error
    except DataError:
        raise
    except ValueError as error:
        raise DataError(first_fault(path)) from error
    fine = table.shape[1] == COLUMNS and in_range(table[:, :-1])
    if not fine or not np.isin(table[:, -1], range(len(CLASSES))).all():
        raise DataError(first_fault(path))
    unknown = np.full(len(table), -1, np.int32)
    values = np.ascontiguousarray(table[:, :-1])
    return Beats(values, table[:, -1].astype(np.uint8), unknown, unknown.copy(), "CSV")


def first_fault(path: Path) -> str:
    """One sentence on the first line of a CSV file that is not a beat."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line != "\n" and (fault := line_fault(line)):
                return f"{path}, line {number}: {fault}."
    return f"{path} cannot be read as numbers: expected {COLUMNS} of them in each line."


def line_fault(line: str) -> str | None:
    """What is wrong with one line: found and expected; None where it is a beat."""
    cells = line.split(",")
    if len(cells) != COLUMNS:
        return f"{len(cells)} columns found, {COLUMNS} expected ({BEAT_LENGTH} values and a label)"
    for column, cell in enumerate(cells, start=1):
        try:
            value = float(cell)
        except ValueError:
            return f"{cell.strip()!r} found in column {column}, a number expected"
        if column < COLUMNS and not 0 <= value <= 1:
            return f"{value} found in column {column}, a value from 0 to 1 expected"
        if column == COLUMNS and value not in range(len(CLASSES)):
            return f"label {value} found, a whole number from 0 to {len(CLASSES) - 1} expected"
    return None


def read_split(directory: str | Path) -> Split:
    """The benchmark split from ``mitbih_train.csv`` and ``mitbih_test.csv`` in ``directory``."""
    folder = Path(directory)
    train, test = read_csv(folder / TRAIN_FILE), read_csv(folder / TEST_FILE)
    return Split("benchmark", train, test, f"as given in {TRAIN_FILE} and {TEST_FILE}")
