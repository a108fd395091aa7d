"""The runner on small notebooks: what it executes, rejects, renders and keeps."""

import json
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ecglab.errors import DataError, SettingError
from ecglab.lessons import runner
from ecglab.lessons.session import HEADLINE_TYPE

PARAMETERS = """profile: str = "quick"  # quick, classroom or full
seed: int = 0  # seed of every draw
rtol: float = 1e-3  # relative tolerance
shuffle: bool = True
free = 1"""
SAYS = f"""from IPython.display import display
headline = {{"name": "slope", "value": 4.0312, "unit": "", "data": "simulated data, quick run"}}
display({{"{HEADLINE_TYPE}": headline, "text/plain": "slope: 4.031"}}, raw=True)
print(profile, seed + 1, rtol / 2, not shuffle)"""


def write_lesson(folder: Path, name: str, *code: str, parameters: str = PARAMETERS) -> Path:
    """A small lesson with a title, a paragraph with a formula, parameters and code cells."""
    opening = f"# {name} & more\n\nWhy $y' = f(t, y)$.\n\nLater. [Next](02_fails.ipynb#end)"
    cells = [new_markdown_cell(opening), new_code_cell(parameters)]
    cells[1].metadata.tags = ["parameters"]
    notebook = new_notebook(cells=cells + [new_code_cell(text) for text in code])
    notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "P"}
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


@pytest.fixture(scope="module")
def ran(tmp_path_factory, cache_folder):
    """Three lessons, run once: one is fine, one fails, one loses its kernel."""
    folder = tmp_path_factory.mktemp("course")
    write_lesson(folder, "01_fine", SAYS)
    write_lesson(folder, "02_fails", "1 / 0", "print('never reached')")
    write_lesson(folder, "03_dies", "import os; os._exit(1)")
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ECGLAB_DATA", raising=False)
        results = runner.run_lessons(
            runner.find_lessons(folder),
            out=folder / "build",
            parameters={"seed": "41", "rtol": "1e-5", "shuffle": "false"},
            report=said.append,
        )
    return folder, results, said


def test_a_lesson_runs_with_its_parameters(ran):
    folder, (fine, *_), _ = ran
    executed = nbformat.read(folder / "build/notebooks/01_fine.ipynb", as_version=4)
    assert executed.cells[-1].outputs[-1].text == "quick 42 5e-06 True\n"
    assert (fine.status, fine.error, fine.profile) == ("done", None, "quick")
    assert fine.parameters == {"seed": 41, "rtol": 1e-5, "shuffle": False}
    assert fine.headlines[0]["value"] == 4.0312
    assert fine.data == "simulated"
    assert fine.seconds > 0
    assert 10e6 < fine.peak_memory < 2e9  # a bare kernel takes about 55 MB
    assert 0 <= fine.load < 10_000
    assert fine.versions["torch"]


def test_a_failing_lesson_is_one_line_and_stops_no_other(ran):
    _, (_, fails, dies), said = ran
    assert fails.error == "ZeroDivisionError: division by zero (in cell [3])"
    assert dies.error.startswith("DeadKernelError")
    assert "02_fails failed: ZeroDivisionError: division by zero (in cell [3])" in said[3]
    assert not any("\n" in line for line in said)


def test_the_records_are_kept_as_data(ran):
    folder, results, _ = ran
    stored = json.loads((folder / "build/results.json").read_text())["lessons"]
    assert [entry["lesson"] for entry in stored] == ["01_fine", "02_fails", "03_dies"]
    assert stored[0]["headlines"] == results[0].headlines
    assert stored == runner.read_results(folder / "build")


def test_nothing_temporary_is_left(ran):
    folder, *_ = ran
    assert not [path for path in (folder / "build").rglob("*") if path.name.startswith(".part")]


def test_the_closing_table_shows_every_lesson(ran):
    _, results, _ = ran
    lines = runner.closing_table(results).splitlines()
    assert lines[0].split() == ["lesson", "seconds", "status", "headline", "figures"]
    assert re.fullmatch(
        r"01_fine +\d+\.\d  done    slope: 4\.031 \(simulated data, quick run\)", lines[1]
    )
    assert re.match(r"02_fails +\d+\.\d  failed  ZeroDivisionError", lines[2])


def test_every_lesson_has_its_page(ran):
    folder, *_ = ran
    pages = {page.stem for page in (folder / "build").glob("*.html")}
    assert pages >= {"01_fine", "02_fails", "03_dies", "index"}
    assert "quick 42 5e-06 True" in (folder / "build/01_fine.html").read_text()
    assert "division by zero" in (folder / "build/02_fails.html").read_text()


def test_the_index_lists_lessons_with_what_they_gave(ran):
    folder, *_ = ran
    markup = (folder / "build/index.html").read_text()
    assert '<h2><a href="01_fine.html">01_fine &amp; more</a></h2>' in markup
    assert "4.031 <small>(simulated data, quick run)</small>" in markup
    assert "Failed: ZeroDivisionError" in markup
    assert "Not a medical device" in markup
    assert "<math" in markup


def test_a_part_of_the_lessons_leaves_the_others_in_the_index(ran):
    folder, *_ = ran
    write_lesson(folder, "02_fails", "print('mended')")
    chosen = runner.choose(runner.find_lessons(folder), ["2"])
    (mended,) = runner.run_lessons(chosen, out=folder / "build", report=lambda line: None)
    assert mended.status == "done"
    stored = {entry["lesson"]: entry["status"] for entry in runner.read_results(folder / "build")}
    assert stored == {"01_fine": "done", "02_fails": "done", "03_dies": "failed"}


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    lesson = write_lesson(tmp_path, "01_slow", "import time; time.sleep(60)")
    (slow,) = runner.run_lessons(
        [lesson], out=tmp_path / "out", timeout=1, report=lambda line: None
    )
    assert slow.status == "failed"
    assert "Timeout" in slow.error


def test_an_interrupted_lesson_leaves_the_former_results(tmp_path, monkeypatch):
    lesson, out = write_lesson(tmp_path, "01_fine"), tmp_path / "out"
    out.mkdir()
    (out / "01_fine.html").write_text("former")

    def interrupted(source, part, **settings):
        part.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(papermill, "execute_notebook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run_lessons([lesson], out=out, report=lambda line: None)
    assert (out / "01_fine.html").read_text() == "former"
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["01_fine.html"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"sead": "1"}, r"no parameter 'sead'.*seed = 0 \(seed of every draw\)"),
        ({"seed": "1.5"}, "seed cannot be '1.5': expected a value of type int"),
        ({"rtol": "small"}, "expected a value of type float"),
        ({"shuffle": "1"}, "expected true or false"),
        ({"free": "2"}, "only be set inside the notebook"),
        ({"profile": "full"}, "use --profile"),
    ],
)
def test_wrong_parameters_are_rejected_before_anything_runs(tmp_path, given, found):
    lesson = write_lesson(tmp_path, "01_fine", SAYS)
    with pytest.raises(SettingError, match=found):
        runner.run_lessons([lesson], out=tmp_path / "out", parameters=given)
    assert not (tmp_path / "out").exists()


def test_a_lesson_without_profile_or_an_unknown_profile_is_rejected(tmp_path):
    lesson = write_lesson(tmp_path, "01_fine", parameters="seed: int = 0")
    with pytest.raises(SettingError, match="no parameter 'profile'"):
        runner.run_lessons([lesson], out=tmp_path / "out")
    with pytest.raises(SettingError, match="Unknown profile 'huge'"):
        runner.run_lessons([lesson], out=tmp_path / "out", profile="huge")


@pytest.mark.parametrize("name", ["3", "03", "odenet", "03_odenet", "03_odenet.ipynb"])
def test_a_lesson_has_several_names(name):
    lessons = [Path("02_resnet_as_euler.ipynb"), Path("03_odenet.ipynb")]
    assert runner.choose(lessons, [name]) == lessons[1:]


def test_lessons_keep_their_order_and_unknown_ones_are_named():
    lessons = [Path("02_resnet_as_euler.ipynb"), Path("03_odenet.ipynb")]
    assert runner.choose(lessons, []) == lessons
    assert runner.choose(lessons, ["3", "2", "3"]) == lessons
    with pytest.raises(SettingError, match=r"'07'.*02_resnet_as_euler, 03_odenet"):
        runner.choose(lessons, ["07"])


def test_a_folder_without_lessons_is_named(tmp_path):
    with pytest.raises(DataError, match=re.escape(str(tmp_path))):
        runner.find_lessons(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"lessons": [{"lesson": "01"}]}'])
def test_records_of_something_else_are_not_overwritten(tmp_path, text):
    lesson = write_lesson(tmp_path, "01_fine")
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(DataError, match=r"results\.json"):
        runner.run_lessons([lesson], out=tmp_path)
    assert (tmp_path / "results.json").read_text() == text
