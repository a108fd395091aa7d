"""The figure of the tolerance explorer: a beat's path, a solver's steps, its place among others."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ecglab.lessons.solve_figures import draw_against_evaluations, draw_steps
from ecglab.lessons.style import CLASS_COLOURS, CLASS_MARKERS, INK, QUIET
from ecglab.lessons.sweep import Sweep, SweepRow


def explorer_axes(found: Sweep, example: int) -> Figure:
    """Axes that hold every solver of the sweep, with the reference solve of one example beat."""
    figure = Figure(figsize=(11, 3.6))
    places = (0.085, 0.4, 0.735)
    left, middle, right = (figure.add_axes((place, 0.2, 0.25, 0.64)) for place in places)
    name = found.examples[example]["class"]
    ends = [t + h for row in found.rows for t, h in row.accepted]
    points = np.concatenate([row.paths[example] for row in (*found.rows, found.reference)])
    true = np.array(found.reference.paths[example])
    left.plot(*points.T, linestyle="none")  # so that the axes hold them all
    left.plot(*true.T, color=QUIET, linewidth=4, alpha=0.5)
    left.set(xlabel="first coordinate", ylabel="second coordinate")
    left.set_title(f"A beat of class {name} (grey: reference)", fontsize=12)
    steps = found.reference
    draw_steps(middle, steps.accepted, steps.rejected, colour=QUIET, level=-1.0)
    middle.axvline(1.0, color=QUIET, linestyle="--", linewidth=1)
    middle.set_yticks([0, -1], ["this\nsolver", "refe-\nrence"], fontsize=9)
    middle.set(xlabel="t, the depth", title="Where it stepped")
    middle.set(xlim=(-0.05, max(ends) + 0.05), ylim=(-1.6, 0.9))
    middle.grid(axis="y", visible=False)
    draw_against_evaluations(right, found.rows, "error")
    right.set_yscale("log")
    right.set(ylabel="relative error of y(1)", title="Among the others")
    right.legend(fontsize=8, loc="lower left")  # free: errors fall to the right
    return figure


def draw_solver(figure: Figure, found: Sweep, row: SweepRow, example: int) -> None:
    """Add one solver to `explorer_axes`: its path, its steps and a ring around its point."""
    left, middle, right = figure.axes
    name = found.examples[example]["class"]
    path = np.array(row.paths[example])
    left.plot(*path.T, color=CLASS_COLOURS[name], marker=".")
    left.plot(*path[-1], CLASS_MARKERS[name], color=CLASS_COLOURS[name], markersize=10)
    draw_steps(middle, row.accepted, row.rejected, colour=CLASS_COLOURS[name])
    right.plot(row.evaluations, row.error, "o", mfc="none", mec=INK, markersize=17, mew=2)


def explorer_figure(found: Sweep, row: SweepRow, example: int) -> tuple[Figure, str]:
    """One solver beside the reference: a beat's path, the steps, and its place among the others."""
    figure = explorer_axes(found, example)
    for ax in figure.axes:
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # those that the explorer has
    draw_solver(figure, found, row, example)
    return figure, explorer_text(found, row, example)


def explorer_text(found: Sweep, row: SweepRow, example: int) -> str:
    """What `explorer_figure` shows, in words and numbers."""
    name = found.examples[example]["class"]
    path, true = row.paths[example], found.reference.paths[example]

    def place(point: Sequence[float]) -> str:
        return f"({point[0]:.1f}, {point[1]:.1f})"

    return (
        f"Left: the hidden state of a beat of class {name} goes from {place(path[0])} to "
        f"{place(path[-1])}, the reference to {place(true[-1])}. Middle: {len(row.accepted)} "
        f"accepted and {len(row.rejected)} rejected steps on the axis of t. Right: relative error "
        f"{row.error:.1e} at {row.evaluations:.0f} evaluations a batch, among the other solvers."
    )
