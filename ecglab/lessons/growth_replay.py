"""The replay of a training run: its curves up to an epoch, and the blocks it trained then."""

from typing import Final

import numpy as np
from matplotlib.figure import Figure

from ecglab.lessons.figures import new_figure
from ecglab.lessons.growth_run_figures import mark_growth, numbers, plain_percents, trigger_axes
from ecglab.lessons.growth_runs import Curve
from ecglab.lessons.style import LINE_COLOURS, QUIET
from ecglab.models.growing import WIDTHS, blocks_of, grown_depth

PLAYED: Final = LINE_COLOURS[0]
BLOCK: Final = 28.0**2  # area of a block in square points
CLONED: Final = "#e6d3e1"  # face of the blocks that are cloned, a light tone of the line's colour


def block_names(start: int, growths: int) -> list[str]:
    """Blocks of a stage after some growths, each named by the block of the start it came from."""
    names = [f"B{number}" for number in range(start)]
    for _ in range(growths):
        first, *rest = names
        counts = [3] + [2] * (len(rest) - 1) if rest else []
        cloned = [name for name, k in zip(rest, counts, strict=True) for _ in range(k)]
        names = [first, *(cloned or ["new"])]  # a lone B0 cannot be cloned
    return names


def replay_axes(curve: Curve) -> Figure:
    """The axes of a replay with the whole run in grey, to draw the epochs so far upon."""
    figure, axes = new_figure(2, 2, width=10.5, height=5.6)
    trigger, rate, error, network = axes.flat
    grey = {"color": QUIET, "alpha": 0.45, "linewidth": 1.4}
    trigger_axes(trigger, curve)
    series = replay_series(curve)
    for panel, values in zip((trigger, rate, error), series, strict=True):
        panel.plot(numbers(curve), values, **grey)
        mark_growth(panel, curve)
        panel.set_xlim(0.5, len(curve.history) + 0.5)
    rate.set(xlabel="epoch", ylabel="learning rate", title="Learning rate")
    rate.set_ylim(0, 1.08 * curve.highest_rate)
    error.set(xlabel="epoch", ylabel="validation error (%)", title="Error", yscale="log")
    plain_percents(error)
    most = max(blocks_of(depth) for depth in curve.depths)
    network.set(xlim=(0.3, most + 0.7), ylim=(0.4, 3.6), title="The network's blocks")
    network.set(xlabel="block of the stage", ylabel="channels")
    network.set_xticks(range(1, most + 1))
    network.set_yticks([3, 2, 1], [str(width) for width in WIDTHS])
    network.grid(False)
    return figure


def replay_series(curve: Curve) -> tuple[list[float | None], list[float], list[float]]:
    """What a replay draws over the epochs: ratio, learning rate, validation error in per cent."""
    rates = [entry.learning_rate for entry in curve.history]
    return curve.ratios, rates, [100 * error for error in curve.errors]


def draw_replay(figure: Figure, curve: Curve, epoch: int) -> None:
    """Draw the run up to an epoch, counted from 1, and the network that this epoch trained."""
    *panels, network = figure.axes
    for panel, values in zip(panels, replay_series(curve), strict=True):
        panel.plot(range(1, epoch + 1), values[:epoch], color=PLAYED)
        panel.plot([epoch], values[epoch - 1 : epoch], "o", color=PLAYED, markersize=9)
    growths = sum(after < epoch for after in curve.growth_epochs)
    names = block_names(blocks_of(curve.depths[0]), growths)
    places, stages = np.meshgrid(range(1, len(names) + 1), (1, 2, 3))
    faces = ["white" if name == "B0" else CLONED for name in names] * 3
    network.scatter(places, stages, BLOCK, faces, marker="s", edgecolors=PLAYED)
    for stage in (1, 2, 3):
        for place, name in enumerate(names, start=1):
            network.text(place, stage, name, ha="center", va="center_baseline", size=11)


def replay_text(curve: Curve, epoch: int) -> str:
    """What a replay shows at an epoch, in sentences."""
    entry, ratio = curve.history[epoch - 1], curve.ratios[epoch - 1]
    depth = curve.depths[epoch - 1]
    seen = "" if ratio is None else f" The estimate is {ratio:.2f} times its first value."
    grows = f" Then it grows to depth {grown_depth(depth)}." if entry.grown else ""
    return (
        f"{curve.name}, epoch {epoch} of {len(curve.history)}: depth {depth}, "
        f"{blocks_of(depth)} blocks a stage, {entry.parameters:,} parameters; learning rate "
        f"{entry.learning_rate:.4f}, validation error {100 * curve.errors[epoch - 1]:.2f} %."
        f"{seen}{grows}"
    )


def replay_figure(curve: Curve, epoch: int) -> tuple[Figure, str]:
    """The replay of a run at one epoch as a plain figure."""
    figure = replay_axes(curve)
    draw_replay(figure, curve, epoch)
    return figure, replay_text(curve, epoch)
