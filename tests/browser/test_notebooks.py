"""Every lesson in JupyterLab: it runs, and its widgets answer to the keyboard alone."""

import json
import re
import statistics
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PATIENCE = 900_000  # ms
SLOWEST = 3_000  # ms; wide: it depends on what else the machine does
REPEATS = 5  # times that a picture is asked for again

# Without the wait for the kernel, JupyterLab would ask which one it should take.
RUN_ALL = """async () => {
  await window.jupyterapp.shell.currentWidget.sessionContext.ready;
  await window.jupyterapp.commands.execute("runmenu:run-all");
}"""

CELLS = """() => Array.from(window.jupyterapp.shell.currentWidget.content.model.cells)
  .map((cell, place) => [cell, place])
  .filter(([cell, place]) => cell.type === "code")
  .map(([cell, place]) => ({
    place,
    count: cell.executionCount,
    errors: cell.outputs.toJSON()
      .filter(output => output.output_type === "error")
      .map(output => `${output.ename}: ${output.evalue}`),
    widget: (cell.getMetadata("tags") ?? []).includes("widget"),
  }))"""

SHOW_CELL = """async place => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = place;
  await notebook.scrollToItem(place, "start");
}"""

# From the moment at which a list or field has a new value until its picture has been painted.
WATCH = """root => {
  const before = root.querySelector("img").src;
  window.answered = new Promise(resolve => {
    let begun;
    root.addEventListener("change", () => { begun ??= performance.now(); }, {capture: true});
    const watch = new MutationObserver(async () => {
      const image = root.querySelector("img");
      if (!image || image.src === before) return;
      watch.disconnect();
      await image.decode();
      requestAnimationFrame(() => requestAnimationFrame(
        () => resolve(performance.now() - begun)));
    });
    watch.observe(root, {subtree: true, childList: true, attributes: true});
  });
}"""


def run_all(page: Page, address: str) -> list[dict]:
    """Open a notebook, run it, and return what its model holds of each code cell."""
    page.goto(address)
    page.wait_for_selector(".jp-NotebookPanel", timeout=PATIENCE)
    idle = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
    page.wait_for_selector(idle, state="attached", timeout=PATIENCE)
    page.evaluate(RUN_ALL)
    page.wait_for_selector(idle, state="attached", timeout=PATIENCE)
    return page.evaluate(CELLS)


def controls(root: Locator) -> dict[str, Locator]:
    """The lists, fields and buttons that can be seen, by the name that a screen reader reads."""
    found = {}
    for control in root.locator("select, input, button").all():
        if not control.is_visible():
            continue
        name = control.evaluate("e => e.labels?.[0]?.textContent.trim() || e.textContent.trim()")
        role = control.evaluate(
            "e => ({SELECT: 'combobox', BUTTON: 'button'})[e.tagName] ?? 'spinbutton'"
        )
        named = root.get_by_role(role, name=name, exact=True)
        assert name and named.count() == 1, f"a {role} has no name of its own, but {name!r}"
        found[name] = named
    return found


def values(control: Locator) -> int:
    """How many values a list or field can take."""
    return control.evaluate(
        "e => e.tagName === 'SELECT' ? e.length : 1 + Number(e.max) - Number(e.min)"
    )


def turn(control: Locator, *, back: bool) -> None:
    """Give a focused list or field its next value by keyboard, or the one before."""
    if control.evaluate("e => e.tagName") == "SELECT":
        back = back or not control.evaluate("e => e.selectedIndex + 1 < e.length")
        keys = ["Space", "ArrowUp" if back else "ArrowDown", "Enter"]
    else:
        back = back or not control.evaluate("e => Number(e.value) < Number(e.max)")
        keys = ["ArrowDown" if back else "ArrowUp"]
    for key in keys:
        control.page.keyboard.press(key)


def look(root: Locator) -> tuple[str, str]:
    """The picture and the status line."""
    image = root.locator("img")
    assert len(image.get_attribute("alt")) > 40
    return image.get_attribute("src"), root.get_by_role("status").inner_text()


def answer(root: Locator, name: str, *, back: bool = False) -> float | None:
    """Turn a control and wait for the answer: ms until its picture was painted.

    The way to a gradient changes the numbers alone: None.
    """
    control = controls(root)[name]
    control.focus()
    before = look(root)
    root.evaluate(WATCH)
    turn(control, back=back)
    expect(root.get_by_role("status")).not_to_have_text(before[1], timeout=PATIENCE)
    if name == "Gradient":
        assert look(root)[0] == before[0]
        return None
    taken = root.page.evaluate("() => window.answered")
    assert look(root)[0] != before[0]
    return taken


def reach_all(root: Locator) -> None:
    """Go through all controls with Tab."""
    first, *others = controls(root).values()
    first.focus()
    for control in others:
        root.page.keyboard.press("Tab")
        assert control.evaluate("e => e === document.activeElement")


def turn_all(root: Locator) -> list[float]:
    """Turn every control, and all methods, since they differ in what can be chosen of them."""
    times, turned = [], set()
    while True:
        found = {n: c for n, c in controls(root).items() if n != "Run" and not n.startswith("Own")}
        waiting = [n for n in found if n not in turned | {"Method"} and values(found[n]) > 1]
        if not waiting and "Method" in found:
            more = "e => e.selectedIndex + 1 < e.length"
            waiting = ["Method"] if found["Method"].evaluate(more) else []
        if not waiting:
            return [taken for taken in times if taken is not None]
        times.append(answer(root, waiting[0]))
        turned.add(waiting[0])


def ask_again(root: Locator) -> list[float]:
    """Go to and fro between two values of a control: pictures that were drawn before."""
    plain = {n: c for n, c in controls(root).items() if n not in ("Method", "Gradient", "Run")}
    *_, name = (n for n, c in plain.items() if not n.startswith("Own") and values(c) > 1)
    answer(root, name, back=True)
    times = [answer(root, name, back=back) for _ in range(REPEATS) for back in (False, True)]
    return times[1:]


def run_own(root: Locator) -> None:
    """Type two tolerances and press the button, with keys alone."""
    keyboard = root.page.keyboard
    for name, value in (("Own rtol", "0.05"), ("Own atol", "0.02")):
        controls(root)[name].focus()
        keyboard.press("Control+A")
        keyboard.type(value)
        keyboard.press("Tab")
    before = look(root)
    controls(root)["Run"].focus()
    keyboard.press("Space")
    done = "rtol 0.05, atol 0.02, adjoint gradient: accuracy"
    expect(root.get_by_role("status")).to_contain_text(done, timeout=PATIENCE)
    assert look(root)[0] != before[0]


@pytest.mark.timeout(1_500)  # a busy machine takes ten times as long as a quiet one
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_and_its_widgets_answer(lesson, lab, page, artifacts):
    """Times depend on the machine: they are kept beside the screenshots, with a wide bound."""
    cells = run_all(page, f"{lab.address}/doc/tree/{lesson.name}?token={lab.token}&reset")
    assert not [error for cell in cells for error in cell["errors"]]
    assert all(cell["count"] for cell in cells)
    measured = {}
    for cell in (cell for cell in cells if cell["widget"]):
        page.evaluate(SHOW_CELL, cell["place"])
        root = page.locator(".jp-Cell.jp-mod-active [class*=ecglab-]")
        expect(root.locator("img")).to_be_visible(timeout=PATIENCE)
        name = f"{lesson.stem}-{cell['place']}"
        reach_all(root)
        first, again = turn_all(root), ask_again(root)
        if "Run" in controls(root):
            run_own(root)
        page.screenshot(path=artifacts / f"{name}.png")
        measured[name] = {
            "widget": re.search(r"ecglab-([\w-]+)", root.get_attribute("class"))[1],
            "median of new pictures, ms": statistics.median(first),
            "median of pictures seen before, ms": statistics.median(again),
            "new, ms": first,
            "seen before, ms": again,
        }
        (artifacts / f"{lesson.stem}.json").write_text(json.dumps(measured, indent=1) + "\n")
        assert statistics.median(again) < SLOWEST
