"""The test that nbval's lessons get at their end: it reads the true peak, and it can fail."""

import json
import re
import resource
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbval.plugin import IPyNbFile

import ecglab

HOOK = Path(ecglab.__file__).resolve().parents[1] / "conftest.py"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this machine has no /proc")
def test_the_peak_is_the_one_that_the_kernel_of_the_machine_counts():
    held = bytearray(200_000_000)
    assert held.count(0) == len(held)
    del held
    peak = runpy.run_path(str(HOOK))["peak_memory"](Path("/proc/self/status").read_text())
    counted = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert peak > 200_000_000
    assert abs(peak - counted) < 0.02 * counted


def test_the_limit_is_a_gigabyte():
    assert runpy.run_path(str(HOOK))["LIMIT"] == 10**9


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this machine has no /proc")
def test_a_lesson_that_took_too_much_fails_and_a_broken_one_has_no_figure(tmp_path):
    text = HOOK.read_text()
    assert "LIMIT = 10**9" in text
    (tmp_path / "conftest.py").write_text(text.replace("LIMIT = 10**9", "LIMIT = 300_000_000"))
    greedy = "held = b'x' * 400_000_000; del held"
    for name, code in {"greedy": greedy, "broken": "1 / 0"}.items():
        notebook = new_notebook(cells=[new_code_cell(code), new_code_cell("1 + 1")])
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": ""}
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rA", "--nbval-lax"),
            "greedy.ipynb",
            "broken.ipynb",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"greedy took [45]\d\d MB, more than 300 MB", done.stdout)
    assert "broken: its memory is not known, a cell of it failed" in done.stdout
    assert "2 failed, 3 passed, 1 skipped" in done.stdout
    (figures,) = (tmp_path / "build" / "memory").iterdir()
    assert json.loads(figures.read_text())["peak_memory"] > 400_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this machine has no /proc")
def test_a_build_for_cuda_is_measured_and_not_judged(tmp_path):
    text = HOOK.read_text()
    assert "return torch.version.cuda" in text and "LIMIT = 10**9" in text
    text = text.replace("return torch.version.cuda", 'return "13.0"')
    (tmp_path / "conftest.py").write_text(text.replace("LIMIT = 10**9", "LIMIT = 1"))
    notebook = new_notebook(cells=[new_code_cell("1")])
    notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": ""}
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "--nbval-lax", "lesson.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    assert re.search(r"lesson took \d+ MB with torch for CUDA 13.0", done.stdout)
    (figures,) = (tmp_path / "build" / "memory").iterdir()
    assert json.loads(figures.read_text())["cuda"] == "13.0"


def test_half_a_lesson_says_nothing_about_all_of_it():
    lesson = IPyNbFile.__new__(IPyNbFile)
    lesson.nb = new_notebook(cells=[new_code_cell("1"), new_code_cell("2")])
    items = [SimpleNamespace(parent=lesson)]
    runpy.run_path(str(HOOK))["pytest_collection_modifyitems"](items)
    assert len(items) == 1
