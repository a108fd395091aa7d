"""Figures of lesson 04: the adjoint and its proofs, what gradients cost, and the way back."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ecglab.lessons.convergence import slope
from ecglab.lessons.figures import new_figure
from ecglab.lessons.gradient_checks import Remainder
from ecglab.lessons.gradient_costs import Accuracy, Discretisation, Memory
from ecglab.lessons.style import INK, LINE_COLOURS, QUIET

MARKERS: Final = ("o", "s", "^", "D", "X")
DASHES: Final = ("-", "--", "-.", ":")


def line(number: int) -> dict[str, object]:
    """Colour, marker and dashes of the line with this number."""
    return {
        "color": LINE_COLOURS[number],
        "marker": MARKERS[number],
        "linestyle": DASHES[number % len(DASHES)],
    }


def whole_numbers(axes: Axes, ticks: Sequence[int]) -> None:
    """Write the numbers of steps or evaluations on a logarithmic axis as they are."""
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def sign_figure(
    times: Float[np.ndarray, " times"],
    adjoint: Float[np.ndarray, "times dimension"],
    probes: Float[np.ndarray, " probes"],
    differences: Float[np.ndarray, "probes dimension"],
) -> tuple[Figure, str]:
    """The adjoint over time; central differences of the loss by y(t) at some times as points."""
    figure, axes = new_figure(height=4.0)
    panel = axes[0, 0]
    for i in range(adjoint.shape[1]):
        style = {"color": LINE_COLOURS[i], "linestyle": DASHES[i]}
        panel.plot(times, adjoint[:, i], **style, label=f"$a_{i + 1}$, from the equation")
        panel.plot(
            probes,
            differences[:, i],
            MARKERS[i],
            color=LINE_COLOURS[i],
            markersize=9,
            label=f"$+\\partial L/\\partial y_{i + 1}$, measured",
        )
    panel.axhline(0, color=INK, linewidth=1)
    panel.set(xlabel="time t", ylabel="dL / dy(t)", title="The points lie on the lines")
    figure.legend(loc="outside right upper", fontsize=10)
    at = np.array([np.interp(probes, times, column) for column in adjoint.T]).T
    apart = float(np.abs(at - differences).max())
    mirrored = float(np.abs(at + differences).max())
    alt = (
        f"Components of the adjoint over time and central differences of the loss at "
        f"{len(probes)} times. The points lie on the lines (largest distance {apart:.1g}); with "
        f"the other sign they would be up to {mirrored:.2g} away."
    )
    return figure, alt


def checks_figure(
    remainders: Mapping[str, Sequence[Remainder]], rows: Sequence[Discretisation]
) -> tuple[Figure, str]:
    """The Taylor test of several gradients; the adjoint's distance from the direct gradient."""
    figure, axes = new_figure(1, 2, width=10, height=4.4)
    left, right = axes[0]
    told = []
    for number, (name, found) in enumerate(remainders.items()):
        sizes = [row.size for row in found]
        values = [row.linear for row in found]
        ending = slope(sizes[-3:], values[-3:])
        left.loglog(sizes, values, **line(number), label=f"{name}: {ending:.2f}")
        told.append(f"{name} {ending:.2f}")
    left.invert_xaxis()
    left.set(xlabel="size of the step (smaller to the right)", ylabel="what the gradient missed")
    left.set_title("Taylor test: slope at the right end")
    left.legend(loc="lower left", fontsize=10)
    orders = []
    for number, (name, group) in enumerate(groupby(rows, key=lambda row: row.dynamics)):
        own = list(group)
        steps, differences = [row.steps for row in own], [row.difference for row in own]
        order = -slope(steps, differences)
        right.loglog(steps, differences, **line(number), label=f"{name}: order {order:.1f}")
        orders.append(
            f"{name} from {differences[0]:.1e} to {differences[-1]:.1e}, order {order:.1f}"
        )
    whole_numbers(right, sorted({row.steps for row in rows}))
    right.set(xlabel="steps of rk4", ylabel="relative difference")
    right.set_title("Adjoint against direct, on heartbeats")
    right.legend(loc="lower left", fontsize=10)
    alt = (
        f"Left: the Taylor remainder against the size of the step, slopes at the small end: "
        f"{', '.join(told)}. Right: the adjoint's gradient comes closer to the direct one with "
        f"more steps: {'; '.join(orders)}."
    )
    return figure, alt


def memory_figure(rows: Sequence[Memory]) -> tuple[Figure, str]:
    """Kept and highest memory of a training batch against evaluations, for each gradient."""
    figure, axes = new_figure(1, 2, width=10, height=4.0, sharey=True)
    told = []
    for panel, part in zip(axes[0], ("kept", "peak"), strict=True):
        for number, (gradient, group) in enumerate(groupby(rows, key=lambda row: row.gradient)):
            own = list(group)
            megabytes = [getattr(row, part) / 1e6 for row in own]
            panel.plot([row.evaluations for row in own], megabytes, **line(number), label=gradient)
            told.append(
                f"{gradient}, {part}: {megabytes[0]:.1f} to {megabytes[-1]:.1f} MB from "
                f"{own[0].evaluations} to {own[-1].evaluations} evaluations"
            )
        panel.set(xlabel="evaluations of the dynamics", ylim=(0, None))
        panel.set_xticks(sorted({row.evaluations for row in rows}))
    axes[0, 0].set(ylabel="MB", title="Kept for the backward pass")
    axes[0, 1].set_title("Highest during the whole batch")
    axes[0, 0].legend(loc="upper left")
    return figure, f"Memory of one training batch of the ODENet. {'; '.join(told)}."


def accuracy_figure(rows: Sequence[Accuracy]) -> tuple[Figure, str]:
    """Backward evaluations and gradient error against the tolerance, a line for each dynamics."""
    figure, axes = new_figure(1, 2, width=10, height=4.4)
    left, right = axes[0]
    told = []
    for number, (name, group) in enumerate(groupby(rows, key=lambda row: row.dynamics)):
        own = list(group)
        tolerances = [row.tolerance for row in own]
        backward = [row.evaluations_backward for row in own]
        errors = [row.error for row in own]
        left.loglog(tolerances, backward, **line(number), label=name)
        right.loglog(tolerances, errors, **line(number))
        told.append(
            f"{name}: {backward[0]} to {backward[-1]} backward evaluations (forward "
            f"{own[0].evaluations_forward} to {own[-1].evaluations_forward}), gradient error "
            f"{errors[0]:.1e} to {errors[-1]:.1e}"
        )
    tolerances = sorted({row.tolerance for row in rows})
    right.loglog(tolerances, tolerances, color=QUIET, linewidth=4, alpha=0.5, label="tolerance")
    for panel in (left, right):
        panel.invert_xaxis()
        panel.set_xlabel("tolerance (tighter to the right)")
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.yaxis.set_minor_formatter(NullFormatter())
    left.set_yticks([20, 50, 100, 200, 500])
    left.set(ylabel="evaluations", title="Work of the backward solve")
    right.set(ylabel="relative error", title="Error of the gradient")
    right.legend(loc="lower left", fontsize=10)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=4, fontsize=10)
    alt = (
        f"dopri5 with adjoint gradients as the tolerance tightens from {tolerances[-1]:.1g} to "
        f"{tolerances[0]:.1g}. {'; '.join(told)}."
    )
    return figure, alt


def return_figure(
    paths: Sequence[tuple[Float[np.ndarray, "times 2"], Float[np.ndarray, "times 2"]]],
    durations: Sequence[float],
    distances: Mapping[str, Sequence[float]],
) -> tuple[Figure, str]:
    """Distance from the centre on the way there and back; distance from home against the duration.

    The paths take the longest of the ``durations`` in equal steps.
    """
    figure, axes = new_figure(1, 2, width=10, height=4.2)
    left, right = axes[0]
    told = []
    for number, (there, back) in enumerate(paths):
        colour, marker = LINE_COLOURS[number], MARKERS[number]
        times = np.linspace(0, durations[-1], len(there))
        out, home = np.hypot(*there.T), np.hypot(*back.T)
        left.plot(times, out, color=colour, label=f"there, from {out[0]:.1f}")
        left.plot(times[::-1], home, color=colour, linestyle=":", linewidth=2.6, label="and back")
        left.plot(0, out[0], marker, color=colour, markersize=10, clip_on=False)
        left.plot(0, home[-1], "X", color=INK, markersize=10, clip_on=False)
        told.append(
            f"the path from radius {out[0]:.2f} reaches {out[-1]:.3f} and comes back to "
            f"{home[-1]:.2f}"
        )
    left.set(xlabel="time (s)", ylabel="radius", ylim=(0, None), title="There and back")
    left.legend(loc="upper right", fontsize=10, ncols=2)
    grown = []
    for number, (name, values) in enumerate(distances.items()):
        right.semilogy(durations, values, **line(number), label=name)
        grown.append(f"{name}: {values[0]:.1e} to {values[-1]:.1e}")
    right.set(xlabel="seconds there (and as many back)", ylabel="distance from home")
    right.set_title("Each second costs the same factor")
    right.legend(loc="lower right", fontsize=10)
    alt = (
        f"Left: radius of the simulated heart's point over time, onto the unit circle and back; "
        f"{'; '.join(told)}. Right: distance from the start after {durations[0]:g} to "
        f"{durations[-1]:g} seconds there and back: {'; '.join(grown)}."
    )
    return figure, alt
