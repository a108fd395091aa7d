"""Figures of the five classes together: how many, what they look like, how well they are told."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE, Beats
from ecglab.data.classes import CLASS_NAMES, CLASSES
from ecglab.lessons.figures import new_figure
from ecglab.lessons.style import CLASS_COLOURS, CLASS_HATCHES, CLASS_MARKERS, INK, QUIET


def counts_figure(beats: Beats) -> tuple[Figure, str]:
    """How many beats of each class there are, on a linear and on a logarithmic axis."""
    counts = beats.counts()
    figure, axes = new_figure(1, 2, height=3.4, sharey=True)
    for panel, scale in zip(axes[0], ("linear", "log"), strict=True):
        bars = panel.barh(
            [*counts],
            [*counts.values()],
            color=[CLASS_COLOURS[name] for name in counts],
            hatch=[CLASS_HATCHES[name] for name in counts],
            edgecolor="white",
        )
        panel.set(xscale=scale, xlabel=f"beats ({scale} axis)")
        if scale == "log":
            panel.set_xlim(left=10)
        else:
            panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.grid(axis="y", visible=False)
        if scale == "linear":
            shares = [f"{count / len(beats):.1%}" for count in counts.values()]
            panel.bar_label(bars, shares, padding=4)
            panel.margins(x=0.18)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_ylabel("class")
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return figure, f"Bars: beats of each class of {len(beats):,}: {listed}."


def gallery_figure(
    beats: Beats, *, seed: int = 0, examples: int = 3, most: int = 5_000
) -> tuple[Figure, str]:
    """Each class: the median row, the band of the middle 80 %, and some beats drawn at random.

    Of a class with more than ``most`` beats that many are drawn: they settle median and band.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(BEAT_LENGTH) / BEAT_RATE
    figure, axes = new_figure(2, 3, width=10, height=6.0, sharex=True, sharey=True)
    panels = axes.ravel()
    told = []
    for panel, (label, name) in zip(panels, enumerate(CLASSES), strict=False):
        found = np.flatnonzero(beats.labels == label)
        panel.set_title(f"{name}  ({len(found):,} beats)")
        if not len(found):
            continue
        rows = beats.values[rng.permutation(found)[:most]]
        low, median, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0)
        panel.fill_between(time, low, high, color=CLASS_COLOURS[name], alpha=0.25, linewidth=0)
        for row in rows[:examples]:
            panel.plot(time, row, color=QUIET, linewidth=0.9)
        panel.plot(time, median, color=CLASS_COLOURS[name], linewidth=2.6)
        panels[-1].plot(
            time,
            median,
            color=CLASS_COLOURS[name],
            label=name,
            marker=CLASS_MARKERS[name],
            markevery=list(range(4 * label, 105, 25)),
            markersize=6,
        )
        spread = float((high - low).mean())
        told.append(f"{name} ({CLASS_NAMES[name]}) mean band width {spread:.2f}")
    panels[-1].set_title("the five medians")
    panels[-1].legend(ncols=2, loc="upper right")
    for panel in axes[-1]:
        panel.set_xlabel("time after the R peak (s)")
    for panel in axes[:, 0]:
        panel.set_ylabel("scaled to 0..1")
    alt = (
        "Five panels, one a class, with the median row, the band between the 10 % and 90 % "
        f"quantiles and {examples} single beats; a sixth panel lays the medians over each other. "
        f"Spread: {'; '.join(told)}."
    )
    return figure, alt


def gap_figure(scores: dict[str, list[float]]) -> tuple[Figure, str]:
    """F1 of each class (a list N S V F Q for each way to train), one marker for each way."""
    shapes = ["o", "D", "s", "^"]
    figure, axes = new_figure(height=4.2)
    panel = axes[0, 0]
    for label, name in enumerate(CLASSES):
        found = [values[label] for values in scores.values()]
        panel.plot([min(found), max(found)], [label, label], color=CLASS_COLOURS[name], zorder=1)
        for number, value in enumerate(found):
            row = label + 0.28 * (number - (len(found) - 1) / 2)
            face = CLASS_COLOURS[name] if number % 2 == 0 else "white"
            panel.plot(
                [value],
                [row],
                shapes[number],
                markersize=10,
                markeredgewidth=2,
                color=CLASS_COLOURS[name],
                markerfacecolor=face,
            )
    for number, way in enumerate(scores):
        face = INK if number % 2 == 0 else "white"
        panel.plot([], [], shapes[number], color=INK, markerfacecolor=face, label=way)
    panel.set_yticks(range(len(CLASSES)), CLASSES)
    panel.set(xlabel="F1 on the test part", ylabel="class", xlim=(-0.03, 1.03))
    panel.invert_yaxis()
    figure.legend(loc="outside upper left", ncols=len(scores))
    told = "; ".join(
        f"{way}: " + ", ".join(f"{c} {v:.2f}" for c, v in zip(CLASSES, values, strict=True))
        for way, values in scores.items()
    )
    return figure, f"F1 of each class. {told}."
