"""Every lesson has the same skeleton, so that a reader always knows where to look."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from ecglab.lessons.headers import read_header, time_text

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
HEADINGS = [
    "Questions",
    "What you will be able to do",
    "Exercises",
    "Key points",
    "References",
    "Next",
]
ORDER = ["colab", "setup", "parameters", "start"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem, scope="module")
def lesson(request):
    notebook = nbformat.read(request.param, as_version=4)
    notebook.metadata["path"] = request.param
    return notebook


def tags(cell):
    return cell.metadata.get("tags", [])


def text_cells(lesson):
    return [cell for cell in lesson.cells if cell.cell_type == "markdown"]


def code_cells(lesson):
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


def tagged(lesson, tag):
    return [cell for cell in lesson.cells if tag in tags(cell)]


def headings(lesson):
    """Level, text and cell number of each heading."""
    return [
        (len(found[1]), found[2], number)
        for number, cell in enumerate(lesson.cells)
        if cell.cell_type == "markdown"
        for found in re.finditer(r"^(#+) (.+)$", cell.source, re.MULTILINE)
    ]


def section(lesson, title):
    """The text of the markdown cell that opens the section ``title``."""
    (number,) = [n for level, text, n in headings(lesson) if level == 2 and text == title]
    return lesson.cells[number].source


def test_there_are_lessons():
    assert NOTEBOOKS


def test_it_is_valid_and_kept_without_outputs(lesson):
    nbformat.validate(lesson)
    assert lesson.metadata.kernelspec.name == "python3"
    for cell in code_cells(lesson):
        assert not cell.outputs
        assert cell.execution_count is None
    ids = [cell.id for cell in lesson.cells]
    assert len(set(ids)) == len(ids)


def test_it_opens_with_its_number_its_title_and_why(lesson):
    first = lesson.cells[0].source
    number = lesson.metadata.path.stem[:2]
    assert re.match(rf"# {number} \S", first)
    why = [part for part in first.split("\n\n")[1:] if part.strip()]
    assert len(why) == 1 and len(why[0]) > 100
    assert sum(level == 1 for level, _, _ in headings(lesson)) == 1


def test_a_table_says_question_time_prerequisites_and_data(lesson):
    rows = [line for line in lesson.cells[1].source.splitlines() if line.startswith("| **")]
    cells = [[part.strip() for part in row.strip("|").split("|")] for row in rows]
    names = ["**Question**", "**Time**", "**Prerequisites**", "**Data**"]
    assert [name for name, _ in cells] == names
    assert all(text for _, text in cells)
    assert cells[0][1].endswith("?")
    assert re.search(r"\d+ s on `quick` \(2 CPU cores\), measured \d{4}-\d\d-\d\d", cells[1][1])
    header = read_header(lesson.metadata.path)
    assert time_text(header.reading, header.times) == cells[1][1]  # nothing that a run would drop


def test_the_sections_stand_in_order(lesson):
    found = [text for level, text, _ in headings(lesson) if level == 2]
    assert [text for text in found if text in HEADINGS] == HEADINGS
    numbered = [int(t.split(".")[0]) for t in found if re.match(r"\d+\. ", t)]
    assert numbered == list(range(1, len(numbered) + 1)) and len(numbered) >= 3
    first_section = found.index(next(t for t in found if t.startswith("1. ")))
    assert found.index("What you will be able to do") < first_section < found.index("Exercises")


def test_questions_ask_and_aims_are_listed(lesson):
    for title, ends in (("Questions", "?"), ("What you will be able to do", "")):
        bullets = [line for line in section(lesson, title).splitlines() if line.startswith("- ")]
        assert 3 <= len(bullets) <= 8
        assert all(line.rstrip().endswith(ends) for line in bullets)


def test_it_begins_with_colab_setup_parameters_and_start_once_each(lesson):
    numbers = []
    for tag in ORDER:
        (number,) = [n for n, cell in enumerate(lesson.cells) if tag in tags(cell)]
        numbers.append(number)
    assert numbers == sorted(numbers)
    code = [n for n, cell in enumerate(lesson.cells) if cell.cell_type == "code"]
    assert code[: len(ORDER)] == numbers


def test_all_imports_stand_in_the_setup_cell(lesson):
    for cell in code_cells(lesson):
        if "colab" in tags(cell):  # runs before the course is there
            continue
        kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
        imports = kinds & {ast.Import, ast.ImportFrom}
        if "setup" in tags(cell):
            body = ast.parse(cell.source).body
            assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)
        else:
            assert not imports, cell.id


def test_parameters_have_types_and_help_and_the_quick_profile(lesson):
    (cell,) = tagged(lesson, "parameters")
    lines = [line for line in cell.source.splitlines() if line.strip()]
    for line in lines:
        assert re.match(r"\w+: \w+(\[\w+\])? = .+  # \S", line), line
    values = {node.target.id: node.value.value for node in ast.parse(cell.source).body}
    assert values["profile"] == "quick"
    assert isinstance(values["seed"], int)


def test_exercises_are_open_and_checked(lesson):
    cells = tagged(lesson, "exercise")
    assert len(cells) >= 4
    opening = next(n for level, text, n in headings(lesson) if (level, text) == (2, "Exercises"))
    closing = next(n for level, text, n in headings(lesson) if (level, text) == (2, "Key points"))
    for cell in cells:
        assert opening < lesson.cells.index(cell) < closing
        assert "..." in cell.source
        assert ".check(" in cell.source.strip().splitlines()[-1]


def test_the_reader_predicts_before_running(lesson):
    assert sum("**Predict**" in cell.source for cell in text_cells(lesson)) >= 2


def test_every_figure_has_its_text(lesson):
    for cell in code_cells(lesson):
        for node in ast.walk(ast.parse(cell.source)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "show":
                named = {keyword.arg for keyword in node.keywords}
                starred = any(isinstance(argument, ast.Starred) for argument in node.args)
                assert len(node.args) >= 2 or starred or "alt" in named, cell.id


def test_nothing_is_loaded_from_elsewhere(lesson):
    for cell in lesson.cells:
        assert "pyplot" not in cell.source
        assert not re.search(r"!\[[^]]*\]\(|<img|<script|<iframe", cell.source), cell.id
    for cell in code_cells(lesson):
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), cell.id
        assert "http" not in cell.source or "colab" in tags(cell), cell.id


def test_the_last_cell_leads_on_to_a_file_that_exists_or_will(lesson):
    last = section(lesson, "Next")
    assert lesson.cells[-1].source == last
    links = re.findall(r"\]\(([^)]+)\)", last)
    assert links
    for link in links:
        target = lesson.metadata.path.parent / link
        assert target.is_file() or re.fullmatch(r"0[2-6]_\w+\.ipynb", link)


def test_no_paragraph_is_long(lesson):
    for cell in text_cells(lesson):
        for paragraph in cell.source.split("\n\n"):
            assert len(paragraph.split()) <= 160 or paragraph.startswith(("- ", "|", "1.")), cell.id
