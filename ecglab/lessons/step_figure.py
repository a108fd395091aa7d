"""The figure of the step explorer: a path of equal steps, and its error among those of others."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from ecglab.lessons.convergence import Problem, end_errors
from ecglab.lessons.solver_figures import BOUND, draw_exact, draw_path, limit_axes, method_path
from ecglab.lessons.style import INK, LINE_COLOURS, QUIET
from ecglab.models.tableaus import TABLEAUS, Tableau

COUNTS: Final = (1, 2, 4, 8, 16, 32, 64)  # numbers of steps on the curves of errors
PLANE_MARGIN: Final = 1.35  # of the exact solution's height: Euler's 40 steps on the circle fit in
NEARBY: Final = 5  # curves whose last errors differ by a smaller factor share a label
EXACT: Final = {"color": QUIET, "linewidth": 4, "alpha": 0.6}
OTHERS: Final = {"color": QUIET, "linewidth": 1, "alpha": 0.5}
CHOSEN: Final = {"color": LINE_COLOURS[0]}
YOURS: Final = {"color": INK, "marker": "D", "markersize": 10, "linestyle": "none"}


def label_curves(axes: Axes, names: Sequence[str], length: float, errors: Sequence[float]) -> None:
    """Name the curves at their left end, the errors at step ``length``; close ones in one label."""
    groups: list[tuple[float, list[str]]] = []
    for error, name in sorted(zip(errors, names, strict=True)):
        if groups and error < NEARBY * groups[-1][0]:
            groups[-1][1].append(name)
        else:
            groups.append((error, [name]))
    for error, group in groups:  # below its curve, which rises to the right
        look = {"textcoords": "offset points", "va": "top", "fontsize": 9, "color": QUIET}
        text = ", ".join(sorted(group, key=names.index))
        axes.annotate(text, (length, error), xytext=(4, -4), **look)


def step_axes(problem: Problem) -> Figure:
    """The exact solution, and in grey the error of every method over its step length."""
    figure = Figure(figsize=(10, 4.1))
    left, right = (figure.add_axes((place, 0.155, 0.38, 0.675)) for place in (0.09, 0.6))
    exact = draw_exact(left, problem)
    limit_axes(left, exact, share=PLANE_MARGIN if exact.shape[1] == 2 else 0.4)
    left.set_title(problem.formula)
    lengths = problem.t1 / np.array(COUNTS)
    curves = np.array([end_errors(tableau, problem, COUNTS) for tableau in TABLEAUS.values()])
    shown = curves[np.isfinite(curves) & (curves < BOUND)]
    right.loglog(lengths, curves.T, **OTHERS)
    label_curves(right, [*TABLEAUS], lengths[-1], curves[:, -1])
    right.set(xlabel="step length h", ylabel="error at the end")
    right.set_ylim(shown.min() / 10, shown.max() * 3)
    right.set_xticks(lengths[::2], [f"{length:.3g}" for length in lengths[::2]])
    right.xaxis.set_minor_locator(NullLocator())
    right.set_title("").set_animated(True)  # names the method
    looks = {
        "exact solution": EXACT,
        "this method": CHOSEN | {"marker": "o"},
        "your choice": YOURS,
        "other methods": OTHERS,
    }
    handles = [Line2D([], [], **look, label=name) for name, look in looks.items()]
    figure.legend(handles=handles, loc="upper left", ncols=4, fontsize=10, frameon=False)
    return figure


def draw_choice(figure: Figure, problem: Problem, tableau: Tableau, steps: int) -> None:
    """Add a method's path to `step_axes`, its curve of errors and the error of this path."""
    left, right = figure.axes
    times, states, _ = method_path(tableau, problem, steps)
    draw_path(left, problem, times, states, **CHOSEN, marker="o")
    right.set_title(f"Error and step length: {tableau.name}")
    errors = end_errors(tableau, problem, COUNTS)
    shown = np.isfinite(errors)
    lengths = problem.t1 / np.array(COUNTS)
    right.plot(lengths[shown], errors[shown], **CHOSEN, marker=".")
    error = float(end_errors(tableau, problem, [steps])[0])
    if np.isfinite(error):
        right.plot([problem.t1 / steps], [error], **YOURS)


def step_text(problem: Problem, tableau: Tableau, steps: int) -> str:
    """What a choice gives, in words and numbers."""
    _, _, within = method_path(tableau, problem, steps)
    error = float(end_errors(tableau, problem, [steps])[0])
    end = f"error at the end {error:.2g}" if within else "the solution explodes"
    noun = "step" if steps == 1 else "steps"
    return (
        f"{tableau.name} on {problem.formula}: {steps} {noun} of {problem.t1 / steps:.3g}, "
        f"{steps * tableau.stages} evaluations of f, {end}."
    )


def step_figure(problem: Problem, tableau: Tableau, steps: int) -> tuple[Figure, str]:
    """One choice as a figure of its own, with its text alternative."""
    figure = step_axes(problem)
    draw_choice(figure, problem, tableau, steps)
    return figure, step_text(problem, tableau, steps)
