"""Slides: what begins one, what stands on it, and that nothing of the lesson gets lost."""

from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import ecglab
from ecglab.lessons.markup import lesson_html
from ecglab.lessons.pages import read_page
from ecglab.lessons.slides import LINES, Slide, make_slides, slides_html, write_slides

ROOT = Path(ecglab.__file__).resolve().parents[1]
FIGURE = '<img alt="a figure" src="data:image/png;base64,iVBORw0KGgo=">'
TABLE = "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"


def code(source: str, *markup: str, tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    """A code cell that shows these pieces of HTML."""
    outputs = [new_output("display_data", {"text/html": text}) for text in markup]
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)})


def slides(*cells: str | nbformat.NotebookNode) -> list[Slide]:
    """The slides of a lesson with these cells; a text is a Markdown cell."""
    made = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return make_slides(read_page("01_a", "A", lesson_html(new_notebook(cells=made))))


def texts(found: list[Slide]) -> list[list[str]]:
    """The text of each part of each slide; a figure is its alternative."""
    return [
        [
            soup.img["alt"] if soup.img else " ".join(soup.get_text().split())
            for part in slide.parts
            for soup in [BeautifulSoup(part.markup, "html.parser")]
        ]
        for slide in found
    ]


def test_a_heading_begins_a_slide():
    found = slides("# Title\n\nWhy.", "## One\n\nText.\n\n### Two\n\n- a", "## $x$ and `y`")
    assert [slide.level for slide in found] == [1, 2, 3, 2]
    assert [slide.heading for slide in found[:3]] == ["Title", "One", "Two"]
    assert "<math" in found[3].heading and "<code>y</code>" in found[3].heading
    assert texts(found) == [["Why."], ["Text."], ["a"], []]


def test_long_sections_go_on_under_the_same_heading():
    paragraph = "word " * 60
    found = slides("## Long\n\n" + "\n\n".join([paragraph] * 9))
    assert {slide.heading for slide in found} == {"Long"}
    assert sum(len(slide.parts) for slide in found) == 9
    for slide in found:
        assert sum(part.lines for part in slide.parts) <= LINES


def test_a_guess_is_answered_on_the_next_slide():
    found = slides(
        "## A\n\nLook.\n\n**Predict**: how many?", code("show()", TABLE), "It is one.", "## B"
    )
    assert texts(found) == [["Look.", "Predict: how many?"], ["a1"], ["It is one."], []]


def test_what_is_said_about_a_figure_follows_it_and_about_a_table_stands_below():
    found = slides("## A\n\nWhich?", code("show()", FIGURE, "<p>n: 1</p>"), "This one.")
    assert texts(found) == [["Which?", "a figure", "n: 1"], ["This one."]]
    found = slides("## A\n\nWhich?", code("show()", TABLE), "This one.")
    assert texts(found) == [["Which?", "a1", "This one."]]


def test_code_is_shown_where_there_is_something_to_see_in_it():
    printed = new_output("stream", name="stdout", text="42\n")
    assert texts(slides("## A", code("show()", FIGURE))) == [["a figure"]]
    assert texts(slides("## A", code("def f(): ...", FIGURE))) == [["def f(): ...", "a figure"]]
    assert texts(slides("## A", code("def f(): ...\n" + "x = 1\n" * 30, TABLE))) == [["a1"]]
    cell = new_code_cell("print(42)", outputs=[printed])
    assert texts(slides("## A", cell)) == [["print(42)", "42"]]


def test_a_long_table_goes_on_under_its_head():
    rows = [f"<tr><th>row {number}</th></tr>" for number in range(40)]
    long = f"<table><thead><tr><th>head</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    found = slides("## A", code("show()", long))
    assert len(found) > 2
    told = [BeautifulSoup(part.markup, "html.parser") for each in found for part in each.parts]
    assert all(part.thead.get_text() == "head" for part in told)
    assert [row.get_text() for part in told for row in part.select("tbody tr")] == [
        f"row {number}" for number in range(40)
    ]


@pytest.mark.parametrize("tag", ["setup", "parameters", "injected-parameters", "start", "widget"])
def test_housekeeping_stays_away(tag):
    assert texts(slides("## A", code("x = 1", TABLE, tags=(tag,)))) == [[]]


def test_an_exercise_has_a_slide_with_its_open_answer():
    stubs = [code("answer = ...", "<p>open</p>", tags=("exercise",)) for _ in range(2)]
    found = slides("## Exercises\n\n**1.** How?", stubs[0], "**2.** Why?", stubs[1])
    assert texts(found) == [["1. How?", "answer = ..."], ["2. Why?", "answer = ..."]]


@pytest.mark.parametrize("name", ["02_resnet_as_euler", "05_adaptive_growth"])
def test_no_word_of_a_lesson_is_lost(name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    page = read_page(name, name, lesson_html(notebook))
    soup = BeautifulSoup(page.body, "html.parser")
    for cell in soup.select(".code, .output"):
        cell.decompose()
    shown = BeautifulSoup(slides_html(page), "html.parser")
    for cell in shown.select(".code, .output"):
        cell.decompose()
    headings = ["h1", "h2", "h3"]
    told = [part.get_text() for part in shown.select(".parts > *")]
    assert told == [
        part.get_text()
        for part in soup.find_all(True, recursive=False)
        if part.name not in headings
    ]
    named = list(dict.fromkeys(heading.get_text() for heading in shown.find_all(headings)))
    assert named == [heading.get_text() for heading in soup.find_all(headings)]


def test_a_file_of_slides_needs_nothing_else(tmp_path):
    cells = [new_markdown_cell("# A <b\n\n$x$"), code("show()", FIGURE)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "01_a.ipynb")
    nbformat.write(new_notebook(cells=cells[:1]), tmp_path / "02_b.ipynb")
    lessons = [tmp_path / "01_a.ipynb", tmp_path / "02_b.ipynb"]
    made = dict(write_slides(lessons, tmp_path / "out"))
    assert made == {tmp_path / "out/01_a.html": True, tmp_path / "out/02_b.html": False}
    soup = BeautifulSoup((tmp_path / "out/01_a.html").read_text(), "html.parser")
    assert soup.title.get_text() == "A <b - slides"
    assert soup.html["lang"] == "en"
    addresses = [e.get("src") or e.get("href") for e in [*soup(src=True), *soup(href=True)]]
    assert addresses and all(address.startswith("data:") for address in addresses)
    assert [s["aria-label"] for s in soup.select(".slide")] == ["1 of 1"]
