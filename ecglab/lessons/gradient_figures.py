"""The figure of the adjoint explorer: what each gradient keeps, takes and misses."""

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ecglab.lessons.adjoint_figures import line
from ecglab.lessons.figures import PLAIN, plain_log_ticks
from ecglab.lessons.gradient_sweep import GradientCost
from ecglab.lessons.solve_figures import solver_text
from ecglab.lessons.style import INK, QUIET
from ecglab.models.solve import GRADIENTS

PANELS: Final = (
    ("megabytes", "kept, MB", "Memory"),
    ("milliseconds", "ms a training batch", "Time"),
    ("error", "relative error", "Error of the gradient"),
)

QUIETLY: Final = {
    "color": QUIET,
    "marker": ".",
    "linestyle": "none",
    "alpha": 0.35,
    "markersize": 4,
}
RING: Final = {
    "color": "none",
    "marker": "o",
    "linestyle": "none",
    "mfc": "none",
    "mec": INK,
    "markersize": 15,
    "mew": 2,
}


def work(cost: GradientCost) -> int:
    """Evaluations of the dynamics in a training batch, forward and backward."""
    return cost.evaluations_forward + cost.evaluations_backward


def score(cost: GradientCost, name: str) -> float:
    """The number that a panel shows."""
    return cost.saved / 1e6 if name == "megabytes" else getattr(cost, name)


def gradient_axes(costs: Sequence[GradientCost]) -> Figure:
    """Memory, time and error over the evaluations, every cost as a grey point."""
    figure = Figure(figsize=(11, 3.9))
    for place, (name, unit, title) in zip((0.07, 0.4, 0.73), PANELS, strict=True):
        ax = figure.add_axes((place, 0.185, 0.255, 0.635))
        ax.plot([work(cost) for cost in costs], [score(cost, name) for cost in costs], **QUIETLY)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(LogLocator(base=4))
        ax.xaxis.set_major_formatter(PLAIN)
        ax.xaxis.set_minor_locator(NullLocator())
        if name == "error":
            ax.yaxis.set_minor_locator(NullLocator())
        else:
            plain_log_ticks(ax.yaxis)
        ax.set(xlabel="evaluations, both ways", ylabel=unit, title=title)
    figure.axes[0].set_title("").set_animated(True)  # names method and activation
    names = {"checkpoint": "checkpoint (fixed steps alone)"}
    looks = {names.get(gradient, gradient): line(n) for n, gradient in enumerate(GRADIENTS)}
    looks |= {"your solver": RING | {"markersize": 11}, "all others": QUIETLY | {"markersize": 7}}
    handles = [Line2D([], [], **look, label=name) for name, look in looks.items()]
    figure.legend(handles=handles, loc="upper left", ncols=5, fontsize=10, frameon=False)
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
                )
        ax.plot([work(cost) for cost in chosen], [score(cost, name) for cost in chosen], **RING)
    figure.axes[0].set_title(f"{PANELS[0][2]}: {method}, {activation}")


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
