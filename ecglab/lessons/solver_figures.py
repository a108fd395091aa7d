"""Figures of solvers: their steps, their errors, where they explode; each with its text."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ecglab.lessons.convergence import (
    Problem,
    end_errors,
    growth_factor,
    slope,
    stable_until,
)
from ecglab.lessons.figures import new_figure
from ecglab.lessons.style import INK, LINE_COLOURS, QUIET
from ecglab.models.tableaus import Tableau, trajectory

MARKERS: Final = ("o", "s", "^", "D", "X")
DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
BOUND: Final = 1e3  # a path that leaves (-1000, 1000) is drawn no further


def method_path(
    tableau: Tableau, problem: Problem, steps: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Times (n,) and states (n, dimension) of a solve, and whether it stayed within bounds."""
    times, states = [], []
    for t, y in trajectory(tableau, problem.f, problem.y0, t1=problem.t1, steps=steps):
        if not np.abs(y).max() < BOUND:
            return np.array(times), np.array(states), False
        times.append(t)
        states.append(y)
    return np.array(times), np.array(states), True


def draw_exact(axes: Axes, problem: Problem) -> np.ndarray:
    """Draw the exact solution, over time or (two dimensions) in the plane, and return it."""
    times = np.linspace(0, problem.t1, 300)
    exact = np.array([problem.exact(t) for t in times])
    plane = exact.shape[1] == 2
    x, y = (exact[:, 0], exact[:, 1]) if plane else (times, exact[:, 0])
    axes.plot(x, y, color=QUIET, linewidth=4, alpha=0.6, label="exact solution")
    axes.set(xlabel="y1" if plane else "time t", ylabel="y2" if plane else "y")
    return exact


def draw_path(axes: Axes, problem: Problem, times: np.ndarray, states: np.ndarray, **style) -> None:
    """Draw computed states, over time or (two dimensions) in the plane."""
    plane = states.shape[1] == 2
    x, y = (states[:, 0], states[:, 1]) if plane else (times, states[:, 0])
    axes.plot(x, y, **style)


def limit_axes(axes: Axes, exact: np.ndarray, *, share: float) -> None:
    """Keep the exact solution in view, with a margin of ``share`` of its height around it."""
    margin = share * float(np.ptp(exact, axis=0).max())
    low, high = exact.min(axis=0) - margin, exact.max(axis=0) + margin
    if exact.shape[1] == 2:
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    else:
        axes.set_ylim(low[0], high[0])


def paths_figure(
    problem: Problem, methods: Sequence[Tableau], steps: Sequence[int]
) -> tuple[Figure, str]:
    """Methods on one problem: a panel for each number of steps, the exact solution behind.

    Curves may lie on each other, so each panel's legend gives the errors at the end.
    """
    figure, axes = new_figure(1, len(steps), width=10, height=4.0, sharey=True)
    told = []
    for panel, count in zip(axes[0], steps, strict=True):
        exact = draw_exact(panel, problem)
        errors = [end_errors(tableau, problem, [count])[0] for tableau in methods]
        for number, (tableau, error) in enumerate(zip(methods, errors, strict=True)):
            times, states, _ = method_path(tableau, problem, count)
            draw_path(
                panel,
                problem,
                times,
                states,
                color=LINE_COLOURS[number],
                linestyle=DASHES[number],
                marker=MARKERS[number],
                label=f"{tableau.name}: {error:.1e}",
            )
        limit_axes(panel, exact, share=0.2)
        panel.set_title(f"{count} steps of {problem.t1 / count:g}")
        curves, labels = panel.get_legend_handles_labels()
        panel.legend(
            curves[1:],
            labels[1:],
            title="error at the end",
            loc="upper left",
            fontsize=9,
            title_fontsize=9,
        )
        listed = ", ".join(f"{m.name} {e:.1e}" for m, e in zip(methods, errors, strict=True))
        told.append(f"with {count} steps the errors at the end are: {listed}")
    figure.legend(curves[:1], labels[:1], loc="outside upper left")
    return figure, f"{problem.formula}, exact and computed: " + "; ".join(told) + "."


def order_figure(
    methods: Sequence[Tableau], problems: Sequence[Problem], steps: Sequence[int]
) -> tuple[Figure, str]:
    """Error at the end against step length, both logarithmic, a panel for each problem."""
    figure, axes = new_figure(1, len(problems), width=10, height=4.6, sharey=True)
    told = []
    for panel, problem in zip(axes[0], problems, strict=True):
        lengths = np.array([problem.t1 / count for count in steps])
        for number, tableau in enumerate(methods):
            errors = end_errors(tableau, problem, steps)
            found = slope(lengths, errors)
            panel.loglog(
                lengths,
                errors,
                color=LINE_COLOURS[number],
                linestyle=DASHES[number],
                marker=MARKERS[number],
                label=f"{tableau.name}: slope {found:.2f}",
            )
            told.append(f"{tableau.name} on {problem.formula}: slope {found:.2f}")
        kind = "autonomous" if problem.autonomous else "depends on the time"
        panel.set(xlabel="step length h", title=f"{problem.formula}  ({kind})")
        panel.set_xticks(lengths, [f"{length:.3g}" for length in lengths])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.legend(loc="lower right", fontsize=10)
    axes[0, 0].set_ylabel("error at the end")
    return figure, "Errors against step length on logarithmic axes. " + "; ".join(told) + "."


def stability_figure(
    problem: Problem, rate: float, method: Tableau, steps: Sequence[int], others: Sequence[Tableau]
) -> tuple[Figure, str]:
    """One method on y' = -rate y with several step lengths; growth per step of several methods."""
    figure, axes = new_figure(1, 2, width=10, height=4.2)
    left, right = axes[0]
    draw_exact(left, problem)
    told = []
    for number, count in enumerate(steps):
        length = problem.t1 / count
        times, states, _ = method_path(method, problem, count)
        draw_path(
            left,
            problem,
            times,
            states,
            color=LINE_COLOURS[number],
            linestyle=DASHES[number],
            marker=MARKERS[number],
            label=f"h = {length:.3g}",
        )
        factor = growth_factor(method, rate * length)
        told.append(f"h = {length:.3g} multiplies it by {factor:.2f} a step in size")
    left.set_ylim(-3, 4.6)
    left.set_title(f"{method.name} on {problem.formula}")
    left.legend(loc="upper center", fontsize=10, ncols=2)
    z = np.linspace(0, 3.2, 200)
    limits = []
    for number, tableau in enumerate(others):
        limit = stable_until(tableau)
        limits.append(f"{tableau.name} {limit:.2f}")
        right.plot(
            z,
            [growth_factor(tableau, value) for value in z],
            color=LINE_COLOURS[number],
            linestyle=DASHES[number],
            label=f"{tableau.name}: up to {limit:.2f}",
        )
    right.plot(z, np.exp(-z), color=QUIET, linewidth=4, alpha=0.6, label="exact: exp(-kh)")
    right.axhline(1, color=INK, linewidth=1)
    right.set(xlabel="k h", ylabel="size after / before one step", ylim=(0, 2.2))
    right.set_title("Growth in one step: above 1 it explodes")
    right.legend(loc="upper left", fontsize=10)
    alt = (
        f"Left: the exact solution of {problem.formula} falls to zero; of {method.name}'s steps, "
        f"{', '.join(told)}. Right: growth of one step on y' = -k y against k h; it stays below "
        f"1 up to: {', '.join(limits)}."
    )
    return figure, alt
