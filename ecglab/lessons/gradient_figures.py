"""The figure of the adjoint explorer: what each gradient keeps, takes and misses."""

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ecglab.lessons.adjoint_figures import line
from ecglab.lessons.gradient_sweep import GradientCost
from ecglab.lessons.solve_figures import solver_text
from ecglab.lessons.style import INK, QUIET
from ecglab.models.solve import GRADIENTS

PANELS: Final = (
    ("megabytes", "kept, MB", "Memory"),
    ("milliseconds", "ms a training batch", "Time"),
    ("error", "relative error", "Error of the gradient"),
)

PLAIN: Final = FuncFormatter(lambda value, _: f"{value:g}")


def work(cost: GradientCost) -> int:
    """Evaluations of the dynamics in a training batch, forward and backward."""
    return cost.evaluations_forward + cost.evaluations_backward


def score(cost: GradientCost, name: str) -> float:
    """The number that a panel shows."""
    return cost.saved / 1e6 if name == "megabytes" else getattr(cost, name)


def gradient_axes(costs: Sequence[GradientCost]) -> Figure:
    """Memory, time and error over the evaluations, every cost as a grey point."""
    figure = Figure(figsize=(11, 3.7))
    for place, (name, unit, title) in zip((0.07, 0.4, 0.73), PANELS, strict=True):
        ax = figure.add_axes((place, 0.18, 0.255, 0.7))
        ax.plot(
            [work(cost) for cost in costs],
            [score(cost, name) for cost in costs],
            ".",
            color=QUIET,
            alpha=0.35,
            markersize=4,
        )
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(LogLocator(base=4))
        ax.xaxis.set_major_formatter(PLAIN)
        if name != "error":
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(PLAIN)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
        ax.set(xlabel="evaluations, both ways", ylabel=unit, title=title)
    return figure


def draw_gradients(
    figure: Figure, costs: Sequence[GradientCost], chosen: Sequence[GradientCost]
) -> None:
    """Add the lines of the chosen costs' method to `gradient_axes`, and a ring around each."""
    activation, method = chosen[0].activation, chosen[0].solver.method
    same = [c for c in costs if (c.activation, c.solver.method) == (activation, method)]
    for ax, (name, _, _) in zip(figure.axes, PANELS, strict=True):
        for number, gradient in enumerate(GRADIENTS):
            own = sorted((cost for cost in same if cost.solver.gradient == gradient), key=work)
            if own:
                ax.plot(
                    [work(cost) for cost in own],
                    [score(cost, name) for cost in own],
                    **line(number),
                    label=gradient,
                )
        ax.plot(
            [work(cost) for cost in chosen],
            [score(cost, name) for cost in chosen],
            "o",
            mfc="none",
            mec=INK,
            markersize=15,
            mew=2,
        )
    figure.axes[0].legend(title=f"{method}, {activation}", loc="upper left", fontsize=9)


def gradient_figure(
    costs: Sequence[GradientCost], chosen: Sequence[GradientCost]
) -> tuple[Figure, str]:
    """Memory, time and error of a solver's gradients (``chosen``) among all that were measured."""
    figure = gradient_axes(costs)
    draw_gradients(figure, costs, chosen)
    return figure, gradient_text(chosen)


def gradient_text(chosen: Sequence[GradientCost]) -> str:
    """What `gradient_figure` shows of the chosen costs, in words and numbers."""
    told = [
        f"{cost.solver.gradient}: {work(cost)} evaluations, {cost.saved / 1e6:.1f} MB kept, "
        f"{cost.milliseconds:.0f} ms, error {cost.error:.1e}"
        for cost in chosen
    ]
    return (
        f"Memory, time and error of the gradient over the evaluations, {chosen[0].activation} "
        f"dynamics. Ringed: {solver_text(chosen[0].solver)}. {'; '.join(told)}."
    )
