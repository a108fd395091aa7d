"""The adjoint explorer answers every list from measured costs."""

import io

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.image import imread

from ecglab.lessons.adjoint_explorer import adjoint_explorer, costs_by_choice, table_rows
from ecglab.lessons.figures import png
from ecglab.lessons.gradient_figures import (
    draw_gradients,
    gradient_axes,
    gradient_figure,
    score,
    work,
)
from ecglab.lessons.gradient_sweep import GradientCost, GradientSweep, ways_of
from ecglab.lessons.overlay import background, overlaid_png
from ecglab.models import Solver

SOLVERS = (
    Solver(),
    Solver(rtol=1e-2, atol=1e-4),
    Solver(method="rk4", steps=2),
    Solver(method="rk4", steps=8),
)


@pytest.fixture
def found():
    costs = []
    for activation in ("ReLU", "Softplus"):
        for solver in SOLVERS:
            for way in ways_of(solver):
                n = len(costs) + 1
                costs.append(GradientCost(way, activation, 4 * n, n, 0.5 / n, 10.0 * n, n * 10**6))
    return GradientSweep(costs, beats=16, reference_steps=64)


def test_it_starts_at_the_founding_solver(found):
    controls, picture, numbers, status = adjoint_explorer(found, label="a label").children
    (line, _) = status.children
    assert [c.description for c in controls.children if c.layout.display != "none"] == [
        *("Activation", "Method", "rtol", "atol")
    ]
    assert "ReLU, dopri5, tolerance 0.001: adjoint 5 evaluations" in line.value
    assert "(a label)" in picture.value and "data:image/png" in picture.value
    assert "ReLU, a training batch of 16 beats (a label)" in numbers.value


def test_every_list_changes_picture_numbers_and_status(found):
    box = adjoint_explorer(found, label="")
    controls, picture, numbers, status = box.children
    panel = picture, numbers, status.children[0]
    lists = {control.description: control for control in controls.children}
    assert all(isinstance(control, widgets.Dropdown) for control in lists.values())
    seen = {tuple(part.value for part in panel)}
    for name, value in (
        ("Activation", "Softplus"),
        ("rtol", 1e-2),
        ("Method", "rk4"),
        ("Steps", 8),
    ):
        lists[name].value = value
        seen.add(tuple(part.value for part in panel))
    for column in zip(*seen, strict=True):
        assert len(set(column)) == 5
    assert "Softplus, rk4, 8 steps: adjoint" in panel[-1].value
    assert "checkpoint" in panel[-1].value
    assert "Softplus, a training batch" in numbers.value


def test_costs_are_grouped_by_solver(found):
    grouped = costs_by_choice(found)
    assert len(grouped) == 2 * len(SOLVERS)
    assert [len(group) for group in grouped.values()] == [2, 2, 3, 3] * 2
    rows = table_rows(next(iter(grouped.values())))
    assert rows[0]["solver"] == "dopri5, tolerance 0.001"
    assert (rows[1]["gradient"], rows[1]["kept, MB"]) == ("direct", "2.0")


def test_the_quick_picture_is_the_slow_one(found):
    chosen = found.costs[:2]
    behind = background(gradient_axes(found.costs), label="a label")
    quick = overlaid_png(behind, lambda figure: draw_gradients(figure, found.costs, chosen))
    slow = png(gradient_figure(found.costs, chosen)[0], label="a label")
    one, other = (imread(io.BytesIO(part))[..., :3] for part in (quick, slow))
    assert (one != other).any(-1).mean() < 1e-3  # where a line touches the frame
    plain = imread(io.BytesIO(overlaid_png(behind, lambda figure: None)))[..., :3]
    assert (np.abs(one - plain).max(-1) > 0.1).mean() > 2e-3


def test_rings_lie_on_the_lines(found):
    chosen = found.costs[4:7]
    figure, text = gradient_figure(found.costs, chosen)
    for ax, name in zip(figure.axes, ("megabytes", "milliseconds", "error"), strict=True):
        *_, rings = ax.lines
        assert list(rings.get_xdata()) == [work(cost) for cost in chosen]
        assert list(rings.get_ydata()) == [score(cost, name) for cost in chosen]
        drawn = {(x, y) for line in ax.lines[1:-1] for x, y in zip(*line.get_data(), strict=True)}
        assert set(zip(rings.get_xdata(), rings.get_ydata(), strict=True)) <= drawn
        assert ax.get_xlabel() and ax.get_ylabel() and (ax.get_title() or ax.get_title(loc="left"))
    assert "rk4, 2 steps" in text and "checkpoint: 35 evaluations, 7.0 MB" in text
