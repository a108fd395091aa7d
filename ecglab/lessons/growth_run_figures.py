"""Figures of runs that grow: trigger, learning rate and loss by epoch, and what they cost."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglab.lessons.adjoint_figures import line
from ecglab.lessons.figures import new_figure
from ecglab.lessons.growth_runs import KINDS, Curve
from ecglab.lessons.published import PublishedGrowth
from ecglab.lessons.style import INK
from ecglab.models.growing import grown_depth

REPEATING: Final = ("timed", "restarted")
ERROR_TICKS: Final = (  # per cent
    *(0.5, 0.7, 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
    *(10, 12, 15, 20, 25, 30, 40, 50, 60, 80),
)


def kind_line(kind: str) -> dict[str, object]:
    """Colour, marker and dashes of an arm, the same in every figure."""
    return line(list(KINDS).index(kind))


def point_look(kind: str) -> dict[str, object]:
    """Colour and marker of an arm's runs as points.

    Arms that may repeat the runs of another are open and larger: both are seen then.
    """
    look = kind_line(kind) | {"linestyle": "none"}
    if kind in REPEATING:
        return look | {"markersize": 14, "markerfacecolor": "none", "markeredgewidth": 1.8}
    return look | {"markersize": 9, "alpha": 0.7}


def numbers(curve: Curve) -> range:
    """The epochs of a run, counted from 1 as a reader does."""
    return range(1, len(curve.history) + 1)


def mark_growth(panel: Axes, curve: Curve) -> None:
    """A dotted line behind every epoch after which the network grew."""
    for after in curve.growth_epochs:
        panel.axvline(after + 0.5, color=INK, linestyle=":", linewidth=1.4)


def trigger_axes(panel: Axes, curve: Curve) -> None:
    """Axes of the trigger: ratio against epoch, with the line that it has to cross."""
    panel.set(xlabel="epoch", ylabel="estimate / first estimate", title="What the trigger sees")
    if curve.growth is None:
        panel.text(0.5, 0.5, "nothing may grow here", transform=panel.transAxes, ha="center")
        panel.set(xlim=(0.5, len(curve.history) + 0.5), ylim=(0.9, 1.5))
        return
    shown = [ratio for ratio in curve.ratios if ratio is not None] or [1.0]
    if curve.growth.needs_estimate:
        r_tol = curve.growth.r_tol
        panel.axhline(r_tol, color=INK, linestyle="--", linewidth=1.4)
        note = {"xytext": (3, 3), "textcoords": "offset points", "size": 10}
        panel.annotate(f"r_tol = {r_tol:g}", (0.6, r_tol), **note)
        shown.append(r_tol)
    panel.set_ylim(min(0.9, *shown) - 0.05, max(shown) + 0.12)


def run_figure(curve: Curve) -> tuple[Figure, str]:
    """Trigger, learning rate and losses of one run, epoch by epoch."""
    figure, axes = new_figure(1, 3, width=11, height=3.7)
    left, middle, right = axes[0]
    epochs = numbers(curve)
    trigger_axes(left, curve)
    left.plot(epochs, curve.ratios, **line(0))
    middle.plot(epochs, [e.learning_rate for e in curve.history], **line(1))
    middle.set(xlabel="epoch", ylabel="learning rate", title="Learning rate")
    middle.set_ylim(0, 1.08 * curve.highest_rate)
    train = [entry.train_loss for entry in curve.history]
    held = [entry.validation_loss for entry in curve.history]
    right.plot(epochs, train, **line(2), label="training")
    right.plot(epochs, held, **line(4), label="validation")
    right.set(xlabel="epoch", ylabel="loss", title="Loss", ylim=(0, None))
    right.legend(fontsize=10)
    for panel in axes[0]:
        mark_growth(panel, curve)
        panel.set_xlim(0.5, len(curve.history) + 0.5)
    return figure, f"{curve.name}, {len(epochs)} epochs. {growth_text(curve)} {loss_text(curve)}"


def growth_text(curve: Curve) -> str:
    """When a run grew, from which depth to which, and what the trigger saw then."""
    if not curve.growth_epochs:
        return f"The network keeps its depth of {curve.depths[0]}."
    told = []
    for after in curve.growth_epochs:
        ratio = curve.ratios[after - 1]
        seen = "" if ratio is None else f", the estimate being {ratio:.2f} times its first"
        grown = grown_depth(curve.depths[after - 1])
        told.append(f"from {curve.depths[after - 1]} to {grown} after epoch {after}{seen}")
    return f"The network grows {'; '.join(told)}."


def loss_text(curve: Curve) -> str:
    """Losses of the first and the last epoch."""
    first, last = curve.history[0], curve.history[-1]
    return (
        f"Learning rate {first.learning_rate:.3f} at first, {last.learning_rate:.3f} at last; "
        f"training loss {first.train_loss:.3f} to {last.train_loss:.3f}, validation loss "
        f"{first.validation_loss:.3f} to {last.validation_loss:.3f}."
    )


def costs_figure(
    arms: Mapping[str, Sequence[Curve]], errors: Mapping[str, Sequence[float]], *, part: str
) -> tuple[Figure, str]:
    """Validation error against seconds and against work; final error against parameters an epoch.

    A line is the mean over the runs of an arm. ``errors`` are shares on the ``part`` named.
    """
    figure, axes = new_figure(1, 3, width=11.5, height=4.6)
    clock, work, size = axes[0]
    told = []
    for kind, curves in arms.items():
        look = point_look(kind)
        error = [100 * fmean(values) for values in zip(*(c.errors for c in curves), strict=True)]
        seconds = [fmean(values) for values in zip(*(c.seconds for c in curves), strict=True)]
        steps = [fmean(values) / 1e12 for values in zip(*(c.work for c in curves), strict=True)]
        drawn = kind_line(kind) | {"linewidth": 1.6}
        for panel, ends in ((clock, seconds), (work, steps)):
            panel.semilogy(ends, error, **drawn | {"marker": None})
            panel.plot(ends[-1], error[-1], **look)
        work.plot([], [], **look | drawn, label=KINDS[kind])
        final = [100 * value for value in errors[kind]]
        parameters = [c.parameters_per_epoch for c in curves]
        size.plot(parameters, final, **look)
        told.append(
            f"{KINDS[kind]}: {seconds[-1]:.0f} s, {steps[-1]:.2g} x 10^12 multiplications, "
            f"{fmean(parameters):.3f} million parameters an epoch, {part} error "
            f"{fmean(final):.2f} % at the end"
        )
    clock.set(xlabel="seconds of training", ylabel="validation error (%)", title="By the clock")
    work.set(xlabel="multiplications forward (10$^{12}$)", title="By the work done")
    size.set(xlabel="parameters an epoch (millions)", ylabel=f"{part} error (%)")
    size.set_title("By the size")
    size.margins(x=0.25, y=0.2)
    for panel in (clock, work):
        plain_percents(panel)
    figure.legend(*work.get_legend_handles_labels(), loc="outside upper left", ncols=5, fontsize=10)
    return figure, f"Error against time, work and parameters. {'; '.join(told)}."


def plain_percents(panel: Axes) -> None:
    """Ticks of a logarithmic axis of errors as they are read: 2, 2.5, 3, 4 per cent."""
    low, high = panel.get_ylim()
    panel.set_ylim(low, high)  # what is drawn later moves nothing
    ticks = [tick for tick in ERROR_TICKS if low <= tick <= high]
    panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.minorticks_off()


def published_figure(
    published: Sequence[PublishedGrowth],
    curves: Mapping[str, Sequence[Curve]],
    accuracies: Mapping[str, Sequence[float]],
    *,
    ours: str,
) -> tuple[Figure, str]:
    """Test accuracy against parameters an epoch: GROWTH's table, and our runs of the size ``ours``.

    The panels have axes of their own: the networks, pictures and numbers of beats differ.
    """
    figure, axes = new_figure(1, 2, width=10, height=4.2)
    left, right = axes[0]
    told = []
    for result in published:
        (mean, deviation), (parameters, _) = result.test, result.parameters_per_epoch
        style = kind_line(result.kind) | {"linestyle": "none", "markersize": 9}
        left.errorbar(parameters, mean, yerr=deviation, capsize=4, **style)
        left.annotate(
            f"{result.kind} {result.depth}",
            (parameters, mean),
            xytext=(8, 8 if result.kind == "grown" else -16),
            textcoords="offset points",
            size=10,
        )
        told.append(f"{result.kind} {result.depth} layers {parameters} million, {mean} %")
    left.set(title="GROWTH, full size (published)", ylabel="test accuracy (%)")
    mine = []
    for kind, group in curves.items():
        sizes, scores = [c.parameters_per_epoch for c in group], accuracies[kind]
        right.plot(sizes, [100 * s for s in scores], **point_look(kind), label=KINDS[kind])
        mine.append(f"{KINDS[kind]} {fmean(sizes):.3f} million, {100 * fmean(scores):.2f} %")
    right.set(title=f"ours, {ours}")
    handles, names = right.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=3, fontsize=10)
    for panel in (left, right):
        panel.set(xlabel="parameters an epoch (millions)")
        panel.margins(x=0.3, y=0.3)
    return figure, (
        f"Test accuracy against parameters an epoch. Left, GROWTH's table: {'; '.join(told)}. "
        f"Right, our runs, {ours}: {'; '.join(mine)}."
    )
