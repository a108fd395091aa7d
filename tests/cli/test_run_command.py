"""``ecglab run --record-times`` on small lessons: what it writes, and when it writes nothing."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ecglab.lessons.headers import read_header

TABLE = """| | |
|---|---|
| **Question** | Why? |
| **Time** | about 45 minutes of reading; 3 min on `full` (NVIDIA H100), measured 2026-11-21 |"""


@pytest.fixture
def lessons(tmp_path) -> Path:
    """Two small lessons; the second fails."""
    folder = tmp_path / "course"
    folder.mkdir()
    for name, code in {"01_fine": "1 + 1", "02_fails": "1 / 0"}.items():
        cells = [new_markdown_cell(f"# {name}\n\nWhy."), new_markdown_cell(TABLE)]
        cells += [new_code_cell('profile: str = "quick"  # size'), new_code_cell(code)]
        cells[2].metadata.tags = ["parameters"]
        notebook = new_notebook(cells=cells)
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": ""}
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


@pytest.fixture
def database(tmp_path, monkeypatch) -> Path:
    """A folder that is taken for the database; these lessons read no beat."""
    folder = tmp_path / "mitdb"
    folder.mkdir()
    (folder / "100.hea").touch()
    monkeypatch.setenv("ECGLAB_DATA", str(folder))
    return folder


def test_times_are_written_into_the_lessons_that_ran_through(call, lessons, database, tmp_path):
    before = (lessons / "02_fails.ipynb").read_bytes()
    options = ["--notebooks", lessons, "--out", tmp_path / "out", "--record-times"]
    code, out, error = call("run", *options)
    assert code == 1
    assert "1 of 2 lessons failed: 02_fails" in error
    quick, full = read_header(lessons / "01_fine.ipynb").times
    assert (quick.profile, quick.unit) == ("quick", "s")
    assert str(full) == "3 min on `full` (NVIDIA H100), measured 2026-11-21"
    assert f"Recorded in 01_fine: {quick}." in out
    assert (lessons / "02_fails.ipynb").read_bytes() == before
    for cell in nbformat.read(lessons / "01_fine.ipynb", as_version=4).cells:
        assert not cell.get("outputs")


def test_without_the_database_nothing_runs(call, lessons, tmp_path, monkeypatch):
    monkeypatch.delenv("ECGLAB_DATA", raising=False)
    options = ["--notebooks", lessons, "--out", tmp_path / "out", "--record-times"]
    code, _, error = call("run", *options)
    assert code == 1
    assert "no database was found" in error
    assert not (tmp_path / "out").exists()


def test_with_a_parameter_nothing_runs(call, lessons, database, tmp_path):
    options = ["--notebooks", lessons, "--out", tmp_path / "out", "--record-times"]
    code, _, error = call("run", *options, "-p", "seed=1")
    assert code == 1
    assert "found --parameter seed" in error
    assert not (tmp_path / "out").exists()
