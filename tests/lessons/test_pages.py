"""The site of the lessons: one layout, contents, search, and links that all lead somewhere."""

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import ecglab
from ecglab.lessons import gallery
from ecglab.lessons.figures import image_html
from ecglab.lessons.gallery import kept_page, write_site
from ecglab.lessons.markup import lesson_html
from ecglab.lessons.pages import page_html, read_page

ROOT = Path(ecglab.__file__).resolve().parents[1]
DOCUMENTS = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def picture(content: bytes) -> nbformat.NotebookNode:
    """A lesson that shows one figure."""
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x07\0\0\0\x05" + content
    output = new_output("display_data", {"text/html": image_html(header, "a < b")})
    return new_notebook(cells=[new_markdown_cell("# T"), new_code_cell("1", outputs=[output])])


@dataclass(frozen=True)
class Site:
    """A site's folder and its pages by file name."""

    folder: Path
    pages: dict[str, BeautifulSoup]


def opened(folder: Path) -> Site:
    """The site in a folder."""
    files = sorted(folder.glob("*.html"))
    return Site(folder, {f.name: BeautifulSoup(f.read_text(), "html.parser") for f in files})


@pytest.fixture(scope="module")
def site(make_site, tmp_path_factory) -> Site:
    """All lessons, not executed, and all documents."""
    notebooks = {
        name: nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in LESSONS
    }
    return opened(make_site(tmp_path_factory.mktemp("site"), notebooks))


def dead_links(site: Site) -> tuple[list[str], int]:
    """Links and sources that lead nowhere in the site, and how many were looked at."""
    dead, count = [], 0
    for name, soup in site.pages.items():
        for element in [*soup.find_all(href=True), *soup.find_all(src=True)]:
            address = element.get("href") or element["src"]
            if re.match(r"(https?|mailto|data):", address):
                continue
            count += 1
            file, _, anchor = address.partition("#")
            if not (site.folder / (file or name)).is_file() or (
                anchor and not site.pages[file or name].find(id=anchor)
            ):
                dead.append(f"{name}: {address}")
    return dead, count


def test_every_link_and_anchor_leads_somewhere(site):
    dead, count = dead_links(site)
    assert not dead
    assert count > 400


def test_a_part_of_the_course_has_no_dead_links_either(tmp_path, make_site):
    source = (
        "[Next](02_b.ipynb), [this](01_a.ipynb), [file](../ecglab/files.py), [w](https://w.org)"
    )
    part = opened(make_site(tmp_path, {"01_a": new_notebook(cells=[new_markdown_cell(source)])}))
    assert dead_links(part)[0] == []
    paragraph = part.pages["01_a.html"].article.p
    assert paragraph.get_text() == "Next, this, file, w"
    assert [link["href"] for link in paragraph.find_all("a")] == ["01_a.html", "https://w.org"]


def test_nothing_is_loaded_from_elsewhere(site):
    for name, soup in site.pages.items():
        loaded = [element["href"] for element in soup.find_all("link", href=True)]
        loaded += [element["src"] for element in soup.find_all(src=True)]
        assert not [
            address
            for address in loaded
            if re.match(r"\w+:", address) and not address.startswith("data:")
        ], name
    for file in (site.folder / "site.css", site.folder / "site.js"):
        assert not re.search(r"https?:|url\(|@import|import\(|fetch\(", file.read_text()), file


def test_every_page_has_one_layout(site):
    assert set(site.pages) == {f"{name}.html" for name in ["index", *LESSONS, *DOCUMENTS]}
    for name, soup in site.pages.items():
        assert soup.html["lang"] == "en"
        assert len(soup.find_all("h1")) == 1, name
        levels = [int(h.name[1]) for h in soup.find_all(re.compile("^h[1-6]$"))]
        assert all(after <= before + 1 for before, after in pairwise([0, *levels])), name
        assert [link["href"] for link in soup.select("[aria-current=page]")] == [name]
        assert "Not a medical device" in soup.footer.get_text()
        ids = [element["id"] for element in soup.find_all(id=True)]
        assert len(ids) == len(set(ids)), name
        assert all(image.get("alt") for image in soup.find_all("img")), name


def test_pages_follow_each_other(site):
    order = [link["href"] for link in site.pages["index.html"].select("#site-contents a")]
    assert order == [f"{name}.html" for name in ["index", *LESSONS, *DOCUMENTS]]
    for place, name in enumerate(order):
        for nav in site.pages[name].select("nav.turn"):
            links = {link["rel"][0]: link["href"] for link in nav.find_all("a")}
            wanted = {
                "prev": order[place - 1] if place else None,
                "next": [*order, None][place + 1],
            }
            assert links == {rel: page for rel, page in wanted.items() if page}


def test_the_contents_list_the_sections_of_the_page_that_is_shown(site):
    soup = site.pages["03_odenet.html"]
    listed = {link.get_text(): link["href"] for link in soup.select(".sections a")}
    headings = soup.article.find_all(["h2", "h3"])
    assert listed == {heading.get_text(): f"#{heading['id']}" for heading in headings}
    assert listed["4. Train it"] == "#4-train-it"


def test_places_in_the_guide_lead_to_their_sections(site):
    links = [link for link in site.pages["teaching.html"].article.find_all("a") if link.em]
    assert len(links) > 60
    for link in links:
        file, _, anchor = link["href"].partition("#")
        assert site.pages[file].find(id=anchor).get_text() == link.get_text()


def test_search_knows_every_section_and_term(site):
    script = (site.folder / "search.js").read_text()
    entries = json.loads(script.removeprefix("window.ecglabSections = ").removesuffix(";\n"))
    for entry in entries:
        file, _, anchor = entry["address"].partition("#")
        assert site.pages[file].find(id=anchor).get_text() == entry["heading"]
    headings = sum(
        len(soup.article.find_all(re.compile("^h[1-6]$"))) for soup in site.pages.values()
    )
    terms = (ROOT / "docs" / "glossary.md").read_text().count("\n**")
    listed = len(site.pages["index.html"].find_all(re.compile("^h[1-6]$")))
    assert len(entries) == headings - listed + terms
    adjoint = next(e for e in entries if e["address"] == "glossary.html#adjoint")
    assert "obeys a' = -a df/dy" in adjoint["text"]


def test_sections_hold_prose_and_code_but_no_output():
    cells = [
        new_markdown_cell("# T\n\nBefore.\n\n## Same\n\nWhy $x^2$.\n\n- one\n- two\n\n## Same"),
        new_code_cell("answer = 42", outputs=[new_output("stream", name="stdout", text="printed")]),
    ]
    page = read_page("p", "T", lesson_html(new_notebook(cells=cells)))
    assert [(s.level, s.heading, s.anchor) for s in page.sections] == [
        (1, "T", "t"),
        (2, "Same", "same"),
        (2, "Same", "same-1"),
    ]
    assert [s.text for s in page.sections] == ["Before.", "Why x2. one two", "answer = 42"]


def test_titles_are_text():
    page = read_page("p", "<b> & more", "<h1>x</h1>")
    markup = page_html(page, {"<group>": [page]})
    assert "<title>&lt;b&gt; &amp; more - ecglab</title>" in markup
    assert "&lt;group&gt;" in markup and "<b>" not in markup


def test_figures_are_files_and_former_ones_go(tmp_path, make_site):
    out = make_site(tmp_path, {"01_a": picture(b"one"), "02_b": picture(b"one")})
    (first,) = (out / "figures").iterdir()
    images = [opened(out).pages[f"{name}.html"].img for name in ("01_a", "02_b")]
    for image in images:
        assert (out / image["src"]) == first
        assert (image["width"], image["height"], image["alt"]) == ("7", "5", "a < b")
        assert not image.get("style")
    assert first.read_bytes().endswith(b"one")
    make_site(tmp_path, {"01_a": picture(b"two"), "02_b": picture(b"one")})
    assert first in (out / "figures").iterdir()
    make_site(tmp_path, {"01_a": picture(b"two"), "02_b": picture(b"two")})
    (second,) = (out / "figures").iterdir()
    assert second.read_bytes().endswith(b"two")


def test_the_overview_shows_the_tagged_figure_of_a_lesson_or_its_first(tmp_path, make_site):
    plain, tagged = picture(b"one"), picture(b"one")
    tagged.cells += picture(b"two").cells
    tagged.cells[-1].metadata["tags"] = ["cover"]
    notebooks = {"01_a": plain, "02_b": tagged, "03_c": new_notebook(cells=[new_code_cell("1")])}
    out = opened(make_site(tmp_path, notebooks))
    links = out.pages["index.html"].select("a.cover")
    assert [link["href"] for link in links] == ["01_a.html", "02_b.html"]
    shown = [(out.folder / link.img["src"]).read_bytes()[-3:] for link in links]
    assert shown == [b"one", b"two"]
    assert {link.img["alt"] for link in links} == {"a < b"}


def test_a_lesson_without_a_page_is_listed_without_a_link(tmp_path, lesson_result):
    failed = lesson_result("01_a", page=False, error="DeadKernelError: <gone>")
    write_site(tmp_path, [failed], {"01_a": kept_page(tmp_path, failed)})
    markup = (tmp_path / "index.html").read_text()
    assert "<h2>01_a &amp; more</h2>" in markup
    assert "Failed: DeadKernelError: &lt;gone&gt;" in markup
    assert "01_a.html" not in markup and "01_a.ipynb" not in markup
    assert not (tmp_path / "01_a.html").exists()


def test_the_site_can_be_written_without_a_checkout(tmp_path, make_site, monkeypatch):
    monkeypatch.setattr(gallery, "DOCUMENTS", tmp_path / "none")
    out = opened(make_site(tmp_path / "site", {"01_a": picture(b"one")}))
    assert set(out.pages) == {"index.html", "01_a.html"}
    assert not out.pages["index.html"].select(".group")
