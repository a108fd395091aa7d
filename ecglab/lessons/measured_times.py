"""What ``ecglab run --record-times`` does: measured times go into the tables of the lessons."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ecglab.errors import SettingError
from ecglab.lessons.headers import Time, read_header, time_of, write_time
from ecglab.lessons.runner import Result


def device_of_lessons() -> str:
    """What a lesson started here computes on: the GPU's name, or the number of CPU cores."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    cores = torch.get_num_threads()
    return f"{cores} CPU core{'s' if cores > 1 else ''}"


def check_recording(
    lessons: Sequence[Path], *, database: Path | None, parameters: Mapping[str, Any]
) -> None:
    """Raise before anything runs where the times of this run would not be those of the course."""
    if database is None:
        raise SettingError(
            "Times are recorded on real heartbeats only, and no database was found: run 'ecglab "
            "data fetch', or leave out --record-times."
        )
    if parameters:
        raise SettingError(
            f"Times are recorded with the lessons' own parameters only, found --parameter "
            f"{min(parameters)}: leave it out, or leave out --record-times."
        )
    for lesson in lessons:
        read_header(lesson)


def record_times(lessons: Sequence[Path], results: Sequence[Result]) -> dict[str, Time]:
    """Write what each of ``lessons`` took into its table; one that failed keeps the times it had.

    Returns what was written, by lesson.
    """
    written = {}
    for lesson, result in zip(lessons, results, strict=True):
        if result.error or result.data != "MIT-BIH" or result.parameters:
            continue
        time = time_of(
            result.seconds,
            profile=result.profile,
            device=device_of_lessons(),
            date=result.finished[: len("2026-11-21")],
        )
        write_time(lesson, time)
        written[result.lesson] = time
    return written
