"""The figure of the adjoint explorer: what each gradient keeps, takes and misses."""

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ecglab.lessons.adjoint_figures import line
from ecglab.lessons.figures import new_figure
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


def gradient_axes(costs: Sequence[GradientCost], activation: str, method: str) -> Figure:
    """A method's lines, one for each gradient, over the evaluations; all others as grey points."""
    figure, axes = new_figure(1, 3, width=11, height=3.9)
    chosen = [
        cost for cost in costs if (cost.activation, cost.solver.method) == (activation, method)
    ]
    for ax, (name, unit, title) in zip(axes[0], PANELS, strict=True):
        ax.plot(
            [work(cost) for cost in costs],
            [score(cost, name) for cost in costs],
            ".",
            color=QUIET,
            alpha=0.35,
            markersize=4,
        )
        for number, gradient in enumerate(GRADIENTS):
            own = sorted((cost for cost in chosen if cost.solver.gradient == gradient), key=work)
            if own:
                ax.plot(
                    [work(cost) for cost in own],
                    [score(cost, name) for cost in own],
                    **line(number),
                    label=gradient,
                )
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(LogLocator(base=4))
        ax.xaxis.set_major_formatter(PLAIN)
        if name != "error":
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(PLAIN)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_formatter(NullFormatter())
        ax.set(xlabel="evaluations, both ways", ylabel=unit, title=title)
    axes[0, 0].set_title(f"{method}, {activation}: memory")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=10
    )
    return figure


def draw_gradients(figure: Figure, chosen: Sequence[GradientCost]) -> None:
    """A ring around each of the chosen costs in the panels of `gradient_axes`."""
    for ax, (name, _, _) in zip(figure.axes, PANELS, strict=True):
        ax.plot(
            [work(cost) for cost in chosen],
            [score(cost, name) for cost in chosen],
            "o",
            mfc="none",
            mec=INK,
            markersize=15,
            mew=2,
        )


def gradient_figure(
    costs: Sequence[GradientCost], chosen: Sequence[GradientCost]
) -> tuple[Figure, str]:
    """Memory, time and error of a solver's gradients (``chosen``) among all that were measured."""
    figure = gradient_axes(costs, chosen[0].activation, chosen[0].solver.method)
    draw_gradients(figure, chosen)
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
