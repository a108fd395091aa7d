"""The tolerance explorer: choose a solver for a trained network and see what it does."""

import html
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import ipywidgets as widgets

from ecglab.errors import EcglabError
from ecglab.lessons.explorer_figure import Background, background, explorer_png, explorer_text
from ecglab.lessons.solve_figures import setting_text
from ecglab.lessons.sweep import Sweep, SweepRow
from ecglab.models.solve import Solver

Key = tuple[str, float]  # a method with its tolerance or its number of steps


def key_of(solver: Solver) -> Key:
    """What tells the solvers of one sweep apart."""
    return solver.method, solver.rtol if solver.adaptive else float(solver.steps or 1)


def solver_of(method: str, value: float) -> Solver:
    """The solver of a method with its tolerance (rtol = atol) or its number of steps."""
    probe = Solver(method=method, gradient="direct")
    if probe.adaptive:
        return Solver(method=method, rtol=value, atol=value, gradient="direct")
    return Solver(method=method, steps=int(value), gradient="direct")


def settings_of(rows: dict[Key, SweepRow], method: str) -> list[tuple[str, float]]:
    """Text and value of every setting of a method, from coarse to fine."""
    found = [row.solver for (name, _), row in rows.items() if name == method]
    found.sort(key=lambda solver: -solver.rtol if solver.adaptive else solver.steps or 1)
    return [(setting_text(solver), key_of(solver)[1]) for solver in found]


def status_text(found: Sweep, row: SweepRow, example: int) -> str:
    """One solver's scores, its costs and its picture in words."""
    return (
        f"{row.solver.method}, {setting_text(row.solver)}: accuracy {row.accuracy:.3f}, macro-F1 "
        f"{row.macro_f1:.3f} on {found.beats:,} beats, {row.changed:.1%} of them classed otherwise "
        f"than by the reference; {row.evaluations:.1f} evaluations and {row.steps:.1f} steps a "
        f"batch, {row.milliseconds:.0f} ms a batch of {found.batch_size}. "
        f"{explorer_text(found, row, example)}"
    )


def tolerance_explorer(
    found: Sweep, *, label: str, live: Callable[[Solver], SweepRow] | None = None
) -> widgets.VBox:
    """Controls, a picture and a line that describes it.

    It answers from the rows of ``found``; ``label`` in the picture says where they come from.
    ``live`` measures a solver that is not among them, at the press of a button, and adds it.
    """
    rows = {key_of(row.solver): row for row in found.rows}

    @cache
    def behind(example: int, count: int) -> Background:
        """The background for so many rows: a live solve adds one and asks for a new one."""
        return background(replace(found, rows=list(rows.values())), example, label=label)

    @cache
    def drawn(key: Key, example: int, count: int) -> tuple[bytes, str]:
        picture = explorer_png(behind(example, count), rows[key])
        return picture, status_text(found, rows[key], example)

    methods = list(dict.fromkeys(name for name, _ in rows))
    method = widgets.Dropdown(description="Method", options=methods)
    setting = widgets.Dropdown(description="Setting")
    beat = widgets.ToggleButtons(
        description="Beat",
        options=[(f"class {e['class']}", i) for i, e in enumerate(found.examples)],
        style=widgets.ToggleButtonsStyle(button_width="6em"),
    )
    image = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
    status = widgets.HTML()

    def say(text: str) -> None:
        status.value = f'<span role="status">{html.escape(text)}</span>'

    def redraw(_change: object = None) -> None:
        image.value, text = drawn((method.value, setting.value), beat.value, len(rows))
        say(text)  # last: it says that all is done

    def choose(value: float | None = None) -> None:
        """Offer the method's settings and take ``value``, or the one in the middle."""
        offered = settings_of(rows, method.value)
        setting.unobserve(redraw, "value")
        adaptive = solver_of(method.value, 1.0).adaptive
        setting.description = "Tolerance" if adaptive else "Steps"
        setting.options = [(text.removeprefix("tolerance "), number) for text, number in offered]
        setting.value = offered[(len(offered) - 1) // 2][1] if value is None else value
        setting.observe(redraw, "value")
        redraw()

    method.observe(lambda _change: choose(), "value")
    beat.observe(redraw, "value")
    setting.observe(redraw, "value")
    choose()
    for example in range(len(found.examples)):
        behind(example, len(rows))  # drawn ahead, so that a change of beat is quick as well
    box = [widgets.HBox([method, setting]), beat, image, status]
    if live is not None:
        box.insert(2, live_controls(method, rows, live, say, choose))
    return widgets.VBox(box).add_class("ecglab-tolerance-explorer")


def live_controls(
    method: widgets.Dropdown,
    rows: dict[Key, SweepRow],
    live: Callable[[Solver], SweepRow],
    say: Callable[[str], None],
    choose: Callable[[float], None],
) -> widgets.HBox:
    """A field for a setting of one's own and the button that solves with it."""
    own = widgets.FloatText(description="Own value", value=0.003, continuous_update=False)
    button = widgets.Button(
        description="Solve now", tooltip="Solve with the method above and this tolerance or steps"
    )

    def solve_now(_button: object) -> None:
        say("Solving ...")
        button.disabled = True
        try:
            solver = solver_of(method.value, own.value)
            if key_of(solver) not in rows:
                rows[key_of(solver)] = live(solver)
            choose(key_of(solver)[1])
        except EcglabError as error:
            say(str(error))
        finally:
            button.disabled = False

    button.on_click(solve_now)
    return widgets.HBox([own, button])
