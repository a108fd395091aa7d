"""The classroom image's first page: an index of the lessons, each one click away."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PATIENCE = 120_000  # ms


def test_jupyterlab_opens_on_the_index_and_a_click_opens_a_lesson(
    browser: Browser, classroom, artifacts
):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{classroom.address}/?token={classroom.token}")
    index = page.locator(".jp-MarkdownViewer")
    expect(index.get_by_role("heading", name="The lessons")).to_be_visible(timeout=PATIENCE)
    links = index.locator("td a")
    expect(links).to_have_count(len(LESSONS))
    shown = links.evaluate_all("all => all.map(link => link.getAttribute('href'))")
    assert [re.search(r"[^/]+\.ipynb", link)[0] for link in shown] == LESSONS
    page.screenshot(path=artifacts / "index.png")

    links.nth(2).click()
    opened = page.locator(".jp-NotebookPanel")
    expect(opened.get_by_role("heading", name="03 The ODENet")).to_be_visible(timeout=PATIENCE)
    idle = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
    page.wait_for_selector(idle, state="attached")
    page.close()
    classroom.stop_kernels()
