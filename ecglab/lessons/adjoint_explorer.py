"""The adjoint explorer: choose dynamics and a solver, and compare the ways to the gradient."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import ipywidgets as widgets

from ecglab.lessons.choices import Choice, choice_of, connect
from ecglab.lessons.figures import image_html
from ecglab.lessons.gradient_figures import (
    draw_gradients,
    gradient_axes,
    gradient_text,
    work,
)
from ecglab.lessons.gradient_sweep import GradientCost, GradientSweep
from ecglab.lessons.overlay import background, overlaid_png
from ecglab.lessons.panel import KEPT, Panel
from ecglab.lessons.solve_figures import gradient_numbers, solver_text
from ecglab.models.solve import Solver

START: Final = {"activation": "ReLU", **choice_of(Solver())}


def status_text(chosen: Sequence[GradientCost]) -> str:
    """What a solver's gradients cost beside each other, in a sentence."""
    told = [
        f"{cost.solver.gradient} {work(cost)} evaluations, {cost.saved / 1e6:.1f} MB, "
        f"{cost.milliseconds:.0f} ms, error {cost.error:.1e}"
        for cost in chosen
    ]
    return f"{chosen[0].activation}, {solver_text(chosen[0].solver)}: {'; '.join(told)}."


def table_rows(chosen: Sequence[GradientCost]) -> list[dict[str, object]]:
    """A row for each cost, named by its solver; the caption names the dynamics."""
    return [{"solver": solver_text(cost.solver), **gradient_numbers(cost)} for cost in chosen]


def costs_by_choice(found: GradientSweep) -> dict[tuple, list[GradientCost]]:
    """The costs of every gradient of a solver, by what the lists say."""
    grouped: dict[tuple, list[GradientCost]] = {}
    for cost in found.costs:
        key = (cost.activation, *choice_of(cost.solver).values())
        grouped.setdefault(key, []).append(cost)
    return grouped


def adjoint_explorer(found: GradientSweep, *, label: str) -> widgets.VBox:
    """Lists, a picture, its numbers and a line that sums them up; all from measured costs.

    ``label`` in the picture says where they come from.
    """
    grouped = costs_by_choice(found)

    behind = background(gradient_axes(found.costs), label=label)

    @lru_cache(maxsize=KEPT)
    def drawn(key: tuple) -> str:
        chosen = grouped[key]
        picture = overlaid_png(behind, lambda figure: draw_gradients(figure, found.costs, chosen))
        return image_html(picture, f"{gradient_text(chosen)} ({label})")

    panel = Panel()

    def show(choice: Choice) -> None:
        key = tuple(choice.values())
        caption = f"{choice['activation']}, a training batch of {found.beats} beats ({label})"
        panel.show(drawn(key), status_text(grouped[key]), {caption: table_rows(grouped[key])})

    lists = {
        "activation": widgets.Dropdown(description="Activation"),
        "method": widgets.Dropdown(description="Method"),
        "rtol": widgets.Dropdown(description="rtol"),
        "atol": widgets.Dropdown(description="atol"),
        "steps": widgets.Dropdown(description="Steps"),
    }
    for control in lists.values():
        control.layout.width = "15em"
    choices = [dict(zip(START, key, strict=True)) for key in grouped]
    connect(lists, lambda: choices, show)(START)
    controls = widgets.HBox([*lists.values()], layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([controls, *panel.parts]).add_class("ecglab-adjoint-explorer")
