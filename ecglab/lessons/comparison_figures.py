"""Figures that set networks beside each other; each returns the figure and its text alternative."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ecglab.data.classes import CLASSES
from ecglab.lessons.adjoint_figures import line
from ecglab.lessons.figures import new_figure, plain_log_ticks
from ecglab.lessons.style import CLASS_COLOURS, INK
from ecglab.training.costs import Cost


def confusion_figure(tables: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Figure, str]:
    """Confusion matrices side by side: colour is the share of a true class, text the beats."""
    figure, axes = new_figure(1, len(tables), width=4.4 * len(tables), height=4.0)
    notes = []
    for column, (ax, (name, table)) in enumerate(zip(axes[0], tables.items(), strict=True)):
        counts = np.asarray(table)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, col in np.ndindex(counts.shape):
            ink = "white" if shares[row, col] > 0.55 else INK
            ax.text(col, row, f"{counts[row, col]:,}", ha="center", va="center", color=ink, size=10)
        ticks = range(len(CLASSES))
        ax.set_xticks(ticks, CLASSES)
        ax.set_yticks(ticks, CLASSES)
        ax.grid(False)
        ax.set(title=name, xlabel="predicted class", ylabel="" if column else "true class")
        accuracy = np.trace(counts) / counts.sum()
        worst = int(np.argmin(np.where(counts.sum(1) > 0, np.diag(shares), 1)))
        notes.append(
            f"{name}: {accuracy:.3f} of {counts.sum():,} beats on the diagonal, lowest for class "
            f"{CLASSES[worst]} with {shares[worst, worst]:.2f}"
        )
    figure.colorbar(image, ax=axes[0].tolist(), label="share of the true class", shrink=0.8)
    return figure, "Confusion matrices. " + "; ".join(notes) + "."


def class_scores_figure(
    groups: Mapping[str, Sequence[float | None]], *, score: str
) -> tuple[Figure, str]:
    """One score of every class for several settings, as bars in the colours of the classes."""
    figure, axes = new_figure(1, len(groups), width=3.6 * len(groups), height=3.2, sharey=True)
    notes = []
    for ax, (name, values) in zip(axes[0], groups.items(), strict=True):
        heights = [value or 0.0 for value in values]
        ax.bar(CLASSES, heights, color=[CLASS_COLOURS[c] for c in CLASSES], edgecolor=INK)
        for place, height in enumerate(heights):
            ax.text(place, height + 0.02, f"{height:.2f}", ha="center", size=10)
        ax.set(title=name, xlabel="class", ylim=(0, 1.12))
        listed = ", ".join(f"{c} {h:.2f}" for c, h in zip(CLASSES, heights, strict=True))
        notes.append(f"{name}: {listed}")
    axes[0, 0].set_ylabel(f"{score} (share)")
    return figure, f"Bars of {score} by class. " + "; ".join(notes) + "."


def cost_figure(costs: Sequence[Cost]) -> tuple[Figure, str]:
    """Milliseconds a training and an evaluation batch, and memory kept, as dots on log axes."""
    figure, axes = new_figure(1, 3, width=11, height=1.6 + 0.45 * len(costs), sharey=True)
    names = [cost.name for cost in costs]
    panels = (
        ("training, ms a batch", [1e3 * c.train_seconds for c in costs]),
        ("evaluation, ms a batch", [1e3 * c.evaluate_seconds for c in costs]),
        ("kept for backward, MB a batch", [c.saved / 1e6 for c in costs]),
    )
    for ax, (label, values) in zip(axes[0], panels, strict=True):
        ax.plot(values, names, "o", color=INK, markersize=9)
        ax.set_xscale("log")
        plain_log_ticks(ax.xaxis)
        ax.set_xlim(min(values) / 2, max(values) * 4)
        ax.set_xlabel(label)
        for place, value in enumerate(values):
            text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            aside = {"xytext": (9, 0), "textcoords": "offset points", "va": "center"}
            ax.annotate(text, (value, place), size=10, **aside)
        ax.margins(y=0.15)
    axes[0, 0].invert_yaxis()
    listed = "; ".join(
        f"{c.name}: {1e3 * c.train_seconds:.0f} ms training, "
        f"{1e3 * c.evaluate_seconds:.0f} ms evaluation, {c.saved / 1e6:.0f} MB kept"
        for c in costs
    )
    return figure, f"Costs of a batch of {costs[0].batch_size} beats. {listed}."


def accuracy_figure(
    published: Mapping[str, tuple[int, float]], ours: Mapping[str, tuple[int, Sequence[float]]]
) -> tuple[Figure, str]:
    """Accuracy against the number of parameters; ours with every run as a dot."""
    figure, axes = new_figure(1, 1, width=9, height=4.4)
    ax = axes[0, 0]
    for place, (name, (parameters, accuracy)) in enumerate(published.items()):
        label = "published" if place == 0 else None
        ax.plot(parameters, accuracy, "o", mfc="white", mec=INK, ms=9, label=label)
        right = parameters > 100_000  # the free side of the largest networks
        ax.annotate(
            name,
            (parameters, accuracy),
            xytext=(10 if right else -10, -4),
            textcoords="offset points",
            ha="left" if right else "right",
            size=9,
        )
    for number, (name, (parameters, accuracies)) in enumerate(ours.items()):
        look = line(number) | {"linestyle": "none", "ms": 8, "alpha": 0.7}
        ax.plot([parameters] * len(accuracies), accuracies, **look, label=f"ours: {name}")
    ax.set_xscale("log")
    ax.set_xticks([5_000, 20_000, 60_000, 180_000], ["5,000", "20,000", "60,000", "180,000"])
    ax.minorticks_off()
    ax.set_xlim(1_200, 1_600_000)
    ax.margins(y=0.08)
    ax.set(xlabel="parameters", ylabel="test accuracy (share)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right upper", fontsize=10)
    notes = [f"{n} {p:,} parameters {a:.3f}" for n, (p, a) in published.items()]
    notes += [f"ours {n} {p:,} parameters {np.mean(a):.4f}" for n, (p, a) in ours.items()]
    return figure, "Accuracy against parameters. " + "; ".join(notes) + "."
