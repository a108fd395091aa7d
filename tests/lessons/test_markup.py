"""Markdown and cells as HTML: formulas, links, and what each kind of output becomes."""

import re
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import ecglab
from ecglab.lessons.markup import WIDGET_TYPE, formula, lesson_html, markdown_html, page_link, slug

ROOT = Path(ecglab.__file__).resolve().parents[1]
TEXTS = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "docs").glob("*.md"))]


def lesson(*outputs, source: str = "1", tags: tuple[str, ...] = ()) -> BeautifulSoup:
    """A lesson with one cell and these outputs, rendered."""
    cell = new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})
    return BeautifulSoup(lesson_html(new_notebook(cells=[cell])), "html.parser")


def shown(**data) -> dict:
    """An output of these types, with ``__`` for the slash."""
    return new_output("display_data", {name.replace("__", "/"): it for name, it in data.items()})


@pytest.mark.parametrize(
    ("heading", "anchor"),  # as GitHub makes them
    [
        ("2. Two steps, and more", "2-two-steps-and-more"),
        ("What isn't `rtol`?", "what-isnt-rtol"),
        ("A  double space", "a--double-space"),
        ("snake_case - dash", "snake_case---dash"),
    ],
)
def test_anchors_are_those_of_github(heading, anchor):
    assert slug(heading) == anchor


@given(st.text())
def test_an_anchor_is_its_own_anchor(text):
    assert slug(slug(text)) == slug(text)


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("03_odenet.ipynb", "03_odenet.html"),
        ("./03_odenet.ipynb#4.-Train-it", "03_odenet.html#4-train-it"),
        ("../notebooks/03_odenet.ipynb", "03_odenet.html"),
        ("../docs/glossary.md", "glossary.html"),
        ("model_card.md#not-intended-use", "model_card.html#not-intended-use"),
        ("#below", "#below"),
        ("results.json", "results.json"),
        ("https://example.org/03_odenet.ipynb#A", "https://example.org/03_odenet.ipynb#A"),
    ],
)
def test_links_to_lessons_and_documents_lead_to_their_pages(link, page):
    assert page_link(link) == page
    assert f'href="{page}"' in markdown_html(f"[there]({link})")


def test_a_link_named_by_its_file_says_what_it_is():
    assert ">model card</a>" in markdown_html("[model_card.md](model_card.md)")
    assert ">the card</a>" in markdown_html("[the card](model_card.md)")


def spaced(tex: str) -> str:
    """The text of a formula with its thin spaces as underscores."""
    soup = BeautifulSoup(formula(tex), "html.parser")
    for space in soup.find_all("mspace"):
        space.replace_with("_")
    return soup.get_text()


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\log E = \log C + p \log h", "log_E=log_C+p_log_h"),
        (r"0.5\sin(2\pi t)\cos(t)", "0.5_sin(2πt)_cos(t)"),
        (r"2\sin^2 x", "2_sin2_x"),
        (r"y^{\ln 2}", "yln_2"),
        (r"\theta_i", "θi"),
    ],
)
def test_names_of_functions_stand_apart(tex, text):
    assert spaced(tex) == text


def test_a_formula_with_a_function_keeps_to_the_sign_behind_it():
    assert '<span class="together"><math' in markdown_html(r"It is $\log h$.")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_formula_of_the_course_can_be_shown(path):
    texts = [path.read_text()]
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    for text in texts:
        soup = BeautifulSoup(markdown_html(text), "html.parser")
        for code in soup.find_all("code"):
            code.decompose()
        prose = soup.get_text()
        assert not re.search(r"\$[^$\n]+\$|\\[a-zA-Z]{2,}", prose), prose
        assert not [part for part in soup.find_all(["mi", "mo"]) if part.get_text() == "&"]


def test_aligned_equations_stand_in_rows_and_columns():
    source = r"$$\begin{aligned} a &= b, & c &= d \\ e &= f, & g &= h \end{aligned}$$"
    soup = BeautifulSoup(markdown_html(source), "html.parser")
    rows = [[cell.get_text() for cell in row.find_all("mtd")] for row in soup.find_all("mtr")]
    assert rows == [["a", "=b,", "c", "=d"], ["e", "=f,", "g", "=h"]]


def test_a_prime_stands_beside_its_letter_and_a_power_above():
    assert "<msup>" not in markdown_html("$y' = f(t, y)$")
    assert "′" in BeautifulSoup(markdown_html("$y'$"), "html.parser").get_text()
    assert "<msup>" in markdown_html("$y^2$")


def test_tables_scroll_and_an_empty_head_is_left_out():
    soup = BeautifulSoup(markdown_html("| | |\n|---|---|\n| a | b |"), "html.parser")
    assert soup.table.parent["class"] == ["scroll"]
    assert soup.find("th") is None and len(soup.find_all("td")) == 2
    assert "<th>a</th>" in markdown_html("| a |\n|---|\n| b |")


def test_outputs_as_text_keep_their_signs_and_lose_their_colours():
    soup = lesson(
        new_output("stream", name="stdout", text="a < b \x1b[31mred\x1b[0m"),
        new_output("stream", name="stderr", text="careful"),
        new_output("error", ename="E", evalue="e", traceback=["\x1b[38;5;28mE\x1b[0m: <e>"]),
        new_output("execute_result", {"text/plain": "{'x': 1}"}, execution_count=1),
    )
    first, second, third, fourth = soup.select(".output > pre")
    assert first.get_text() == "a < b red"
    assert "warning" in second["class"]
    assert "error" in third["class"] and third.get_text().strip() == "E: <e>"
    assert fourth.get_text() == "{'x': 1}"
    assert not soup.find(style=True)


def test_every_picture_has_a_text():
    assert lesson(shown(image__png="iVBORw0KGgo=")).img["alt"]
    named = shown(image__png="iVBORw0KGgo=")
    named.metadata = {"image/png": {"alt": "A < B"}}
    assert lesson(named).img["alt"] == "A < B"
    vector = lesson(new_output("display_data", {"image/svg+xml": "<svg>x</svg>"})).img
    assert vector["alt"] and b64decode(vector["src"].partition(",")[2]) == b"<svg>x</svg>"


def test_of_several_forms_the_one_for_readers_is_shown():
    soup = lesson(shown(text__html="<p>better</p>", text__plain="worse"))
    assert "better" in soup.get_text() and "worse" not in soup.get_text()
    soup = lesson(shown(text__latex="$$x^2$$", text__plain="x**2"))
    assert soup.find("math") and "x**2" not in soup.get_text()
    assert lesson(shown(text__markdown="**bold**")).strong.get_text() == "bold"


def test_widgets_become_a_note_and_the_notebook_itself_stays():
    cell = new_code_cell("slider")
    cell.outputs = [
        new_output("display_data", {WIDGET_TYPE: {"model_id": "1"}, "text/plain": "Slider()"})
    ]
    notebook = new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})
    markup = lesson_html(notebook)
    assert "needs JupyterLab" in markup
    assert "Slider()" not in markup and "<script" not in markup
    assert "widgets" in notebook.metadata
    assert WIDGET_TYPE in notebook.cells[0].outputs[0].data


def test_what_only_prepares_is_folded_or_left_out():
    assert lesson(source="import os", tags=("setup",)).details.summary
    assert lesson(source="install()", tags=("colab",)).get_text().strip() == ""
    assert not lesson(source="x = 1", tags=("parameters",)).details
    assert lesson(source="  ").get_text().strip() == ""


def test_code_is_highlighted_in_classes():
    soup = lesson(source='def f(x):\n    return "text"  # why')
    assert soup.select_one(".code .highlight .nf").get_text() == "f"
    assert soup.pre.get_text() == 'def f(x):\n    return "text"  # why\n'


def test_a_lesson_is_a_flat_row_of_elements():
    cells = [new_markdown_cell("# Title\n\nWhy.\n\n- a\n- b"), new_code_cell("1")]
    soup = BeautifulSoup(lesson_html(new_notebook(cells=cells)), "html.parser")
    found = [element.name for element in soup.find_all(True, recursive=False)]
    assert found == ["h1", "p", "ul", "div"]
