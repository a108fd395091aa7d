"""The site of the lessons in a real browser: from a server and from disk, by keyboard, in the dark.

The six lessons are not executed here. What executed cells can show stands in a small lesson.
"""

import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

from ecglab.lessons.slides import write_slides

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SMALL = "07_outputs"
CELLS = [
    "# 07 Every kind of output\n\nA lesson for a browser, with $y' = f(t, y)$.",
    """import numpy as np
import ipywidgets, sys
from IPython.display import Image, Markdown, Math, display
from ecglab.lessons import figures""",
    "## A figure\n\n**Predict**: what does a zebrafish see?",
    """figure, axes = figures.new_figure()
axes[0, 0].plot(np.arange(9) ** 2)
figures.show(figure, "A parabola rises from 0 to 64", label="quick run")""",
    "## Wide things\n\n$$" + " + ".join(f"x_{{{n}}}^2" for n in range(60)) + " = 1$$",
    """figures.table([{f"a wide column {n}": n / 7 for n in range(30)}], "A wide table")""",
    """print("a long line " * 40, *range(99), sep="\\n")
print("careful", file=sys.stderr)""",
    "### And others",
    """display(Math("x^2"), Markdown("**bold**"), Image(figures.png(figure)))
ipywidgets.IntSlider()""",
    "## An error",
    "1 / 0  # as it may happen",
]

# Most pages are long, and axe looks at each piece of their code: only what may differ in them.
RULES = ["scrollable-region-focusable", "image-alt", "link-name", "list", "listitem"]
SPARE = """async () => {
  const spare = [];
  for (let number = document.querySelectorAll(".slide").length; number; number--) {
    location.hash = number;
    await new Promise(resolve => addEventListener("hashchange", resolve, { once: true }));
    const parts = document.querySelector(".slide:not([hidden]) .parts");
    spare.unshift(parts.clientHeight - parts.scrollHeight);
  }
  return spare;
}"""


@dataclass
class Tab:
    """A page in the browser, and what went wrong in it."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)

    def open(self, file: str, **how) -> Page:
        """Open a file of the site."""
        self.page.goto(f"{self.address}/{file}", **how)
        return self.page

    def watch(self) -> None:
        """Note every error, every request that fails and every request that leaves the site."""
        page, note = self.page, self.troubles.append
        page.on("console", lambda m: note(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: note(str(error)))
        page.on("requestfailed", lambda request: note(f"failed: {request.url}"))
        page.on("response", lambda r: note(f"{r.status}: {r.url}") if r.status >= 400 else None)
        ours = (f"{self.address}/", "data:")
        page.on(
            "request", lambda r: None if r.url.startswith(ours) else note(f"elsewhere: {r.url}")
        )


def small_lesson() -> nbformat.NotebookNode:
    """A lesson with every kind of output, executed."""
    cells = [
        new_markdown_cell(text) if text.startswith("#") else new_code_cell(text) for text in CELLS
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "P"}
    return NotebookClient(notebook, allow_errors=True, timeout=120).execute()


@pytest.fixture(scope="module")
def site(make_site, tmp_path_factory, cache_folder: Path) -> Path:
    """A site of all lessons, of the documents, and of the small lesson."""
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in LESSONS}
    return make_site(tmp_path_factory.mktemp("site"), notebooks | {SMALL: small_lesson()})


class Silent(http.server.SimpleHTTPRequestHandler):
    """A server of files that does not tell about every request."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[str]:
    """The address at which the site is served."""
    handler = functools.partial(Silent, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture(params=["server", "disk"])
def tab(request, browser: Browser, site: Path, server: str) -> Iterator[Tab]:
    """A page of a browser without memory; whatever goes wrong in it fails the test."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    opened = Tab(page, server if request.param == "server" else site.as_uri())
    opened.watch()
    yield opened
    page.context.close()
    assert opened.troubles == []


def names(site: Path) -> list[str]:
    """The pages of the site in the order of its contents."""
    lessons = [path.stem for path in sorted((site / "notebooks").glob("*.ipynb"))]
    return ["index", *lessons, *sorted(path.stem for path in (ROOT / "docs").glob("*.md"))]


def test_pages_follow_each_other_without_a_trouble(tab, site):
    page = tab.open("index.html")
    for name in names(site):
        assert page.url == f"{tab.address}/{name}.html"
        broken = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).length"
        assert page.evaluate(broken) == 0
        if name != names(site)[-1]:
            page.locator("[rel=next]").last.click()
    page.locator("[rel=prev]").first.click()
    assert page.url == f"{tab.address}/{names(site)[-2]}.html"


def test_search_leads_to_a_section_by_keyboard_alone(tab):
    page = tab.open("glossary.html")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("zebraf")
    expect(page.get_by_role("status")).to_have_text("1 section found")
    page.keyboard.press("ArrowDown")
    hit = page.locator("#site-hits a:focus")
    expect(hit).to_contain_text("A figure")
    expect(hit).to_contain_text(f"{SMALL} & more")
    expect(hit.locator("mark")).to_have_text("zebraf")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{tab.address}/{SMALL}.html#a-figure")
    expect(page.get_by_role("heading", name="A figure")).to_be_in_viewport()
    page.keyboard.press("/")
    page.keyboard.type("ralston tableau")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{tab.address}/02_resnet_as_euler.html#*")
    page.keyboard.press("/")
    page.keyboard.type("nothingofthekind")
    expect(page.get_by_role("status")).to_have_text("No sections found")
    page.keyboard.press("Escape")
    expect(page.locator("#site-results")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_value("")


def colours(page: Page) -> tuple[str, str]:
    """Whether the page is dark, and which button is pressed."""
    paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    dark = sum(map(int, paper[4:-1].split(","))) < 3 * 128
    pressed = page.get_by_role("button", pressed=True)
    return "dark" if dark else "light", pressed.get_attribute("aria-label")


def test_colours_are_chosen_by_keyboard_and_kept(tab):
    page = tab.open("index.html")
    page.emulate_media(color_scheme="dark")
    assert colours(page) == ("dark", "As the system")
    page.emulate_media(color_scheme="light")
    assert colours(page) == ("light", "As the system")
    page.get_by_role("button", name="Dark").focus()
    page.keyboard.press("Enter")
    assert colours(page) == ("dark", "Dark")
    tab.open(f"{SMALL}.html", wait_until="commit")
    page.wait_for_function("() => document.body")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    page.wait_for_load_state()
    assert colours(page) == ("dark", "Dark")
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Light").press("Space")
    page.reload()
    assert colours(page) == ("light", "Light")


def test_on_a_phone_wide_things_scroll_by_keyboard_in_their_own_box(tab, artifacts):
    page = tab.open(f"{SMALL}.html")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    contents = page.get_by_role("navigation", name="Contents")
    expect(contents).to_be_hidden()
    page.get_by_role("button", name="Contents").press("Enter")
    expect(contents).to_be_visible()
    expect(contents.get_by_role("link", name="An error")).to_be_visible()
    for inner in ("table", "math[display=block]", "img[alt^='A parabola']"):
        box = page.locator(f".scroll:has({inner}), pre:has({inner})").first
        expect(box).to_have_attribute("tabindex", "0")
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.activeElement.scrollLeft > 0")
    page.screenshot(path=artifacts / f"gallery-phone-{tab.address[:4]}.png", full_page=True)


@pytest.mark.parametrize("tab", ["server"], indirect=True)
def test_axe_finds_nothing_serious(tab, site, artifacts, serious_findings):
    page = tab.page
    for name in names(site):
        tab.open(f"{name}.html")
        short = name in ("index", SMALL, "glossary")
        assert serious_findings(page.locator("html"), *(() if short else RULES)) == [], name
    for name in ("index", SMALL):
        page.emulate_media(color_scheme="dark")
        tab.open(f"{name}.html")
        assert serious_findings(page.locator("html"), "color-contrast") == [], f"{name}, dark"
        page.screenshot(path=artifacts / f"gallery-{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.screenshot(path=artifacts / f"gallery-{SMALL}-light.png", full_page=True)


def slides(browser: Browser, folder: Path, lesson: Path) -> Tab:
    """The slides of a lesson on a projector."""
    ((file, _),) = write_slides([lesson], folder)
    tab = Tab(browser.new_page(viewport={"width": 1280, "height": 720}), folder.as_uri())
    tab.watch()
    tab.open(file.name)
    return tab


def test_slides_are_turned_by_keyboard(browser, site, tmp_path, artifacts):
    tab = slides(browser, tmp_path, site / "notebooks" / f"{SMALL}.ipynb")
    page = tab.page
    count = page.locator(".slide").count()
    pictures = 0
    for number in range(1, count + 1):
        slide = page.locator(".slide:visible")
        assert slide.get_attribute("aria-label") == f"{number} of {count}"
        expect(page.get_by_role("status")).to_have_text(f"{number} / {count}")
        if slide.locator("img").count():
            box = slide.locator("img").first.bounding_box()
            assert box["height"] > 250 and box["y"] + box["height"] <= 720
            page.screenshot(path=artifacts / f"slide-{number}.png")
            pictures += 1
        page.keyboard.press("ArrowRight")
    assert count > 5 and pictures == 2
    page.keyboard.press("Home")
    expect(page.get_by_role("status")).to_have_text(f"1 / {count}")
    page.get_by_role("button", name="Next slide").click()
    assert page.url.endswith("#2")
    page.close()
    assert tab.troubles == []


def test_the_slides_of_a_lesson_fit_a_projector(browser, site, tmp_path):
    tab = slides(browser, tmp_path, LESSONS[1])
    spare = tab.page.evaluate(SPARE)
    assert len(spare) > 30
    assert [number for number, space in enumerate(spare, 1) if space < -1] == []
    tab.page.close()
    assert tab.troubles == []
