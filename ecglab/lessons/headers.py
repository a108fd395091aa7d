"""What the table at the top of a lesson says: its one question, and how long it takes.

README, guide and index read it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nbformat

from ecglab.errors import DataError
from ecglab.files import write_atomically
from ecglab.lessons.profiles import PROFILES

UNITS: Final = {"s": 1, "min": 60, "h": 3600}  # seconds in each
LARGEST: Final = 100  # of a unit; what is longer is told in the next one
TIME: Final = re.compile(
    rf"(?P<amount>\d+) (?P<unit>{'|'.join(UNITS)}) on `(?P<profile>{'|'.join(PROFILES)})` "
    r"\((?P<device>[^()]+)\), measured (?P<date>\d{4}-\d\d-\d\d)"
)
READING: Final = re.compile(r"about (?P<minutes>\d+) minutes of reading")
ROW: Final = re.compile(r"^\| \*\*(?P<name>\w+)\*\* \| (?P<text>.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Time:
    """How long all cells of a lesson took: ``amount`` of ``unit``, with what, and on which day."""

    amount: int
    unit: str
    profile: str
    device: str
    date: str

    def __str__(self) -> str:
        return f"{self.short}, measured {self.date}"

    @property
    def short(self) -> str:
        """The time without its day."""
        return f"{self.amount} {self.unit} on `{self.profile}` ({self.device})"


@dataclass(frozen=True)
class Header:
    """What the first cells of a lesson say; ``reading`` is in minutes."""

    lesson: str
    title: str
    question: str
    reading: int
    times: tuple[Time, ...]


def time_of(seconds: float, *, profile: str, device: str, date: str) -> Time:
    """A measured time, rounded to whole units and at least one."""
    *short, longest = UNITS
    unit = next((u for u in short if round(seconds / UNITS[u]) < LARGEST), longest)
    amount = max(1, round(seconds / UNITS[unit]))
    return Time(amount, unit, profile, re.sub(r"[()|`]", "", device), date)


def read_times(text: str) -> tuple[Time, ...]:
    """The measured times in the text of a header's row."""
    found = (match.groupdict() for match in TIME.finditer(text))
    return tuple(Time(**{**entry, "amount": int(entry["amount"])}) for entry in found)


def time_text(reading: int, times: Iterable[Time]) -> str:
    """The text of a header's row: minutes of reading, then times by profile and device."""
    size = list(PROFILES)
    ordered = sorted(times, key=lambda time: (size.index(time.profile), time.device))
    return "; ".join([f"about {reading} minutes of reading", *map(str, ordered)])


def with_time(text: str, new: Time) -> str:
    """The text of a header's row with one time more; another of its profile and device goes."""
    kept = [t for t in read_times(text) if (t.profile, t.device) != (new.profile, new.device)]
    return time_text(reading_minutes(text), [*kept, new])


def reading_minutes(text: str) -> int:
    """The minutes of reading in the text of a header's row."""
    if not (found := READING.match(text)):
        raise DataError(
            f"A lesson's time is {text!r}: expected 'about 45 minutes of reading' and then times."
        )
    return int(found["minutes"])


def header_rows(notebook: nbformat.NotebookNode, lesson: str) -> dict[str, str]:
    """The rows of the table at the top of a lesson by their names."""
    cell = notebook.cells[1].source if len(notebook.cells) > 1 else ""
    rows = {row["name"]: row["text"] for row in ROW.finditer(cell)}
    if missing := {"Question", "Time"} - rows.keys():
        raise DataError(
            f"Lesson {lesson} has no row '{min(missing)}' in its second cell: expected a table "
            f"with | **Question** | ... | and | **Time** | about 45 minutes of reading |."
        )
    return rows


def read_header(path: Path) -> Header:
    """Title, question, minutes of reading and measured times of a lesson."""
    notebook = nbformat.read(path, as_version=4)
    rows = header_rows(notebook, path.stem)
    return Header(
        lesson=path.stem,
        title=notebook.cells[0].source.partition("\n")[0].removeprefix("# "),
        question=rows["Question"],
        reading=reading_minutes(rows["Time"]),
        times=read_times(rows["Time"]),
    )


def write_time(lesson: Path, time: Time) -> None:
    """Write a measured time into the table of a lesson; nothing else in its file changes."""
    notebook = nbformat.read(lesson, as_version=4)
    old = header_rows(notebook, lesson.stem)["Time"]
    row = "| **Time** | {} |"
    cell = notebook.cells[1]
    cell.source = cell.source.replace(row.format(old), row.format(with_time(old, time)))
    text = nbformat.writes(notebook) + "\n"
    write_atomically(lesson, lambda part: part.write_text(text, encoding="utf-8"))
