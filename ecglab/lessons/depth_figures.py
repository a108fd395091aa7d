"""Figures of what depth does: losses, gradients, and the states along the blocks."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from ecglab.data.classes import CLASSES
from ecglab.lessons.depth import class_separation, principal_plane, relative_changes
from ecglab.lessons.figures import new_figure
from ecglab.lessons.style import CLASS_COLOURS, CLASS_MARKERS, INK, LINE_COLOURS, QUIET

KINDS: Final = {"plain": ("s", LINE_COLOURS[0]), "residual": ("o", LINE_COLOURS[1])}


def degradation_figure(
    blocks: Sequence[int],
    train: Mapping[str, Sequence[float]],
    held: Mapping[str, Sequence[float]],
    *,
    guess: float,
) -> tuple[Figure, str]:
    """Loss on the training and on held-out beats against depth, plain and residual networks.

    ``guess`` is the loss of a network that gives every class the same probability.
    """
    figure, axes = new_figure(1, 2, width=10, height=4.0, sharey=True)
    told = []
    for panel, (part, losses) in zip(
        axes[0], {"training beats": train, "held-out beats": held}.items(), strict=True
    ):
        for kind, (marker, colour) in KINDS.items():
            style = "--" if kind == "plain" else "-"
            panel.plot(blocks, losses[kind], style, marker=marker, color=colour, label=kind)
            listed = ", ".join(f"{loss:.2f}" for loss in losses[kind])
            told.append(f"{kind} networks on {part}: {listed}")
        panel.axhline(guess, color=QUIET, linestyle=":", label="guessing")
        panel.set(xlabel="blocks (two convolutions each)", title=f"Loss on {part}")
        panel.set_xticks(blocks)
    axes[0, 0].set_ylabel("cross-entropy loss")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=len(names))
    alt = (
        f"Loss against depth for {', '.join(str(b) for b in blocks)} blocks. {'; '.join(told)}. "
        f"Guessing gives {guess:.2f}."
    )
    return figure, alt


def gradient_figure(norms: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """Norm of the gradient of each block before any training, on a logarithmic axis."""
    figure, axes = new_figure(height=3.8)
    panel = axes[0, 0]
    told = []
    for kind, values in norms.items():
        marker, colour = KINDS[kind]
        style = "--" if kind == "plain" else "-"
        panel.semilogy(
            range(1, len(values) + 1), values, style, marker=marker, color=colour, label=kind
        )
        told.append(
            f"{kind}: {values[0]:.2g} in the first block, {values[-1]:.2g} in the last, a ratio "
            f"of {values[0] / values[-1]:.3g}"
        )
    panel.set(xlabel="block (1 = next to the input)", ylabel="norm of the gradient")
    panel.set_title("Gradients before training")
    panel.legend(loc="best")
    return figure, f"Gradient norm of each block before training. {'; '.join(told)}."


def states_figure(
    states: Float[Tensor, "states batch width positions"],
    labels: Int[np.ndarray, " batch"],
    *,
    paths: int = 4,
) -> tuple[Figure, str]:
    """Beats on their way through the blocks: mean path of each class, and ``paths`` single beats.

    The plane is that of the two directions in which the states, averaged over positions, spread
    most.
    """
    points, shares = principal_plane(states)
    figure, axes = new_figure(height=5.4)
    panel = axes[0, 0]
    for label, name in enumerate(CLASSES):
        own = points[:, labels == label]
        if not own.shape[1]:
            continue
        for path in range(min(paths, own.shape[1])):
            panel.plot(*own[:, path].T, color=CLASS_COLOURS[name], linewidth=0.8, alpha=0.5)
        mean = own.mean(1)
        panel.plot(
            *mean.T,
            color=CLASS_COLOURS[name],
            marker=CLASS_MARKERS[name],
            markersize=6,
            linewidth=2.4,
            label=f"class {name}",
        )
        panel.annotate(
            name,
            mean[-1],
            xytext=(7, 5),
            textcoords="offset points",
            weight="bold",
            color=INK,
        )
    first, last = points[0].mean(0), points[-1].mean(0)
    panel.annotate("before the first block", first, xytext=(8, -16), textcoords="offset points")
    panel.set(
        xlabel=f"first principal direction ({shares[0]:.0%} of the variance)",
        ylabel=f"second ({shares[1]:.0%})",
        title="Beats on their way through the blocks",
    )
    figure.legend(loc="outside upper left", ncols=len(CLASSES))
    separation = class_separation(states, labels)
    alt = (
        f"Paths of {states.shape[1]} beats through {len(states) - 1} blocks in the plane of the "
        f"two principal directions ({shares.sum():.0%} of the variance). All start close together "
        f"and move by {np.hypot(*(last - first)):.1f} on average; the share of the variance "
        f"between the classes goes from {separation[0]:.2f} to {separation[-1]:.2f}."
    )
    return figure, alt


def steps_figure(
    states: Float[Tensor, "states batch width positions"], labels: Int[np.ndarray, " batch"]
) -> tuple[Figure, str]:
    """How far each block moves the state, and how well the classes stand apart after it."""
    changes = relative_changes(states)
    separation = class_separation(states, labels)
    figure, axes = new_figure(1, 2, width=10, height=3.8)
    left, right = axes[0]
    blocks = np.arange(1, len(changes) + 1)
    for label, name in enumerate(CLASSES):
        own = changes[:, labels == label]
        if own.shape[1]:
            left.plot(
                blocks,
                np.median(own, axis=1),
                marker=CLASS_MARKERS[name],
                color=CLASS_COLOURS[name],
                label=f"class {name}",
            )
    left.set(xlabel="block", ylabel="||F(y)|| / ||y||", title="How far a block moves the state")
    left.set_xticks(blocks)
    left.set_ylim(0)
    left.legend(loc="best", fontsize=10)
    right.plot(range(len(states)), separation, marker="o", color=LINE_COLOURS[0])
    right.set(xlabel="blocks passed", ylabel="share of the variance", ylim=(0, 1))
    right.set_title("Share of the spread between the classes")
    right.set_xticks(range(len(states)))
    medians = np.median(changes, axis=1)
    alt = (
        f"Left: median relative change of the state in blocks 1 to {len(changes)}: "
        f"{', '.join(f'{m:.2f}' for m in medians)}. Right: the share of the variance between the "
        f"classes goes from {separation[0]:.2f} before the first block to {separation[-1]:.2f} "
        f"after the last."
    )
    return figure, alt
