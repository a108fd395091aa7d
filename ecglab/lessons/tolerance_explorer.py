"""The tolerance explorer: choose a solver for a trained network and see what it does."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final

import ipywidgets as widgets

from ecglab.lessons.choices import Choice, choice_of, connect
from ecglab.lessons.explorer_figure import draw_solver, explorer_axes, explorer_text
from ecglab.lessons.figures import image_html
from ecglab.lessons.gradient_sweep import GradientCost, ways_of
from ecglab.lessons.live_controls import live_controls
from ecglab.lessons.overlay import Background, background, overlaid_png
from ecglab.lessons.panel import KEPT, Panel
from ecglab.lessons.solve_figures import gradient_numbers, row_numbers, solver_text
from ecglab.lessons.sweep import Sweep, SweepRow
from ecglab.models.solve import Solver

Live = Callable[[Solver], tuple[SweepRow, GradientCost]]
START: Final = choice_of(Solver(rtol=1e-2, atol=1e-2), gradient="adjoint")


def status_text(found: Sweep, row: SweepRow, cost: GradientCost | None, beat: str) -> str:
    """One solver's scores and costs in a sentence, and the beat in the picture."""
    backward = "" if cost is None else f", {cost.evaluations_backward} backward"
    way = "" if cost is None else f", {cost.solver.gradient} gradient"
    return (
        f"{solver_text(row.solver)}{way}: accuracy {row.accuracy:.3f}, macro-F1 "
        f"{row.macro_f1:.3f} on {found.beats:,} beats; {row.evaluations:.1f} evaluations forward"
        f"{backward}; {row.milliseconds:.0f} ms a batch of {found.batch_size}. The picture shows a "
        f"beat of {beat}."
    )


def tolerance_explorer(found: Sweep, *, label: str, live: Live | None = None) -> widgets.VBox:
    """Lists, a picture, its numbers and a line that sums them up.

    It answers from the rows of ``found`` and from its gradients; ``label`` in the picture says
    where they come from. ``live`` measures a solver that is not among them, at the press of a
    button, and adds it.
    """
    rows = {row.solver: row for row in found.rows}
    costs = {
        cost.solver: cost
        for cost in (found.gradients.costs if found.gradients else ())
        if cost.activation == "ReLU"  # the network's own
    }
    examples = [f"class {example['class']}" for example in found.examples]

    def solvers() -> dict[tuple, Solver]:
        """Every solver and gradient that can be chosen, by what the lists say."""
        known = [
            way
            for solver in rows
            for way in [way for way in ways_of(solver) if way in costs] or [solver]
        ]
        return {tuple(choice_of(s, gradient=s.gradient).values()): s for s in known}

    def choices() -> list[Choice]:
        return [
            {**choice_of(solver, gradient=solver.gradient), "beat": beat}
            for solver in solvers().values()
            for beat in examples
        ]

    @cache
    def behind(example: int, count: int) -> Background:
        """The background for so many rows: a live solve adds one and asks for a new one."""
        every = replace(found, rows=list(rows.values()))
        return background(explorer_axes(every, example), label=label)

    @lru_cache(maxsize=KEPT)
    def drawn(solver: Solver, example: int, count: int) -> str:
        row = rows[solver]
        picture = overlaid_png(
            behind(example, count), lambda figure: draw_solver(figure, found, row, example)
        )
        return image_html(picture, f"{explorer_text(found, row, example)} ({label})")

    panel = Panel()

    def show(choice: Choice) -> None:
        *named, beat = choice.values()
        solver = solvers()[tuple(named)]
        row, cost = rows[replace(solver, gradient="direct")], costs.get(solver)
        named = {"solver": solver_text(solver)}
        tables = {
            f"Test: {found.beats:,} beats in batches of {found.batch_size} ({label})": [
                named | row_numbers(row)
            ]
        }
        if cost is not None:
            caption = f"Training: one batch of {found.gradients.beats} beats ({label})"
            tables[caption] = [named | gradient_numbers(cost)]
        panel.show(
            drawn(row.solver, examples.index(beat), len(rows)),
            status_text(found, row, cost, beat),
            tables,
        )

    lists = {
        "method": widgets.Dropdown(description="Method"),
        "rtol": widgets.Dropdown(description="rtol"),
        "atol": widgets.Dropdown(description="atol"),
        "steps": widgets.Dropdown(description="Steps"),
        "gradient": widgets.Dropdown(description="Gradient"),
        "beat": widgets.Dropdown(description="Beat"),
    }
    for control in lists.values():
        control.layout.width = "15em"
    take = connect(lists, choices, show)
    take(START)
    for example in range(len(examples)):
        behind(example, len(rows))  # drawn ahead, so that a change of beat is quick as well
    controls = widgets.HBox([*lists.values()], layout=widgets.Layout(flex_flow="row wrap"))
    box = [controls, *panel.parts]
    if live is not None:

        def run(solver: Solver) -> None:
            if solver not in costs:
                panel.say(f"Solving with {solver_text(solver)} ...")
                rows[replace(solver, gradient="direct")], costs[solver] = live(solver)
            beat = lists["beat"].value
            take({**choice_of(solver, gradient=solver.gradient), "beat": beat})

        box.insert(1, live_controls(run, panel.say))
    return widgets.VBox(box).add_class("ecglab-tolerance-explorer")
