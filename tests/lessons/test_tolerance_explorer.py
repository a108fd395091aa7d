"""The explorer answers every control from its rows, and solves live where it has none."""

import io
from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from matplotlib.image import imread

from ecglab.data.load import subsample
from ecglab.lessons.explorer_figure import background, explorer_figure, explorer_png
from ecglab.lessons.figures import png
from ecglab.lessons.sweep import measure, solvers, sweep
from ecglab.lessons.tolerance_explorer import status_text, tolerance_explorer
from ecglab.models import ODENet, Solver


@pytest.fixture(scope="module")
def made(simulated):
    torch.manual_seed(3)
    model = ODENet(16, stem="strided", method="midpoint", steps=1, gradient="direct")
    chosen = solvers(["dopri5"], ["euler"], tolerances=[1e-1, 1e-2, 1e-3], steps=[1, 2])
    return sweep(model, subsample(simulated, 80), chosen, batch_size=64)


def find(box, kind, description):
    """The widget of a kind with a description, anywhere in the box."""
    for child in box.children:
        if isinstance(child, widgets.Box):
            if (inner := find(child, kind, description)) is not None:
                return inner
        elif isinstance(child, kind) and child.description == description:
            return child
    return None


def parts(box):
    image = next(c for c in box.children if isinstance(c, widgets.Image))
    status = next(c for c in box.children if isinstance(c, widgets.HTML))
    return image, status


def test_the_quick_picture_is_the_slow_one(made):
    found, _ = made
    for row in found.rows[:2]:
        behind = background(found, 1, label="a label")
        quick = imread(io.BytesIO(explorer_png(behind, row)))
        slow = imread(io.BytesIO(png(explorer_figure(found, row, 1)[0], label="a label")))[..., :3]
        assert quick.shape == slow.shape
        # What is drawn later lies on top, so pixels where lines cross may differ.
        assert (np.abs(quick - slow).max(-1) > 0.1).mean() < 1e-4
        plain = imread(io.BytesIO(png(background(found, 1, label="a label").figure)))[..., :3]
        assert (np.abs(quick - plain).max(-1) > 0.1).mean() > 2e-3


def test_the_axes_hold_every_solver(made):
    found, _ = made
    for example in range(len(found.examples)):
        left, middle, right = background(found, example).figure.axes
        for row in (*found.rows, found.reference):
            for x, y in row.paths[example]:
                assert left.get_xlim()[0] < x < left.get_xlim()[1]
                assert left.get_ylim()[0] < y < left.get_ylim()[1]
            assert sum(row.accepted[-1]) < middle.get_xlim()[1]
        for row in found.rows:
            assert right.get_xlim()[0] < row.evaluations < right.get_xlim()[1]
            assert right.get_ylim()[0] < row.error < right.get_ylim()[1]


def test_a_picture_leaves_no_trace_in_the_next(made):
    found, _ = made
    behind = background(found, 0)
    first = explorer_png(behind, found.rows[0])
    explorer_png(behind, found.rows[-1])
    assert explorer_png(behind, found.rows[0]) == first


def test_it_starts_with_a_picture_and_says_what_it_shows(made):
    found, _ = made
    box = tolerance_explorer(found, label="simulated data")
    image, status = parts(box)
    assert bytes(image.value).startswith(b"\x89PNG")
    assert "dopri5, tolerance 0.01: accuracy" in status.value
    assert 'role="status"' in status.value
    assert "ecglab-tolerance-explorer" in box._dom_classes


def test_every_control_changes_picture_and_text(made):
    found, _ = made
    box = tolerance_explorer(found, label="")
    image, status = parts(box)
    seen = {(bytes(image.value), status.value)}
    for change in (
        lambda: setattr(find(box, widgets.Dropdown, "Tolerance"), "value", 1e-3),
        lambda: setattr(find(box, widgets.Dropdown, "Method"), "value", "euler"),
        lambda: setattr(find(box, widgets.Dropdown, "Steps"), "value", 2.0),
        lambda: setattr(find(box, widgets.ToggleButtons, "Beat"), "value", 2),
    ):
        change()
        seen.add((bytes(image.value), status.value))
    assert len(seen) == 5
    assert "euler, 2 steps" in status.value


def test_settings_carry_the_name_of_their_method(made):
    found, _ = made
    box = tolerance_explorer(found, label="")
    assert [text for text, _ in find(box, widgets.Dropdown, "Tolerance").options] == [
        *("0.1", "0.01", "0.001")
    ]
    find(box, widgets.Dropdown, "Method").value = "euler"
    assert find(box, widgets.Dropdown, "Tolerance") is None
    steps = find(box, widgets.Dropdown, "Steps")
    assert [text for text, _ in steps.options] == ["1 step", "2 steps"]


def test_without_live_there_is_no_button(made):
    found, _ = made
    assert find(tolerance_explorer(found, label=""), widgets.Button, "Solve now") is None


def test_a_live_solve_says_so_and_joins_the_choice(made):
    found, probe = made
    said = []

    def live(solver):
        said.append((status.value, torch.is_grad_enabled()))
        return measure(probe, solver)

    box = tolerance_explorer(found, label="", live=live)
    _, status = parts(box)
    own = find(box, widgets.FloatText, "Own value")
    button = find(box, widgets.Button, "Solve now")
    own.value = 0.05
    button.click()
    assert "Solving" in said[0][0]
    assert "dopri5, tolerance 0.05" in status.value
    options = [text for text, _ in find(box, widgets.Dropdown, "Tolerance").options]
    assert options == ["0.1", "0.05", "0.01", "0.001"]
    button.click()  # known by now: answered without another solve
    assert len(said) == 1
    own.value = -1
    button.click()
    assert "cannot be met" in status.value and not button.disabled


def test_the_text_holds_the_numbers_of_the_row(made):
    found, _ = made
    row = replace(
        found.rows[0],
        solver=Solver(rtol=0.1, atol=0.1, gradient="direct"),
        accuracy=0.9126,
        changed=0.031,
        evaluations=14.0,
        milliseconds=12.4,
    )
    text = status_text(found, row, 0)
    for part in ("accuracy 0.913", "3.1% of them", "14.0 evaluations", "12 ms a batch of 64"):
        assert part in text
