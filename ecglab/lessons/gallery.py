"""The lessons as a static site that needs no server and no other host: pages, figures, search."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import nbformat

from ecglab.files import write_atomically
from ecglab.lessons.figures import headline_text
from ecglab.lessons.markup import asset, lesson_html, markdown_html, slug
from ecglab.lessons.pages import Page, page_html, read_page

STYLES: Final = ("base.css", "site.css")
RESULTS_FILE: Final = "results.json"
FIGURES: Final = "figures"
EMBEDDED: Final = re.compile(r'src="data:image/png;base64,([^"]+)"')
PLACE: Final = re.compile(r"\b(\d\d), \*([^*]+)\*")
DOCUMENTS: Final = Path(__file__).resolve().parents[2] / "docs"  # in a checkout of the course


def kept_page(out: Path, result: Mapping[str, Any]) -> Page | None:
    """The page of an executed lesson that is kept in ``out``, None where there is none."""
    kept = out / "notebooks" / f"{result['lesson']}.ipynb"
    if not (result["page"] and kept.is_file()):
        return None
    markup = lesson_html(nbformat.read(kept, as_version=4))
    return read_page(result["lesson"], result["title"], markup)


def document_pages(lessons: Sequence[Page]) -> list[Page]:
    """What is written for teachers and readers beside the lessons; none outside a checkout."""
    pages = []
    for path in sorted(DOCUMENTS.glob("*.md")):
        source = with_places(path.read_text(encoding="utf-8"), lessons)
        title = re.search(r"^# +(.+)$", source, re.MULTILINE)
        pages.append(read_page(path.stem, title[1] if title else path.stem, markdown_html(source)))
    return pages


def with_places(source: str, lessons: Iterable[Page]) -> str:
    """Markdown in which each place such as ``02, *3. Better steps*`` leads to that section."""
    places = {
        (lesson.name[:2], section.anchor): f"{lesson.name}.ipynb#{section.anchor}"
        for lesson in lessons
        for section in lesson.sections
    }

    def link(found: re.Match[str]) -> str:
        number, title = found.groups()
        place = places.get((number, slug(title)))
        return f"{number}, [*{title}*]({place})" if place else found[0]

    return PLACE.sub(link, source)


def write_site(
    out: Path, results: Sequence[Mapping[str, Any]], lessons: Mapping[str, Page | None]
) -> None:
    """Write the site into ``out``; ``results`` come from the runner, ``lessons`` are by name."""
    pictures: dict[str, str] = {}
    pages = [
        replace(page, body=f"{page.body}\n{facts_html(result, page=True)}")
        for result in results
        if (page := lessons[result["lesson"]])
    ]
    groups = {"": pages, "Beside the lessons": document_pages(pages)}
    contents = {
        name: [with_figure_files(page, pictures) for page in group]
        for name, group in groups.items()
    }
    covers = {page.name: page.cover for page in contents[""]}
    contents[""].insert(0, Page("index", "All lessons", overview(results, covers), ()))
    others = {RESULTS_FILE, *(f"notebooks/{name}.ipynb" for name in covers)}
    texts = {"site.css": "\n".join(map(asset, STYLES)), "site.js": asset("site.js")}
    texts["search.js"] = search_index(chain.from_iterable(contents.values()))
    for page in chain.from_iterable(contents.values()):
        texts[f"{page.name}.html"] = page_html(page, contents, others=others)
    write_figures(out, pictures)
    for name, text in texts.items():
        write_atomically(out / name, lambda path, text=text: path.write_text(text, "utf-8"))


def write_figures(out: Path, pictures: Mapping[str, str]) -> None:
    """Write the figures (file name and base64 text) and remove those of former runs."""
    for name, data in pictures.items():
        if not (out / name).exists():
            content = base64.b64decode(data)
            write_atomically(out / name, lambda path, content=content: path.write_bytes(content))
    for former in (out / FIGURES).glob("*.png"):
        if f"{FIGURES}/{former.name}" not in pictures:
            former.unlink()


def with_figure_files(page: Page, pictures: dict[str, str]) -> Page:
    """The page with its figures as files, named by their content; adds them to ``pictures``."""

    def move(found: re.Match[str]) -> str:
        name = f"{FIGURES}/{hashlib.sha256(found[1].encode()).hexdigest()[:16]}.png"
        pictures[name] = found[1]
        return f'src="{name}" loading="lazy"'

    return replace(page, body=EMBEDDED.sub(move, page.body), cover=EMBEDDED.sub(move, page.cover))


def search_index(pages: Iterable[Page]) -> str:
    """All sections as a script: from a file on disk a page may load a script, but no JSON."""
    entries = [
        {
            "page": page.title,
            "address": f"{page.name}.html#{section.anchor}",
            "heading": section.heading,
            "text": section.text,
        }
        for page in pages
        for section in page.sections
    ]
    return f"window.ecglabSections = {json.dumps(entries, ensure_ascii=False)};\n"


def overview(results: Sequence[Mapping[str, Any]], covers: Mapping[str, str]) -> str:
    """The elements of the page that lists the lessons with what each gave."""
    articles = "\n".join(article(result, covers.get(result["lesson"])) for result in results)
    return f"""<h1>From residual networks to neural ODEs, on heartbeats</h1>
<p>A course for readers who know Python and calculus, but neither differential equations nor \
hearts. Its lessons were executed here, with all their figures.</p>
{articles}
<p class="quiet">All numbers are in <a href="results.json">results.json</a>.</p>
"""


def article(result: Mapping[str, Any], cover: str | None) -> str:
    """One lesson of the overview; without a ``cover`` there is no page of it."""
    title, page = html.escape(result["title"]), cover is not None
    address = f"{html.escape(result['lesson'])}.html"
    heading = f'<a href="{address}">{title}</a>' if page else title
    lines = ['<section class="lesson">', f"<h2>{heading}</h2>"]
    if cover:
        lines.append(f'<a class="cover" href="{address}" tabindex="-1">{cover}</a>')
    lines += ["<div>", markdown_html(result["about"])]
    if result["error"]:
        lines.append(f'<p class="failed">Failed: {html.escape(result["error"])}</p>')
    if result["headlines"]:
        lines.append("<dl>")
        for headline in result["headlines"]:
            label = html.escape(headline.get("data", ""))
            text = headline_text(headline["value"], headline.get("unit", ""))
            lines.append(
                f"<dt>{html.escape(headline['name'])}</dt>"
                f"<dd>{html.escape(text)} <small>({label})</small></dd>"
            )
        lines.append("</dl>")
    return "\n".join([*lines, facts_html(result, page=page), "</div>", "</section>"])


def facts_html(result: Mapping[str, Any], *, page: bool) -> str:
    """How a lesson was executed, in one line, and the executed notebook where there is one."""
    when = datetime.fromisoformat(result["finished"]).strftime("%Y-%m-%d %H:%M UTC")
    facts = [
        f"{result['seconds']:.0f} s at a load of {result['load']:.1f}",
        f"{result['peak_memory'] / 2**20:,.0f} MiB",
        f"{result['data']} data",
        f"{result['profile']} profile",
        f"torch {result['versions']['torch']} on {result['device']}",
        when,
    ]
    name = html.escape(result["lesson"])
    link = f' · <a href="notebooks/{name}.ipynb">executed notebook</a>' if page else ""
    return f'<p class="quiet facts">{html.escape(" · ".join(facts))}{link}</p>'
