"""The measurements of ``ecglab bench`` as tables, as sentences and as a figure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from ecglab.lessons.comparison import scores_of, spread
from ecglab.lessons.figures import new_figure, plain_log_ticks
from ecglab.lessons.recorded import provenance_label, recorded_runs
from ecglab.lessons.solve_figures import look_of, solver_text
from ecglab.lessons.style import INK
from ecglab.models.solve import Solver

# Where a setting stands beside its point, in points: to the right, or where lines crowd, below.
ASIDE: Final = {"euler": (-14, -4), "midpoint": (-7, -16)}
# The targets that the course set itself on two CPU cores: ratio, whether it is a least or a most.
TARGETS: Final = {
    "odenet_train_founding_over_ours": ("at least", 6.0),
    "odenet_over_resnet_train": ("at most", 1.5),
    "resnet_train_founding_over_ours": ("at least", 1.3),
    "odenet_eval_founding_over_ours": ("at least", 5.0),
    "odenet_train_dopri5_over_list_dopri5": ("at least", 1.5),
}
MEANINGS: Final = {
    "odenet_train_founding_over_ours": "ODENet training: founding time / ours",
    "odenet_over_resnet_train": "training: our ODENet's time / our ResNet's",
    "founding_odenet_over_resnet_train": "training: founding ODENet's time / founding ResNet's",
    "resnet_train_founding_over_ours": "ResNet training: founding time / ours",
    "odenet_eval_founding_over_ours": "test set by the ODENet: founding time / ours",
    "resnet_eval_founding_over_ours": "test set by the ResNet: founding time / ours",
    "odenet_train_dopri5_over_list_dopri5": (
        "dopri5, direct gradients: torchdiffeq's time / with stages in a list"
    ),
    "odenet_train_founding_over_list_adjoint": (
        "dopri5, adjoint: founding time / with stages in a list"
    ),
    "odenet_saved_ours_over_founding": "ODENet, kept for the backward pass: ours / founding",
    "resnet_saved_ours_over_founding": "ResNet, kept for the backward pass: ours / founding",
}


def recorded_accuracy() -> list[str]:
    """Lines on the accuracy that stands behind the speed: recorded runs of both configurations."""
    lines = []
    for arm in ("odenet-founding", "odenet", "resnet-founding", "resnet"):
        runs = recorded_runs(arm)
        lines.append(f"{arm}: {spread(scores_of(runs, 'accuracy'))} ({provenance_label(runs[0])})")
    return lines


def cost_rows(bench: Mapping[str, Any]) -> list[dict[str, object]]:
    """One row for each contender: what it costs, and how near to the floor it comes."""
    rows = []
    for entry in bench["contenders"]:
        batch = statistics.median(entry["train_seconds"])
        beat = statistics.median(entry["evaluate_seconds"])
        rows.append(
            {
                "configuration": entry["text"],
                "training batch, ms": f"{1e3 * batch:.0f}",
                "epoch, s": f"{batch * bench['epoch_batches']:.0f}",
                "test set, s": f"{beat * bench['all_test_beats']:.1f}",
                "evaluations": f"{entry['evaluations_forward']} + {entry['evaluations_backward']}",
                "kept, MB": f"{entry['saved'] / 1e6:.0f}",
                "GFLOP a batch": f"{entry['work']['operations'] / 1e9:.1f}",
                "of the floor": f"{entry['floor_seconds'] / batch:.0%}",
            }
        )
    return rows


def ratios_of(bench: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, object]]:
    """One row for each ratio named, with its quartiles."""
    rows = []
    for name in names:
        low, high = bench["quartiles"][name]
        rows.append(
            {
                "ratio": MEANINGS[name],
                "measured": f"{bench['ratios'][name]:.2f}",
                "quartiles": f"{low:.2f} to {high:.2f}",
            }
        )
    return rows


def ratio_rows(bench: Mapping[str, Any]) -> list[dict[str, object]]:
    """One row for each ratio with its quartiles and, where there is one, its target."""
    told = {name: f"{bound} {target:g}" for name, (bound, target) in TARGETS.items()}
    rows = zip(MEANINGS, ratios_of(bench, tuple(MEANINGS)), strict=True)
    return [row | {"target": told.get(name, "")} for name, row in rows]


def short_label(bench: Mapping[str, Any]) -> str:
    """What stands beside a figure of a benchmark: profile, data, date and device."""
    made = bench["provenance"]
    return (
        f"{bench['profile']} profile, {bench['data']['origin']}, {made['finished'][:10]}, "
        f"{made['device']}"
    )


def bench_label(bench: Mapping[str, Any]) -> str:
    """Where and on what a benchmark was measured, and what was scaled."""
    made = bench["provenance"]
    whole = bench["batches"] >= bench["epoch_batches"] - 1
    share = "whole epochs" if whole else f"{bench['batches']} batches, scaled to an epoch"
    load = "" if bench["load"] is None else f", load average {bench['load'][0]:.1f}"
    return (
        f"{bench['profile']} profile ({share}, {bench['test_beats']:,} test beats, "
        f"{bench['rounds']} rounds, medians), {bench['data']['origin']}, {made['finished'][:10]}, "
        f"{made['device']}{load}, torch {made['versions']['torch']}"
    )


def rate_text(bench: Mapping[str, Any]) -> str:
    """What the floor is made of: the rates that the device reached."""
    rates = {entry["precision"]: entry["rate"] for entry in bench["contenders"]}
    told = ", ".join(f"{r['operations'] / 1e9:,.0f} GFLOP/s in {p}" for p, r in rates.items())
    bandwidth = max(rate["bytes"] for rate in rates.values())
    return (
        f"Rate of the device: {told} (products of large matrices), {bandwidth / 1e9:,.1f} GB/s "
        f"(a large copy)."
    )


def precision_rows(bench: Mapping[str, Any]) -> list[dict[str, object]]:
    """Time and error of the gradient: founding solver, rk4 with direct gradients, and ours."""

    def row(name: str, evaluations: str, point: Mapping[str, Any]) -> dict[str, object]:
        return {
            "our network's gradient by": name,
            "evaluations": evaluations,
            "ms a training batch": f"{point['milliseconds']:.0f}",
            "relative error": f"{point['error']:.2f}",
        }

    rows = []
    for cost in bench["work_precision"]["eager"]:
        solver = Solver(**cost["solver"])
        founding = solver == Solver()
        if founding or (solver.method, solver.gradient) == ("rk4", "direct"):
            name = f"{solver_text(solver)}, {solver.gradient}{' (founding)' if founding else ''}"
            evaluations = f"{cost['evaluations_forward']} + {cost['evaluations_backward']}"
            rows.append(row(name, evaluations, cost))
    ours = next(entry for entry in bench["contenders"] if entry["name"] == "odenet-ours")
    evaluations = f"{ours['evaluations_forward']} + {ours['evaluations_backward']}"
    return [*rows, row(ours["text"], evaluations, bench["work_precision"]["ours"])]


def work_precision_figure(bench: Mapping[str, Any]) -> tuple[Figure, str]:
    """Error of the gradient over the time of a training batch, for every solver and for ours.

    All of them solve the dynamics of one network, ours; at a point stands the solver's setting.
    """
    figure, axes = new_figure(width=8.5, height=4.8)
    panel = axes[0, 0]
    lines: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    founding = None
    for cost in bench["work_precision"]["eager"]:
        solver = Solver(**cost["solver"])
        if solver.gradient == "checkpoint":
            continue  # the direct gradient to the last bit, a third slower
        adaptive = solver.method == "dopri5"
        if solver.gradient == "adjoint" and not adaptive:
            continue
        point = (cost["milliseconds"], cost["error"])
        setting = f"{solver.rtol:g}" if adaptive else f"{solver.steps}"
        lines.setdefault((solver.method, solver.gradient), []).append((*point, setting))
        if solver == Solver():
            founding = (point, solver, cost)
    for (method, gradient), points in lines.items():
        other = {"linestyle": ":", "marker": "P"} if gradient == "adjoint" else {}
        look = look_of(method) | other
        times, errors, settings = zip(*sorted(points), strict=True)
        panel.plot(times, errors, **look, label=f"{method}, {gradient}")
        for place in zip(times, errors, settings, strict=True):
            aside = {"xytext": ASIDE.get(method, (9, 2)), "textcoords": "offset points"}
            note = panel.annotate(place[2], place[:2], color=look["color"], size=9, **aside)
            note.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    ours = bench["work_precision"]["ours"]
    panel.plot(ours["milliseconds"], ours["error"], "*", color=INK, markersize=16, label="ours")
    told = f"Ours: {ours['milliseconds']:.0f} ms, error {ours['error']:.1e}."
    if founding is not None:
        (milliseconds, error), solver, cost = founding
        ring = {"mfc": "none", "mec": INK, "markersize": 15, "mew": 2, "linestyle": "none"}
        panel.plot(milliseconds, error, "o", **ring, label="founding configuration")
        told += (
            f" Founding ({solver_text(solver)}, {cost['evaluations_forward']} evaluations forward "
            f"and {cost['evaluations_backward']} backward): {milliseconds:.0f} ms, error "
            f"{error:.1e}."
        )
    panel.set_xscale("log")
    panel.margins(x=0.1)
    plain_log_ticks(panel.xaxis)
    panel.set_yscale("log")
    panel.set(
        xlabel=f"ms a training batch of {bench['batch_size']} beats",
        ylabel="relative error of the gradient",
        title="A gradient through our ODENet: how long it takes, how exact it is",
    )
    legend = panel.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1), alignment="left")
    legend.set_title("at the points: steps, or\ntolerance of dopri5", prop={"size": 9})
    return figure, f"Error of the gradient over the time of a training batch. {told}"
