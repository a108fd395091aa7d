"""A lesson as slides to project or to print, one file that needs nothing from elsewhere.

The slides follow from the lesson itself. A heading begins a slide; what it says comes first, then
what its cells show; what was asked to be predicted is answered on the next slide only. Code is on
a slide where it defines something or where its output is text, not where it only draws.
"""

import copy
import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from string import Template
from typing import Final

import nbformat
from bs4 import BeautifulSoup, Tag

from ecglab.files import write_atomically
from ecglab.lessons.markup import asset, lesson_html
from ecglab.lessons.pages import HEADINGS, Page, read_page

LINES: Final = 13  # of prose under a heading at 1280 x 720; more is drawn smaller
WIDTH: Final = 84  # characters of such a line
PICTURE: Final = 8  # the lines that a figure takes at least; it fills the rest
LONG: Final = 22  # lines of code that nobody reads on a wall
HOUSEKEEPING: Final = {"setup", "parameters", "injected-parameters", "start", "widget"}


@dataclass(frozen=True)
class Part:
    """What stays together on a slide: HTML, its height in lines of prose, what it is."""

    markup: str
    lines: float
    shown: bool = False  # by a cell
    figure: bool = False  # what is said about it comes on the next slide
    asks: bool = False  # for a guess or an answer: nothing follows on this slide


@dataclass(frozen=True)
class Slide:
    """A heading (HTML with its level) and what stands under it."""

    heading: str
    level: int
    parts: tuple[Part, ...]

    @property
    def asks(self) -> bool:
        """Whether it ends with a question."""
        return bool(self.parts) and self.parts[-1].asks


def write_slides(lessons: list[Path], out: Path) -> Iterator[tuple[Path, bool]]:
    """Write the slides of each lesson into ``out``; yields the file, and whether it has figures."""
    for lesson in lessons:
        notebook = nbformat.read(lesson, as_version=4)
        page = read_page(lesson.stem, lesson.stem, lesson_html(notebook))
        text = slides_html(page)
        file = out / f"{lesson.stem}.html"
        write_atomically(file, lambda path, text=text: path.write_text(text, "utf-8"))
        yield file, "<img" in text


def make_slides(page: Page) -> list[Slide]:
    """The slides of a lesson in their order."""
    soup = BeautifulSoup(page.body, "html.parser")
    slides: list[Slide] = []
    heading, level, parts = "", 1, []
    for element in soup.find_all(True, recursive=False):
        if element.name in HEADINGS:
            if heading or parts:
                slides.append(Slide(heading, level, tuple(parts)))
            heading, level, parts = element.decode_contents(), HEADINGS[element.name], []
            continue
        for part in parts_of(element):
            if parts and ends(parts, part, asked=bool(slides) and slides[-1].asks):
                slides.append(Slide(heading, level, tuple(parts)))
                parts = []
            parts.append(part)
    return [*slides, Slide(heading, level, tuple(parts))]


def ends(parts: list[Part], part: Part, *, asked: bool) -> bool:
    """Whether a slide with ``parts`` ends before ``part``; ``asked``: it answers the one before."""
    if parts[-1].asks or sum(each.lines for each in parts) + part.lines > LINES:
        return True
    after = any(each.shown for each in parts) and not part.shown
    return after and (asked or any(each.figure for each in parts))


def parts_of(element: Tag) -> Iterator[Part]:
    """What a slide shows of an element of the lesson's page."""
    kinds = set(element.get("class", []))
    if kinds & HOUSEKEEPING:
        return
    if "code" in kinds:
        if not only_draws(element):
            yield Part(str(element), 0.8 * text_lines(element) + 1, asks="exercise" in kinds)
    elif "output" in kinds and "exercise" not in kinds:
        children = element.find_all(True, recursive=False)
        for child in chain.from_iterable(map(pieces, children)):
            figure = child.name == "img" or child.find("img") is not None
            markup = f'<div class="output">{child}</div>'
            yield Part(markup, height(child), shown=True, figure=figure)
    elif "output" not in kinds:
        predicts = element.name == "p" and element.get_text().startswith("Predict")
        yield Part(str(element), height(element), asks=predicts)


def pieces(element: Tag) -> Iterator[Tag]:
    """The element; of a table that is too long for a slide equal parts, each with its head."""
    rows = [row for body in element.find_all("tbody") for row in body.find_all("tr")]
    count = min(len(rows), math.ceil(height(element) / (LINES + 2)))
    if count < 2:
        yield element
        return
    size = math.ceil(len(rows) / count)
    for begin in range(0, len(rows), size):
        part = copy.copy(element)
        for place, row in enumerate(part.select("tbody tr")):
            if not begin <= place < begin + size:
                row.decompose()
        yield part


def only_draws(code: Tag) -> bool:
    """Whether a cell shows a figure or a table, and defines nothing or is too long for a slide."""
    shown = code.find_next_sibling(True)
    if shown is None or "output" not in shown.get("class", []):
        return False
    draws = shown.find(["img", "table"]) is not None
    return draws and (text_lines(code) > LONG or not code.find(class_=["nf", "nc"]))


def text_lines(element: Tag) -> int:
    """Lines of a preformatted text."""
    return len(element.get_text().strip("\n").split("\n"))


def height(element: Tag) -> float:
    """About how many lines of prose an element takes."""
    if element.name == "img" or element.find("img"):
        return PICTURE
    if element.name == "pre" or element.find("pre"):
        return 0.75 * min(text_lines(element), 2 * LINES) + 0.5
    if element.find("tr"):
        return 0.5 + sum(row_lines(row) for row in element.find_all("tr"))
    if items := element.find_all("li"):
        return 0.5 + sum(0.2 + math.ceil(len(item.get_text()) / (WIDTH - 4)) for item in items)
    formulas = 2 * len(element.find_all("math", display="block"))
    return 0.6 + formulas + math.ceil(len(element.get_text()) / WIDTH)


def row_lines(row: Tag) -> float:
    """Lines of a table's row, its columns being equally wide."""
    cells = row.find_all(["th", "td"])
    return 0.2 + 0.85 * max(math.ceil(len(cell.get_text()) * len(cells) / WIDTH) for cell in cells)


def slides_html(page: Page) -> str:
    """All slides of a lesson as one page with its style and script in it."""
    slides = make_slides(page)
    title = next((each.heading for each in page.sections if each.level == 1), page.title)
    sections = [
        f'<section class="slide level{slide.level}" tabindex="-1" role="group" '
        f'aria-roledescription="slide" aria-label="{number} of {len(slides)}">\n'
        f"<h{slide.level}>{slide.heading}</h{slide.level}>\n"
        f'<div class="parts">{"".join(part.markup for part in slide.parts)}</div>\n</section>'
        for number, slide in enumerate(slides, 1)
    ]
    return Template(asset("slides.html")).substitute(
        title=html.escape(title),
        style="\n".join([asset("base.css"), asset("slides.css")]),
        script=asset("slides.js"),
        slides="\n".join(sections),
        count=len(slides),
    )
