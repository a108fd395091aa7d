"""What is written for teachers and users agrees with the lessons, the files and the records."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

import ecglab
from ecglab.lessons.recorded import recorded_runs
from ecglab.training.study import STUDY

ROOT = Path(ecglab.__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
GUIDE = ROOT / "docs" / "teaching.md"
UNWRITTEN = {"05"}  # a lesson that need not be there yet; once it is there, it is checked too
# 02, *Title of the section*, cells `name`, `name`
PLACE = re.compile(r"\b(0[1-6]), \*([^*]+)\*(?:, cells? ((?:`[^`]+`(?:, )?)+))?")
ENTRY = re.compile(
    r"^\*\*(?P<term>.+?)\*\* \((?P<behind>behind )?(?P<lesson>0[1-6])\)\. (?P<text>.+)$"
)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@cache
def lessons() -> dict[str, nbformat.NotebookNode]:
    """The notebooks by their number."""
    paths = (ROOT / "notebooks").glob("0[1-6]_*.ipynb")
    return {path.stem[:2]: nbformat.read(path, as_version=4) for path in paths}


@cache
def sections(lesson: str) -> dict[str, str]:
    """The code of each section of a lesson by its title, that of its subsections included."""
    found: dict[str, str] = {}
    open_titles: list[tuple[int, str]] = []
    for cell in lessons()[lesson].cells:
        if cell.cell_type == "code":
            for _, title in open_titles:
                found[title] += cell.source + "\n"
            continue
        for hashes, title in HEADING.findall(cell.source):
            open_titles = [(level, text) for level, text in open_titles if level < len(hashes)]
            open_titles.append((len(hashes), title))
            found.setdefault(title, "")
    return found


def places(page: Path) -> list[tuple[str, str, list[str]]]:
    """Lesson, section and names in cells of every place in the lessons that a page refers to."""
    text = page.read_text(encoding="utf-8")
    found = PLACE.findall(text)
    return [(lesson, title, re.findall(r"`([^`]+)`", cells)) for lesson, title, cells in found]


def to_check(lesson: str) -> bool:
    return lesson in lessons() or lesson not in UNWRITTEN


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_every_section_and_cell_that_is_named_exists(page):
    for lesson, title, cells in places(page):
        if to_check(lesson):
            assert title in sections(lesson), f"{page.name}: lesson {lesson} has no '{title}'"
            for name in cells:
                assert name in sections(lesson)[title], f"{page.name}: {lesson}, {title}: {name}"


def test_the_guide_leads_to_many_places_in_every_lesson():
    named = {lesson for lesson, _, cells in places(GUIDE) if cells}
    assert named == {"01", "02", "03", "04", "05", "06"}
    assert len(places(GUIDE)) > 60


def test_lessons_are_linked_by_their_titles():
    links = re.findall(r"\[(0[1-6])( [^]]+)\]\(\.\./notebooks/(0[1-6])_", GUIDE.read_text())
    assert [number for number, _, _ in links] == ["01", "02", "03", "04", "05", "06"]
    for number, title, file in links:
        assert number == file
        if to_check(number):
            first = lessons()[number].cells[0].source
            assert first.startswith(f"# {number}{title}\n"), number


def anchors(page: Path) -> set[str]:
    """The names under which a host links to the headings of a page."""
    titles = [title for _, title in HEADING.findall(page.read_text(encoding="utf-8"))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_relative_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        lesson = re.fullmatch(r"(0[1-6])_\w+\.ipynb", target.name)
        if lesson and not to_check(lesson[1]):
            continue
        assert target.is_file() and target.is_relative_to(ROOT), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_no_page_names_a_machine(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|root|home)/\w", text)


@cache
def entries() -> list[re.Match]:
    """The entries of the glossary: whatever begins with a bold term must be one."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    bold = [line for line in lines if line.startswith("**")]
    found = [ENTRY.match(line) for line in bold]
    assert all(found), [line for line, entry in zip(bold, found, strict=True) if not entry]
    return found


def test_the_glossary_is_sorted_and_has_each_term_once():
    terms = [entry["term"].casefold() for entry in entries()]
    assert len(terms) > 80
    assert terms == sorted(terms)
    names = [part for term in terms for part in re.split(r", | \(|\)", term) if part]
    assert len(set(names)) == len(names)


def test_a_glossary_entry_is_one_to_three_sentences():
    for entry in entries():
        count = len(re.findall(r"[.](?= [A-Z0-9]|$)", entry["text"]))
        assert 1 <= count <= 3, entry["term"]
        assert len(entry["text"].split()) <= 60, entry["term"]


def test_a_term_stands_in_the_lesson_that_introduces_it():
    for entry in entries():
        if entry["behind"] or not to_check(entry["lesson"]):
            continue
        cells = lessons()[entry["lesson"]].cells
        text = "\n".join(cell.source for cell in cells).lower()
        spellings = [part for part in re.split(r", | \(|\)", entry["term"].lower()) if part]
        assert any(
            all(re.search(rf"\b{word}", text) for word in re.findall(r"\w+", spelling))
            for spelling in spellings
        ), f"{entry['term']}: not in lesson {entry['lesson']}"


def test_the_guides_sessions_last_90_minutes():
    tables = re.findall(r"(?:^\| *\d+ \|.*\n)+", GUIDE.read_text(), re.MULTILINE)
    minutes = [[int(n) for n in re.findall(r"^\| *(\d+) \|", t, re.MULTILINE)] for t in tables]
    assert [sum(parts) for parts in minutes] == [90, 90, 90]


def test_the_datasheets_splits_are_those_of_the_recorded_runs():
    text = (ROOT / "docs" / "datasheet.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+), (train|test) \|(.+)\|$", text, re.MULTILINE)
    shown = {
        (split, part): [int(cell.replace(",", "")) for cell in cells.split("|")]
        for split, part, cells in rows
    }
    for arm, plan in STUDY.items():
        data = recorded_runs(arm)[0].data
        for part in ("train", "test"):
            counts = list(data[part].values())
            assert shown[plan.split, part] == [*counts, sum(counts)]
    assert len(shown) == 6
