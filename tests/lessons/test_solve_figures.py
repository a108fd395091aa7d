"""Figures of solves show the numbers that they were given."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from ecglab.lessons import solve_figures
from ecglab.lessons.figures import png
from ecglab.lessons.style import CLASS_COLOURS
from ecglab.lessons.sweep import Sweep, SweepRow
from ecglab.models import Solver, SolverReport
from ecglab.training.history import Epoch


def row(solver, evaluations, error):
    return SweepRow(
        solver=solver,
        accuracy=0.9,
        macro_f1=0.5,
        changed=0.25,
        error=error,
        evaluations=evaluations,
        steps=2.0,
        milliseconds=5.0 * evaluations,
        accepted=[[0.0, 0.4], [0.4, 0.8]],
        rejected=[[0.4, 2.0]],
        times=[0.0, 0.4, 1.0],
        paths=[[[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]], [[5.0, 5.0], [4.0, 4.0], [error, 2.0]]],
    )


@pytest.fixture
def found():
    return Sweep(
        rows=[
            row(Solver(rtol=0.1, atol=0.1, gradient="direct"), 14, 0.1),
            row(Solver(rtol=0.001, atol=0.001, gradient="direct"), 26, 0.001),
            row(Solver(method="euler", steps=1, gradient="direct"), 1, 0.5),
            row(Solver(method="euler", steps=4, gradient="direct"), 4, 0.2),
        ],
        reference=row(Solver(rtol=1e-6, atol=1e-6, gradient="direct"), 80, 0.0),
        examples=[
            {"class": "N", "record": 1, "sample": 2},
            {"class": "V", "record": 3, "sample": 4},
        ],
        explained=0.75,
        beats=100,
        batch_size=50,
        origin="simulated",
        network={"width": 16, "parameters": 1},
        provenance={"device": "a machine", "finished": "2026-01-01T00:00:00"},
    )


@pytest.mark.parametrize(
    ("solver", "text"),
    [
        (Solver(rtol=1e-3, atol=1e-3), "tolerance 0.001"),
        (Solver(rtol=1e-3, atol=1e-6), "rtol 0.001, atol 1e-06"),
        (Solver(method="rk4"), "1 step"),
        (Solver(method="rk4", steps=4), "4 steps"),
    ],
)
def test_a_setting_in_words(solver, text):
    assert solve_figures.setting_text(solver) == text


def test_every_step_is_drawn_where_it_was_taken():
    reports = {
        "dopri5, one": SolverReport(26, 0, [(0.0, 0.25), (0.25, 1.0)], [(0.25, 2.0)]),
        "rk4, two": SolverReport(4, 0, [(0.0, 1.0)], []),
        "dopri5, three": SolverReport(14, 0, [(0.0, 1.5)], []),
    }
    figure, alt = solve_figures.steps_figure(reports, [0.0, 1.0], [2.0, 3.0], [4.0, 5.0])
    below = figure.axes[1]
    bars = [segment for lines in below.collections for segment in lines.get_segments()]
    spans = sorted((bar[0][0], bar[1][0]) for bar in np.round(bars, 6).tolist())
    assert spans == [(0.0, 0.25), (0.0, 1.0), (0.0, 1.5), (0.25, 1.25)]
    one, two, three = (to_rgba(lines.get_colors()[0]) for lines in below.collections)
    assert one == three == to_rgba(solve_figures.look_of("dopri5")["color"])
    assert two == to_rgba(solve_figures.look_of("rk4")["color"])
    crosses = [line for line in below.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in crosses] == [[2.25]]
    assert "dopri5, one: 2 accepted, 1 rejected, 26 evaluations" in alt
    assert "from 2.00 at t = 0 to 3.00 at t = 1" in alt
    assert png(figure)


def test_evaluations_beyond_the_end_are_counted():
    figure, alt = solve_figures.evaluation_times_figure({"dopri5": [0.0, 0.5, 1.2, 1.5]})
    assert "4 evaluations, 2 beyond 1, the last at t = 1.50" in alt
    assert list(figure.axes[0].lines[0].get_ydata()) == [0.0, 0.5, 1.2, 1.5]


def test_evaluations_are_drawn_by_epoch_both_ways():
    history = [Epoch(i, 0.1, 1, 0.5, None, None, 1, 20 + i, 30 + i, 0) for i in range(3)]
    figure, alt = solve_figures.evaluations_figure({"run": history})
    forward, backward = figure.axes[0].lines
    assert list(forward.get_xdata()) == [1, 2, 3]
    assert list(forward.get_ydata()) == [20, 21, 22]
    assert list(backward.get_ydata()) == [30, 31, 32]
    assert "run, backward: 30.0, 31.0, 32.0" in alt


def test_paths_wear_the_colours_of_their_classes(found):
    figure, alt = solve_figures.paths_figure(found)
    ax = figure.axes[0]
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 3]
    assert [to_rgba(line.get_color()) for line in drawn] == [
        to_rgba(CLASS_COLOURS[name]) for name in "NV"
    ]
    np.testing.assert_array_equal(np.transpose(drawn[1].get_data()), found.reference.paths[1])
    assert "75% of the variance" in ax.get_title() + ax.get_title(loc="left")
    assert "75%" in alt and "N from (0.0, 0.0) to (3.0, 1.0)" in alt


def test_the_sweep_figure_has_a_line_for_every_method_in_every_panel(found):
    figure, alt = solve_figures.sweep_figure(found)
    for ax, score in zip(figure.axes, ("error", "accuracy", "milliseconds"), strict=True):
        lines = {line.get_label(): line for line in ax.lines}
        for method in ("dopri5", "euler"):
            chosen = [r for r in found.rows if r.solver.method == method]
            assert list(lines[method].get_xdata()) == [r.evaluations for r in chosen]
            assert list(lines[method].get_ydata()) == [getattr(r, score) for r in chosen]
        assert ax.get_xscale() == "log"
    assert "euler from 1 step to 4 steps: 1 to 4 evaluations" in alt
    assert png(figure)


@pytest.mark.parametrize("accuracy", [0.8, 0.99])
def test_a_beat_looks_small_beside_the_accuracies(found, accuracy):
    reference = dataclasses.replace(found.reference, accuracy=accuracy)
    figure, _ = solve_figures.sweep_figure(dataclasses.replace(found, reference=reference))
    bottom, top = figure.axes[1].get_ylim()
    assert bottom <= accuracy - 0.05 and min(1, accuracy + 0.05) <= top < 1.01
    (band,) = [patch for patch in figure.axes[1].patches if patch.get_label() == "± 1 beat"]
    edges = band.get_extents().transformed(figure.axes[1].transData.inverted())
    assert (edges.y0, edges.y1) == pytest.approx((accuracy - 0.01, accuracy + 0.01))


def test_the_table_names_every_solver_and_the_reference(found):
    rows = solve_figures.sweep_table(found)
    assert [line["solver"] for line in rows] == [
        "dopri5, tolerance 0.1",
        "dopri5, tolerance 0.001",
        "euler, 1 step",
        "euler, 4 steps",
        "reference: dopri5, tolerance 1e-06",
    ]
    assert rows[0]["class changed"] == "25.0%"
    assert rows[1]["error of y(1)"] == "1.0e-03"


def test_methods_look_different():
    looks = [tuple(solve_figures.look_of(m).values()) for m in solve_figures.METHODS]
    assert len(set(looks)) == len(looks)
