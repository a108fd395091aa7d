"""Figures of ODE solves; each function returns a figure and its text alternative."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ecglab.lessons.figures import new_figure
from ecglab.lessons.gradient_sweep import GradientCost
from ecglab.lessons.probe import REFERENCE
from ecglab.lessons.style import CLASS_COLOURS, CLASS_MARKERS, INK, LINE_COLOURS, QUIET
from ecglab.lessons.sweep import Sweep, SweepRow
from ecglab.models.solve import METHODS, Solver, SolverReport
from ecglab.training.history import Epoch

MARKERS: Final = "osD^vX"
LINES: Final = ("-", "--", "-.", ":")


def setting_text(solver: Solver) -> str:
    """What a reader chooses of a solver: ``tolerance 0.001`` or ``4 steps``."""
    if solver.adaptive:
        same = solver.rtol == solver.atol
        return (
            f"tolerance {solver.rtol:g}" if same else f"rtol {solver.rtol:g}, atol {solver.atol:g}"
        )
    steps = solver.steps or 1
    return "1 step" if steps == 1 else f"{steps} steps"


def solver_text(solver: Solver) -> str:
    """Method and setting: ``dopri5, tolerance 0.001``."""
    return f"{solver.method}, {setting_text(solver)}"


def look_of(method: str) -> dict[str, object]:
    """Colour, marker and line of a method: the same in every figure."""
    known = ("dopri5", "bosh3", "rk4", "midpoint", "euler", "adaptive_heun")
    place = known.index(method) if method in known else 6 + METHODS.index(method)
    return {
        "color": LINE_COLOURS[place % len(LINE_COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[place % len(LINES)],
    }


def draw_steps(
    axes: Axes,
    accepted: Sequence[Sequence[float]],
    rejected: Sequence[Sequence[float]],
    *,
    colour: str = INK,
    level: float = 0.0,
) -> None:
    """Every accepted step as a bar from its start to its end, every rejected one as a cross."""
    starts = [t for t, _ in accepted]
    ends = [t + h for t, h in accepted]
    axes.hlines([level] * len(starts), starts, ends, color=colour, linewidth=2)
    axes.plot([*starts, ends[-1]], [level] * (len(starts) + 1), "|", color=colour, markersize=14)
    if rejected:
        tried = [t + h for t, h in rejected]
        axes.plot(tried, [level + 0.3] * len(tried), "x", color=INK, markersize=6)


def steps_figure(
    reports: Mapping[str, SolverReport],
    times: Sequence[float],
    speeds: Sequence[float],
    turns: Sequence[float],
) -> tuple[Figure, str]:
    """How the state moves along t, and below where each solver stepped.

    ``speeds`` and ``turns`` are the sizes of f and of df/dt at ``times``, see `motion`; a
    report's name stands at its line and begins with the method, as `solver_text` writes it.
    """
    height = 3.4 + 0.45 * len(reports)
    figure, axes = new_figure(
        2, height=height, sharex=True, height_ratios=[2.0, 0.2 + 0.45 * len(reports)]
    )
    above, below = axes[:, 0]
    above.plot(times, speeds, color=INK, label="speed: size of f")
    above.plot(times, turns, "--", color=LINE_COLOURS[1], label="bend: size of df/dt")
    above.set(ylim=(0, None), ylabel="root mean square", title="How the hidden state moves")
    notes = []
    for level, (name, report) in enumerate(reports.items()):
        draw_steps(
            below,
            report.accepted,
            report.rejected,
            colour=look_of(name.split(",")[0])["color"],
            level=-level,
        )
        notes.append(
            f"{name}: {len(report.accepted)} accepted, {len(report.rejected)} rejected, "
            f"{report.evaluations_forward} evaluations"
        )
    below.plot([], [], "x", color=INK, label="end of a rejected step")
    below.set_yticks([-level for level in range(len(reports))], list(reports))
    below.set(xlabel="t, the depth", title="Where the solvers stepped")
    below.set_ylim(0.6 - len(reports), 0.7)
    below.grid(axis="y", visible=False)
    for ax in (above, below):
        ax.axvline(1.0, color=QUIET, linestyle="--", linewidth=1)
    figure.legend(loc="outside upper right", ncols=3)
    alt = (
        f"Top: along the solution the size of f goes from {speeds[0]:.2f} at t = 0 to "
        f"{speeds[-1]:.2f} at t = 1, that of df/dt from {turns[0]:.2f} to {turns[-1]:.2f}. Bottom: "
        f"the steps of each solver on the axis of t. " + "; ".join(notes) + "."
    )
    return figure, alt


def evaluation_times_figure(evaluated: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """At which t a solver evaluated the dynamics, one evaluation after the other."""
    figure, axes = new_figure(1, len(evaluated), width=10, height=3.4, sharey=True)
    notes = []
    for place, (ax, (name, times)) in enumerate(zip(axes[0], evaluated.items(), strict=True)):
        ax.axhspan(0, 1, color=QUIET, alpha=0.15)
        ax.plot(range(1, len(times) + 1), times, "o", color=LINE_COLOURS[place], markersize=6)
        ax.set_xlabel("evaluation")
        ax.set_title(name, fontsize=11)
        outside = sum(t > 1 + 1e-6 for t in times)
        notes.append(
            f"{name}: {len(times)} evaluations, {outside} beyond 1, the last at t = {times[-1]:.2f}"
        )
    axes[0, 0].set_ylabel("t")
    return figure, "t of each evaluation; the band is 0 to 1. " + "; ".join(notes) + "."


def evaluations_figure(histories: Mapping[str, Sequence[Epoch]]) -> tuple[Figure, str]:
    """Evaluations per batch over the epochs, forward and backward, one panel for each run."""
    figure, axes = new_figure(1, len(histories), width=4.6 * len(histories), height=3.4)
    notes = []
    for ax, (name, history) in zip(axes[0], histories.items(), strict=True):
        epochs = [entry.epoch + 1 for entry in history]
        for place, way in enumerate(("forward", "backward")):
            values = [getattr(entry, f"evaluations_{way}") for entry in history]
            ax.plot(
                epochs,
                values,
                MARKERS[place] + LINES[place],
                color=LINE_COLOURS[place],
                label=way,
            )
            notes.append(f"{name}, {way}: " + ", ".join(f"{value:.1f}" for value in values))
        ax.set(xlabel="epoch", ylim=(0, None), title=name)
        ax.set_xticks(epochs)
        ax.legend(loc="lower right")
    axes[0, 0].set_ylabel("evaluations a batch")
    return figure, "Evaluations of the dynamics per batch by epoch. " + "; ".join(notes) + "."


def paths_figure(found: Sweep) -> tuple[Figure, str]:
    """The example beats' hidden states from t = 0 to 1, in the plane of greatest variance."""
    figure, axes = new_figure(width=7.5, height=4.6)
    ax = axes[0, 0]
    notes = []
    for example, path in zip(found.examples, found.reference.paths, strict=True):
        name = example["class"]
        x, y = np.array(path).T
        ax.plot(x, y, color=CLASS_COLOURS[name])
        ax.plot(x[0], y[0], "o", mfc="white", mec=CLASS_COLOURS[name], markersize=9)
        ax.plot(x[-1], y[-1], CLASS_MARKERS[name], color=CLASS_COLOURS[name], markersize=10)
        ax.plot([], [], CLASS_MARKERS[name] + "-", color=CLASS_COLOURS[name], label=f"class {name}")
        notes.append(f"{name} from ({x[0]:.1f}, {y[0]:.1f}) to ({x[-1]:.1f}, {y[-1]:.1f})")
    ax.set(xlabel="first coordinate of the hidden state", ylabel="second coordinate")
    ax.set_title(
        f"From t = 0 (open circles) to t = 1, in a plane that holds\n"
        f"{found.explained:.0%} of the variance of these paths",
        fontsize=12,
    )
    figure.legend(loc="outside right upper")
    alt = (
        f"Paths of {len(found.examples)} beats through the plane that holds "
        f"{found.explained:.0%} of their variance: " + "; ".join(notes) + "."
    )
    return figure, alt


def draw_against_evaluations(axes: Axes, rows: Sequence[SweepRow], score: str) -> None:
    """One line for each method: a score over the evaluations that it took."""
    for method in dict.fromkeys(row.solver.method for row in rows):
        chosen = [row for row in rows if row.solver.method == method]
        chosen.sort(key=lambda row: row.evaluations)
        axes.plot(
            [row.evaluations for row in chosen],
            [getattr(row, score) for row in chosen],
            label=method,
            **look_of(method),
        )
    axes.set_xscale("log", base=2)
    low = min(row.evaluations for row in rows)
    high = max(row.evaluations for row in rows)
    ticks = 2.0 ** np.arange(np.floor(np.log2(low)), np.ceil(np.log2(high)) + 1)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("evaluations a batch")


def draw_reference(axes: Axes, found: Sweep) -> None:
    """The reference's accuracy and what one beat changes, on an axis of five points either way."""
    reference, beat = found.reference.accuracy, 1 / found.beats
    axes.axhline(reference, color=QUIET, linestyle=":", label="reference")
    axes.axhspan(reference - beat, reference + beat, color=QUIET, alpha=0.2, label="± 1 beat")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, reference - 0.05), max(high, min(1.005, reference + 0.05)))


def sweep_figure(found: Sweep) -> tuple[Figure, str]:
    """Error of y(1), accuracy and milliseconds of every solver over its evaluations."""
    figure, axes = new_figure(1, 3, width=12, height=4.2)
    panels = (
        ("error", "relative error of y(1)", "How exact?", "log"),
        ("accuracy", "accuracy", "How good?", "linear"),
        ("milliseconds", f"ms a batch of {found.batch_size}", "How long?", "log"),
    )
    for ax, (score, label, title, scale) in zip(axes[0], panels, strict=True):
        draw_against_evaluations(ax, found.rows, score)
        ax.set_yscale(scale)
        ax.set(ylabel=label, title=title)
    draw_reference(axes[0, 1], found)
    handles, labels = axes[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    notes = []
    for method in dict.fromkeys(row.solver.method for row in found.rows):
        chosen = [row for row in found.rows if row.solver.method == method]
        first, last = chosen[0], chosen[-1]
        notes.append(
            f"{method} from {setting_text(first.solver)} to {setting_text(last.solver)}: "
            f"{first.evaluations:.0f} to {last.evaluations:.0f} evaluations, error "
            f"{first.error:.1e} to {last.error:.1e}, accuracy {first.accuracy:.3f} to "
            f"{last.accuracy:.3f}, {first.milliseconds:.0f} to {last.milliseconds:.0f} ms"
        )
    return figure, "Three panels over the evaluations a batch. " + "; ".join(notes) + "."


def row_numbers(row: SweepRow) -> dict[str, object]:
    """The scores and costs of a solve, named as tables name them."""
    return {
        "accuracy": row.accuracy,
        "macro-F1": row.macro_f1,
        "class changed": f"{row.changed:.1%}",
        "error of y(1)": f"{row.error:.1e}",
        "evaluations a batch": f"{row.evaluations:.1f}",
        "ms a batch": f"{row.milliseconds:.0f}",
    }


def gradient_numbers(cost: GradientCost) -> dict[str, object]:
    """The costs of a training batch and the error of its gradient, named as tables name them."""
    return {
        "gradient": cost.solver.gradient,
        "evaluations forward": cost.evaluations_forward,
        "backward": cost.evaluations_backward,
        "error of the gradient": f"{cost.error:.1e}",
        "ms a training batch": f"{cost.milliseconds:.0f}",
        "kept, MB": f"{cost.saved / 1e6:.1f}",
    }


def sweep_table(found: Sweep) -> list[dict[str, object]]:
    """The scores and costs of every solver, the reference last."""
    rows = [{"solver": solver_text(row.solver), **row_numbers(row)} for row in found.rows]
    reference = f"reference: {solver_text(REFERENCE)}"
    return [*rows, {"solver": reference, **row_numbers(found.reference)}]
