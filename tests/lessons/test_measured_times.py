"""Recorded times: only of a whole lesson that ran through on real heartbeats."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import torch
from nbformat.v4 import new_markdown_cell, new_notebook

from ecglab.errors import DataError, SettingError
from ecglab.lessons.headers import read_header
from ecglab.lessons.measured_times import check_recording, device_of_lessons, record_times
from ecglab.lessons.runner import Result

RESULT = Result(
    lesson="01_first",
    title="01 First",
    about="",
    status="done",
    error=None,
    page=True,
    seconds=17.3,
    peak_memory=1,
    load=0.5,
    profile="quick",
    parameters={},
    data="MIT-BIH",
    headlines=[],
    command="ecglab run",
    commit=None,
    finished="2026-11-25T23:59:58+00:00",
    versions={},
    device="a processor",
)
TIME = "| **Time** | about 45 minutes of reading; 99 s on `quick` (1 abacus), measured 1970-01-01 |"


def write_lesson(folder: Path, name: str, time: str = TIME) -> Path:
    table = f"| | |\n|---|---|\n| **Question** | Why? |\n{time}"
    cells = [new_markdown_cell(f"# {name}\n\nWhy."), new_markdown_cell(table)]
    nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def test_what_a_run_took_is_written_beside_what_stood_there(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    lesson = write_lesson(tmp_path, "01_first")
    written = record_times([lesson], [RESULT])
    assert {name: str(time) for name, time in written.items()} == {
        "01_first": "17 s on `quick` (2 CPU cores), measured 2026-11-25"
    }
    devices = [time.device for time in read_header(lesson).times]
    assert devices == ["1 abacus", "2 CPU cores"]


@pytest.mark.parametrize(
    "change",
    [{"error": "ValueError: no"}, {"data": "simulated"}, {"parameters": {"seed": 1}}],
    ids=str,
)
def test_no_other_run_leaves_a_time(tmp_path, change):
    fine, other = (write_lesson(tmp_path, name) for name in ("01_first", "02_second"))
    before = other.read_bytes()
    second = replace(RESULT, lesson="02_second", **change)
    assert list(record_times([fine, other], [RESULT, second])) == ["01_first"]
    assert other.read_bytes() == before


def test_the_device_is_the_one_that_torch_computes_on(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert device_of_lessons() == "1 CPU core"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    assert device_of_lessons() == "NVIDIA H100"


def test_what_cannot_be_recorded_is_said_before_anything_runs(tmp_path):
    lesson = write_lesson(tmp_path, "01_first")
    check_recording([lesson], database=tmp_path, parameters={})
    with pytest.raises(SettingError, match="no database was found: run 'ecglab data fetch'"):
        check_recording([lesson], database=None, parameters={})
    with pytest.raises(SettingError, match="found --parameter seed"):
        check_recording([lesson], database=tmp_path, parameters={"seed": "1"})
    bare = write_lesson(tmp_path, "02_bare", time="")
    with pytest.raises(DataError, match="02_bare has no row 'Time'"):
        check_recording([lesson, bare], database=tmp_path, parameters={})
