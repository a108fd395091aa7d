"""The table at the top of a lesson: what is written is read again, and nothing else moves."""

import datetime
import json
import re
import string
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ecglab.errors import DataError
from ecglab.lessons.headers import (
    UNITS,
    Time,
    read_header,
    read_times,
    reading_minutes,
    time_of,
    time_text,
    with_time,
    write_time,
)
from ecglab.lessons.profiles import PROFILES

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
QUICK = Time(15, "s", "quick", "2 CPU cores", "2026-11-21")
FULL = Time(2, "min", "full", "NVIDIA H100 80GB HBM3", "2026-11-22")
ROW = "about 45 minutes of reading; 15 s on `quick` (2 CPU cores), measured 2026-11-21"

times = st.builds(
    time_of,
    st.floats(0, 1e6),
    profile=st.sampled_from(list(PROFILES)),
    device=st.text(string.printable.replace("\n", ""), min_size=1).filter(
        lambda name: re.sub(r"[()|`]", "", name)
    ),
    date=st.dates(datetime.date(1970, 1, 1)).map(str),
)


def key(time):
    return time.profile, time.device


@given(st.integers(1, 1000), st.lists(times, unique_by=key))
def test_what_is_written_is_read_again(reading, written):
    text = time_text(reading, written)
    assert reading_minutes(text) == reading
    assert sorted(map(str, read_times(text))) == sorted(map(str, written))
    assert time_text(reading, read_times(text)) == text
    assert "|" not in text


@given(st.lists(times, unique_by=key), times)
def test_a_time_takes_the_place_of_its_own_kind_only(written, new):
    text = with_time(time_text(30, written), new)
    found = {key(time): time for time in read_times(text)}
    assert found == {key(time): time for time in written} | {key(new): new}
    assert with_time(text, new) == text


@given(times, times)
def test_the_order_in_which_times_come_does_not_matter(one, other):
    first, second = (with_time(with_time(ROW, a), b) for a, b in [(one, other), (other, one)])
    assert first == second or key(one) == key(other)


@given(st.floats(0, 1e7))
def test_rounding_is_at_most_half_a_unit(seconds):
    time = time_of(seconds, profile="quick", device="x", date="2026-11-21")
    told = time.amount * UNITS[time.unit]
    assert time.amount >= 1
    if seconds >= UNITS[time.unit]:
        assert abs(told - seconds) <= UNITS[time.unit] / 2
    if time.unit != "h":
        assert time.amount < 100


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "1 s"),
        (14.4, "14 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (180, "3 min"),
        (5_900, "98 min"),
        (6_000, "2 h"),
        (86_400, "24 h"),
    ],
)
def test_a_time_is_told_in_the_unit_that_a_reader_would_take(seconds, told):
    time = time_of(seconds, profile="classroom", device="8 CPU cores", date="2026-11-21")
    assert time.short == f"{told} on `classroom` (8 CPU cores)"


def test_profiles_stand_from_small_to_large():
    assert with_time(with_time("about 45 minutes of reading", FULL), QUICK) == (
        f"{ROW}; 2 min on `full` (NVIDIA H100 80GB HBM3), measured 2026-11-22"
    )


def write_lesson(path: Path, *rows: str) -> Path:
    table = "\n".join(["| | |", "|---|---|", *rows])
    cells = [new_markdown_cell("# 01 Title\n\nWhy."), new_markdown_cell(table)]
    nbformat.write(new_notebook(cells=[*cells, new_code_cell("1 + 1")]), path)
    return path


def test_a_header_is_read_from_the_lesson(tmp_path):
    rows = "| **Question** | Why a table? |", f"| **Time** | {ROW} |"
    header = read_header(write_lesson(tmp_path / "01_eda.ipynb", *rows))
    assert (header.lesson, header.title, header.question) == ("01_eda", "01 Title", "Why a table?")
    assert (header.reading, header.times) == (45, (QUICK,))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ((), "no row 'Question'"),
        (("| **Question** | Why? |",), "no row 'Time'"),
        (("| **Question** | Why? |", "| **Time** | an hour |"), "'an hour': expected 'about 45"),
    ],
)
def test_a_lesson_without_such_a_table_is_named(tmp_path, rows, found):
    with pytest.raises(DataError, match=found):
        read_header(write_lesson(tmp_path / "01_eda.ipynb", *rows))


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_time_changes_one_line_of_a_lesson_and_can_be_taken_back(source, tmp_path):
    lesson = tmp_path / source.name
    lesson.write_bytes(source.read_bytes())
    before = lesson.read_text().splitlines()
    old = read_header(lesson).times
    write_time(lesson, FULL)
    after = lesson.read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert str(FULL) in json.loads(changed[0][1].strip().removesuffix(","))
    assert set(read_header(lesson).times) == {*old, FULL}
    again = lesson.read_bytes()
    write_time(lesson, FULL)
    assert lesson.read_bytes() == again
