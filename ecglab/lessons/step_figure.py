"""The figure of the step explorer: a path of equal steps, and its error among those of others."""

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ecglab.lessons.convergence import Problem, end_errors
from ecglab.lessons.solver_figures import BOUND, draw_exact, draw_path, limit_axes, method_path
from ecglab.lessons.style import INK, LINE_COLOURS, QUIET
from ecglab.models.tableaus import TABLEAUS, Tableau

COUNTS: Final = (1, 2, 4, 8, 16, 32, 64)  # numbers of steps on the curves of errors


def step_axes(problem: Problem) -> Figure:
    """The exact solution, and in grey the error of every method over its step length."""
    figure = Figure(figsize=(10, 4.0))
    left, right = (figure.add_axes((place, 0.16, 0.38, 0.74)) for place in (0.08, 0.59))
    exact = draw_exact(left, problem)
    limit_axes(left, exact, share=0.75 if exact.shape[1] == 2 else 0.4)
    left.set_title(problem.formula)
    lengths = problem.t1 / np.array(COUNTS)
    curves = np.array([end_errors(tableau, problem, COUNTS) for tableau in TABLEAUS.values()])
    shown = curves[np.isfinite(curves) & (curves < BOUND)]
    right.loglog(lengths, curves.T, color=QUIET, linewidth=1, alpha=0.5)
    right.set(xlabel="step length h", ylabel="error at the end", title="Error and step length")
    right.set_ylim(shown.min() / 3, shown.max() * 3)
    right.set_xticks(lengths[::2], [f"{length:.3g}" for length in lengths[::2]])
    right.xaxis.set_minor_locator(NullLocator())
    return figure


def draw_choice(figure: Figure, problem: Problem, tableau: Tableau, steps: int) -> None:
    """Add a method's path to `step_axes`, its curve of errors and the error of this path."""
    left, right = figure.axes
    times, states, _ = method_path(tableau, problem, steps)
    draw_path(left, problem, times, states, color=LINE_COLOURS[0], marker="o", label=tableau.name)
    left.legend(loc="upper right", fontsize=10)
    errors = end_errors(tableau, problem, COUNTS)
    shown = np.isfinite(errors)
    lengths = problem.t1 / np.array(COUNTS)
    right.plot(lengths[shown], errors[shown], color=LINE_COLOURS[0], marker=".", label=tableau.name)
    error = float(end_errors(tableau, problem, [steps])[0])
    if np.isfinite(error):
        right.plot(
            [problem.t1 / steps], [error], "D", color=INK, markersize=10, label="your choice"
        )
    right.legend(loc="lower right", fontsize=10)


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
