"""The lessons as a list, the links that open them elsewhere, and the cell that Colab needs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ecglab.errors import SettingError
from ecglab.lessons import readme
from ecglab.lessons.addresses import INDEX, Addresses, read_addresses
from ecglab.lessons.headers import Header, Time
from ecglab.lessons.overview import (
    COLAB,
    COLAB_CODE,
    badges,
    index_page,
    lessons_table,
    with_colab_cell,
)

NOTEBOOKS = readme.ROOT / "notebooks"
LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
PUBLIC = Addresses("someone/ecglab.course", "https://example.org/gallery/")
HEADER = Header(
    "03_odenet",
    "03 The ODENet",
    "What if?",
    50,
    (Time(28, "s", "quick", "2 CPU cores", "2026-11-21"),),
)


@pytest.mark.parametrize("ending", ["", "/", ".git"])
def test_the_address_is_read_from_the_project(ending):
    urls = {"Repository": f"https://github.com/someone/ecglab.course{ending}"}
    assert read_addresses({"urls": urls}) == Addresses("someone/ecglab.course")
    urls["Gallery"] = "https://example.org/gallery/"
    assert read_addresses({"urls": urls}) == PUBLIC
    assert read_addresses({}) == Addresses()


@pytest.mark.parametrize("url", ["https://example.org/a/b", "https://github.com/alone", "github"])
def test_an_address_that_colab_cannot_open_is_named(url):
    with pytest.raises(SettingError, match=r"expected https://github.com/OWNER/NAME"):
        read_addresses({"urls": {"Repository": url}})


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_links_of_a_lesson_lead_to_its_notebook(lesson):
    links = {name: urlsplit(link) for name, link in PUBLIC.of_lesson(lesson).items()}
    assert links["Binder"].path == "/v2/gh/someone/ecglab.course/main"
    (opened,) = parse_qs(links["Binder"].query)["urlpath"]
    assert (readme.ROOT / opened.removeprefix("lab/tree/")).samefile(NOTEBOOKS / f"{lesson}.ipynb")
    *_, blob, branch, folder, file = links["Colab"].path.split("/")
    assert (blob, branch, folder, file) == ("blob", "main", "notebooks", f"{lesson}.ipynb")
    assert links["page"].geturl() == f"https://example.org/gallery/{lesson}.html"


def test_binders_own_link_opens_the_index():
    (opened,) = parse_qs(urlsplit(PUBLIC.binder()).query)["urlpath"]
    assert opened == f"lab/tree/{INDEX}"
    assert (readme.ROOT / INDEX).is_file()


def test_the_table_has_links_where_there_is_an_address():
    lines = lessons_table([HEADER], "notebooks/", PUBLIC).splitlines()
    assert lines[0] == "| lesson | question | reading | computing | open in |"
    assert lines[2].startswith(
        "| [03 The ODENet](notebooks/03_odenet.ipynb) | What if? | 50 min "
        "| 28 s on `quick` (2 CPU cores) | [Binder](https://mybinder.org/"
    )
    bare = lessons_table([HEADER], "notebooks/", Addresses())
    assert "http" not in bare
    assert {line.count("|") for line in bare.splitlines()} == {5}


def test_badges_say_licence_versions_and_what_is_missing():
    project = {"license": "Apache-2.0", "requires-python": ">=3.11,<3.14"}
    bare = badges(project, Addresses())
    assert "badge/licence-Apache--2.0-blue" in bare
    assert "badge/python-3.11%20to%203.13-blue" in bare
    assert "not switched on" in bare
    assert "mybinder" not in bare
    full = badges(project, PUBLIC)
    assert "not switched on" not in full
    assert PUBLIC.binder() in full
    assert PUBLIC.colab("notebooks/01_eda.ipynb") in full


def test_the_index_lists_every_lesson_of_the_course():
    links = re.findall(r"\]\((\d\d_\w+)\.ipynb\)", (readme.ROOT / INDEX).read_text())
    assert links == LESSONS
    assert "[03 The ODENet](03_odenet.ipynb)" in index_page([HEADER])


def test_readme_guide_index_and_lessons_are_up_to_date():
    for path, text in readme.texts_about_lessons(readme.read_project()).items():
        assert path.read_text(encoding="utf-8") == text, f"run python -m {readme.__name__}: {path}"


def test_the_colab_cell_comes_first_and_once():
    cells = [new_markdown_cell("# 01"), new_code_cell("import ecglab"), new_code_cell("1")]
    notebook = new_notebook(cells=cells)
    once = with_colab_cell(notebook, Addresses())
    assert [cell.id for cell in once.cells] == [cells[0].id, COLAB, cells[1].id, cells[2].id]
    assert "./ecglab.zip" in once.cells[1].source
    moved = with_colab_cell(once, PUBLIC)
    assert [cell.id for cell in moved.cells] == [cell.id for cell in once.cells]
    assert "git+https://github.com/someone/ecglab.course" in moved.cells[1].source
    assert with_colab_cell(moved, Addresses()) == once
    assert len(notebook.cells) == 3
    nbformat.validate(once)


@pytest.fixture
def colab(tmp_path):
    """Run the cell in a Python whose pip only notes what it is asked, with or without Colab."""
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(
        "import json, os, sys\n"
        "json.dump(sys.argv[1:], open('asked.json', 'w'))\n"
        "sys.exit(int(os.environ['PIP_ANSWERS']))\n"
    )
    code = COLAB_CODE.format(source=PUBLIC.source)

    def run(before: str, answers: int = 0) -> tuple[int, list[str] | None]:
        # -S: without the packages of this environment, as on a machine that lacks the course.
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"{before}\n{code}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PIP_ANSWERS": str(answers)},
            capture_output=True,
        )
        asked = tmp_path / "asked.json"
        return done.returncode, json.loads(asked.read_text()) if asked.exists() else None

    return run


FAKE = "import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')"


def test_on_colab_the_first_cell_installs_the_course(colab):
    asked = ["install", "--quiet", "git+https://github.com/someone/ecglab.course"]
    assert colab(FAKE) == (0, asked)


def test_on_colab_a_failed_installation_stops_the_lesson(colab):
    code, _ = colab(FAKE, answers=1)
    assert code != 0


def test_nowhere_else_does_the_first_cell_do_anything(colab):
    assert colab("") == (0, None)


def test_where_the_course_is_installed_colabs_cell_does_nothing(colab, tmp_path):
    (tmp_path / "ecglab.py").touch()
    assert colab(FAKE) == (0, None)


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_begins_with_that_cell(lesson):
    notebook = nbformat.read(Path(NOTEBOOKS / f"{lesson}.ipynb"), as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    source = read_addresses(readme.read_project()).source
    assert (first.id, first.source) == (COLAB, COLAB_CODE.format(source=source))
