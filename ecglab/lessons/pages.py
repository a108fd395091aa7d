"""One layout for every page of the gallery: the course's contents, search, the pages beside it."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Final

from bs4 import BeautifulSoup, Tag

from ecglab.lessons.markup import asset, slug

HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
TERM: Final = re.compile(r" \((?:behind )?\d\d\)\. ")  # what follows a term of the glossary
TERM_LEVEL: Final = 7  # below every heading: found by search, not listed in the contents
LINK: Final = re.compile(r'<a href="([^"#]*)(?:#[^"]*)?">(.*?)</a>', re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A part of a page: level of its heading (1 to 6), heading, anchor, and its text to search."""

    level: int
    heading: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Page:
    """A page without what surrounds it: ``body`` is a row of elements, its file ``name``.html.

    ``cover`` is the figure that stands for it: of the cell with the tag ``cover``, or its first.
    """

    name: str
    title: str
    body: str
    sections: tuple[Section, ...]
    cover: str = ""


def read_page(name: str, title: str, markup: str) -> Page:
    """A page from a row of HTML elements: its headings get anchors, its look is the page's own."""
    soup = BeautifulSoup(markup, "html.parser")
    for picture in soup.find_all("img"):
        picture.attrs = {k: v for k, v in picture.attrs.items() if k not in ("style", "decoding")}
    taken: Counter[str] = Counter()
    sections: list[Section] = []
    texts: list[str] = []
    for element in soup.find_all(True, recursive=False):
        if opening := heading_of(element):
            level, marked = opening
            heading = " ".join(marked.get_text().split())
            anchor = slug(heading)
            marked["id"] = f"{anchor}-{taken[anchor]}" if taken[anchor] else anchor
            taken[anchor] += 1
            sections.append(Section(level, heading, str(marked["id"]), ""))
            texts.append("")
        if texts and element.name not in HEADINGS and "output" not in element.get("class", []):
            texts[-1] += element.get_text() + "\n"
    filled = [
        Section(each.level, each.heading, each.anchor, " ".join(text.split()))
        for each, text in zip(sections, texts, strict=True)
    ]
    cover = soup.select_one(".cover img") or soup.find("img") or ""
    return Page(name, title, str(soup), tuple(filled), str(cover))


def heading_of(element: Tag) -> tuple[int, Tag] | None:
    """Level and element that open a section: a heading, or a term of the glossary."""
    if element.name in HEADINGS:
        return HEADINGS[element.name], element
    first = element.find(True, recursive=False) if element.name == "p" else None
    if first is None or first.name != "strong" or first.previous_sibling is not None:
        return None
    return (TERM_LEVEL, first) if TERM.match(str(first.next_sibling or "")) else None


def page_html(
    page: Page, contents: Mapping[str, Sequence[Page]], *, others: Iterable[str] = ()
) -> str:
    """The whole page; ``contents`` are the course's pages in their order, by the name of a group.

    A link to a file that is neither one of them nor among ``others`` becomes plain text: a part of
    the course has no dead links.
    """
    pages = [each for group in contents.values() for each in group]
    place = [each.name for each in pages].index(page.name)
    before = pages[place - 1] if place else None
    after = pages[place + 1] if place + 1 < len(pages) else None
    names = {f"{each.name}.html" for each in pages} | set(others)
    return Template(asset("page.html")).substitute(
        title=html.escape(page.title if page.name == "index" else f"{page.title} - ecglab"),
        contents="\n".join(contents_html(page, *group) for group in contents.items() if group[1]),
        turn=turn_html(before, after),
        body=live_links(page.body, names),
    )


def contents_html(page: Page, name: str, group: Iterable[Page]) -> str:
    """One group of the contents, with the sections of the page that is shown."""
    lines = [f'<p class="group">{html.escape(name)}</p>' if name else "", "<ul>"]
    for each in group:
        here = ' aria-current="page"' if each.name == page.name else ""
        lines.append(f'<li><a href="{each.name}.html"{here}>{html.escape(each.title)}</a>')
        inner = [section for section in each.sections if 2 <= section.level <= 3]
        if here and inner:
            lines.append('<ul class="sections" aria-label="On this page">')
            lines += [
                f'<li class="level{section.level}"><a href="#{section.anchor}">'
                f"{html.escape(section.heading)}</a></li>"
                for section in inner
            ]
            lines.append("</ul>")
        lines.append("</li>")
    return "\n".join([*lines, "</ul>"])


def turn_html(before: Page | None, after: Page | None) -> str:
    """Links to the page before and the page after."""
    links = [
        f'<a rel="{rel}" href="{page.name}.html"><small>{word}</small> '
        f"{html.escape(page.title)}</a>"
        for rel, word, page in (("prev", "Previous", before), ("next", "Next", after))
        if page is not None
    ]
    return "\n".join(links)


def live_links(markup: str, names: set[str]) -> str:
    """The markup in which links to pages or files that are not there are plain text."""

    def link(found: re.Match[str]) -> str:
        address, text = found.groups()
        elsewhere = re.match(r"\w+:", address)
        return found[0] if not address or elsewhere or address in names else text

    return LINK.sub(link, markup)
