"""The explorer answers every control from its rows, and solves live where it has none."""

import io
from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from matplotlib.image import imread

from ecglab.data.load import subsample
from ecglab.lessons.explorer_figure import draw_solver, explorer_axes, explorer_figure
from ecglab.lessons.figures import png
from ecglab.lessons.gradient_sweep import gradient_sweep, measure_gradient, prepare_gradients
from ecglab.lessons.live_controls import FOLLOWED
from ecglab.lessons.overlay import background, overlaid_png
from ecglab.lessons.sweep import measure, solvers, sweep
from ecglab.lessons.tolerance_explorer import status_text, tolerance_explorer
from ecglab.models import ODENet, Solver

CHOSEN = (
    *solvers(["dopri5"], [], tolerances=[1e-1, 1e-2], atol_shares=[1.0, 1e-2]),
    *solvers(["dopri5"], ["euler"], tolerances=[1e-3], steps=[1, 2]),
)


@pytest.fixture(scope="module")
def made(simulated):
    torch.manual_seed(3)
    model = ODENet(16, stem="strided", method="midpoint", steps=1, gradient="direct")
    found, probe = sweep(model, subsample(simulated, 80), CHOSEN, batch_size=64)
    desk = prepare_gradients(model, subsample(simulated, 4), reference_steps=4)
    return replace(found, gradients=gradient_sweep([desk], CHOSEN)), probe, desk


def find(box, description):
    """The widget with a description, anywhere in the box, unless it is hidden."""
    for child in box.children:
        if isinstance(child, widgets.Box):
            if (inner := find(child, description)) is not None:
                return inner
        elif child.layout.display != "none" and child.description == description:
            return child
    return None


def parts(box):
    """Lists, picture, numbers, and the two parts of the status."""
    *others, status = box.children
    return *others, status.children


def line(box):
    return box.children[-1].children[0]


def offered(box, description):
    return [text for text, _ in find(box, description).options]


def drawn(found, row, example, label):
    behind = background(explorer_axes(found, example), label=label)
    return overlaid_png(behind, lambda figure: draw_solver(figure, found, row, example))


def pixels(picture):
    return imread(io.BytesIO(picture))[..., :3]


def test_the_quick_picture_is_the_slow_one(made):
    found, *_ = made
    for row in found.rows[:2]:
        quick = pixels(drawn(found, row, 1, "a label"))
        slow = pixels(png(explorer_figure(found, row, 1)[0], label="a label"))
        assert quick.shape == slow.shape
        # What is drawn later lies on top, so pixels where lines cross may differ.
        assert (np.abs(quick - slow).max(-1) > 0.1).mean() < 1e-4
        plain = pixels(png(explorer_axes(found, 1), label="a label"))
        assert (np.abs(quick - plain).max(-1) > 0.1).mean() > 2e-3


def test_the_axes_hold_every_solver(made):
    found, *_ = made
    for example in range(len(found.examples)):
        left, middle, right = explorer_axes(found, example).axes
        for row in (*found.rows, found.reference):
            for x, y in row.paths[example]:
                assert left.get_xlim()[0] < x < left.get_xlim()[1]
                assert left.get_ylim()[0] < y < left.get_ylim()[1]
            assert sum(row.accepted[-1]) < middle.get_xlim()[1]
        for row in found.rows:
            assert right.get_xlim()[0] < row.evaluations < right.get_xlim()[1]
            assert right.get_ylim()[0] < row.error < right.get_ylim()[1]


def test_a_picture_leaves_no_trace_in_the_next(made):
    found, *_ = made
    behind = background(explorer_axes(found, 0), label="")
    first, other, again = (
        overlaid_png(behind, lambda figure, row=row: draw_solver(figure, found, row, 0))
        for row in (found.rows[0], found.rows[-1], found.rows[0])
    )
    assert first == again != other


def test_it_starts_with_a_picture_and_says_what_it_shows(made):
    found, *_ = made
    box = tolerance_explorer(found, label="simulated data")
    _, picture, numbers, (status, _) = parts(box)
    assert 'src="data:image/png;base64,' in picture.value
    assert 'alt="Left: the hidden state of a beat of class N goes from' in picture.value
    assert "dopri5, tolerance 0.01, adjoint gradient: accuracy" in status.value
    assert ">error of the gradient</th>" in numbers.value
    assert "simulated data" in picture.value and "simulated data" in numbers.value
    assert "ecglab-tolerance-explorer" in box._dom_classes


def test_every_control_changes_what_it_should(made):
    found, *_ = made
    box = tolerance_explorer(found, label="")
    _, picture, numbers, (status, _) = parts(box)
    seen = [(picture.value, numbers.value, status.value)]
    for name, value, changes in (
        ("atol", 1e-4, (True, True, True)),
        ("rtol", 1e-1, (True, True, True)),
        ("Gradient", "direct", (False, True, True)),
        ("Beat", "class V", (True, False, True)),
        ("Method", "euler", (True, True, True)),
        ("Gradient", "checkpoint", (False, True, True)),
        ("Steps", 2, (True, True, True)),
    ):
        find(box, name).value = value
        now = (picture.value, numbers.value, status.value)
        assert tuple(a != b for a, b in zip(now, seen[-1], strict=True)) == changes, name
        seen.append(now)
    assert "euler, 2 steps, checkpoint gradient" in status.value


def test_lists_offer_what_was_measured_and_what_has_a_meaning(made):
    found, *_ = made
    box = tolerance_explorer(found, label="")
    assert offered(box, "rtol") == ["0.1", "0.01", "0.001"]
    assert offered(box, "atol") == ["0.01", "0.0001"]
    assert offered(box, "Gradient") == ["adjoint", "direct"]
    find(box, "rtol").value = 1e-3
    assert offered(box, "atol") == ["0.001"]
    find(box, "Method").value = "euler"
    assert find(box, "rtol") is None and find(box, "atol") is None
    assert offered(box, "Steps") == ["1", "2"]
    assert offered(box, "Gradient") == ["adjoint", "direct", "checkpoint"]


def test_without_gradients_it_shows_the_solves_alone(made):
    found, *_ = made
    box = tolerance_explorer(replace(found, gradients=None), label="")
    _, _, numbers, (status, _) = parts(box)
    assert offered(box, "Gradient") == ["direct"]
    assert "backward" not in status.value and "error of the gradient" not in numbers.value


def test_without_live_there_is_no_button(made):
    found, *_ = made
    assert find(tolerance_explorer(found, label=""), "Run") is None


@pytest.fixture
def live_box(made):
    """An explorer that solves live, what it solved and what it said meanwhile."""
    found, probe, desk = made
    said = []

    def live(solver):
        said.append((solver, line(box).value))
        return measure(probe, replace(solver, gradient="direct")), measure_gradient(desk, solver)

    box = tolerance_explorer(found, label="", live=live)
    return box, said


def test_a_live_solve_says_so_and_joins_the_choice(live_box):
    box, said = live_box
    find(box, "Own rtol").value = 0.05
    find(box, "Own atol").value = 0.02
    find(box, "Run").click()
    status = line(box)
    wanted = Solver(rtol=0.05, atol=0.02)
    assert said[0][0] == wanted and "Solving with dopri5, rtol 0.05" in said[0][1]
    assert "dopri5, rtol 0.05, atol 0.02, adjoint gradient" in status.value
    assert offered(box, "rtol") == ["0.1", "0.05", "0.01", "0.001"]
    find(box, "Run").click()  # known by now: answered without another solve
    assert len(said) == 1
    assert not find(box, "Run").disabled  # a disabled button would lose the keyboard's focus


def test_a_live_solve_keeps_the_beat_and_takes_any_method(live_box):
    box, said = live_box
    find(box, "Beat").value = "class F"
    find(box, "Own method").value = "heun2"
    assert find(box, "Own rtol") is None and find(box, "Own atol") is None
    assert find(box, "Own gradient").options == ("adjoint", "direct", "checkpoint")
    find(box, "Own steps").value = 3
    find(box, "Own gradient").value = "checkpoint"
    find(box, "Run").click()
    assert said[0][0] == Solver(method="heun2", steps=3, gradient="checkpoint")
    assert "heun2, 3 steps, checkpoint gradient" in line(box).value
    assert find(box, "Method").value == "heun2" and find(box, "Beat").value == "class F"


@pytest.mark.parametrize("method", FOLLOWED)
def test_every_method_on_offer_can_be_measured(made, method):
    _, probe, desk = made
    adaptive = Solver(method=method).adaptive
    solver = Solver(method=method, **({"rtol": 0.1, "atol": 0.1} if adaptive else {"steps": 2}))
    assert 0 <= measure(probe, replace(solver, gradient="direct")).accuracy <= 1
    assert measure_gradient(desk, solver).error > 0


def test_a_solve_that_fails_is_explained(made):
    found, *_ = made

    def live(solver):
        return Solver(method="nonsense")

    box = tolerance_explorer(found, label="", live=live)
    find(box, "Run").click()
    assert "Unknown solver method=" in line(box).value
    assert find(box, "Method").value == "dopri5"


def test_the_sentence_holds_the_numbers_of_the_row(made):
    found, *_ = made
    row = replace(found.rows[0], accuracy=0.9126, evaluations=14.0, milliseconds=12.4)
    cost = replace(found.gradients.costs[0], evaluations_backward=20)
    text = status_text(found, row, cost, "class S")
    for part in (
        "dopri5, tolerance 0.1, adjoint gradient",
        "accuracy 0.913",
        "14.0 evaluations forward, 20 backward",
        "12 ms a batch of 64",
        "a beat of class S",
    ):
        assert part in text
