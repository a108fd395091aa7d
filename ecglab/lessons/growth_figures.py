"""Figures of lesson 05: pictures of beats and what they give away, steps, and steepness."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE, Beats
from ecglab.data.classes import CLASSES
from ecglab.data.spectrogram import Spectrograms
from ecglab.lessons.adjoint_figures import line
from ecglab.lessons.figures import new_figure
from ecglab.lessons.growth_measures import BEAT_SHARE, Reading, row_lengths
from ecglab.lessons.style import CLASS_COLOURS, CLASS_HATCHES, INK, QUIET

SPAN: Final = BEAT_LENGTH / BEAT_RATE  # seconds of a row
LENGTH_LABEL: Final = f"row length / {BEAT_SHARE:g} (s)"
SHOWN_POINTS: Final = 600  # of a scatter plot: more only cover each other


def pictures_figure(beats: Beats, pictures: Spectrograms) -> tuple[Figure, str]:
    """A few beats over time, each above its spectrogram; a line in the beat marks its end."""
    figure, axes = new_figure(2, len(beats), width=11, height=4.6, sharex=True, sharey="row")
    decibels = pictures.values * pictures.deviation + pictures.mean
    lengths = row_lengths(beats) / BEAT_RATE
    times = np.arange(BEAT_LENGTH) / BEAT_RATE
    told = []
    for i, (picture, length) in enumerate(zip(decibels, lengths, strict=True)):
        name = CLASSES[beats.labels[i]]
        above, below = axes[:, i]
        above.plot(times, beats.values[i], color=CLASS_COLOURS[name])
        above.axvline(length, color=INK, linestyle="--", linewidth=1.4)
        above.set(title=f"class {name}", xlim=(0, SPAN))
        image = below.imshow(
            picture,
            origin="lower",
            extent=(0, SPAN, 0, BEAT_RATE / 2),
            aspect="auto",
            vmin=decibels.min(),
            vmax=decibels.max(),
        )
        below.grid(False)
        below.set_xlabel("time (s)")
        told.append(f"{name} {length:.2f} s")
    axes[0, 0].set_ylabel("scaled ECG")
    axes[1, 0].set_ylabel("frequency (Hz)")
    figure.colorbar(image, ax=axes[1].tolist(), label="power (dB)")
    size = pictures.values.shape[1]
    alt = (
        f"One beat of each class over 1.56 seconds, and below it its spectrogram of {size} by "
        f"{size} points, bright where there is power, mostly below 20 Hz and at the start. Behind "
        f"the beat the row is padded with zeros. From a quarter of a second later on the picture "
        f"is dark, but for the lowest frequencies and the right edge. The padding begins at: "
        f"{', '.join(told)}."
    )
    return figure, alt


def leak_figure(
    readings: Mapping[str, Reading], beats: Beats, *, seed: int = 0
) -> tuple[Figure, str]:
    """Row lengths over 1.2, as R-R intervals, read from pictures against true ones; by class."""
    count = len(readings)
    figure, axes = new_figure(1, count + 1, width=11, height=3.9)
    rng = np.random.default_rng(seed)
    told = []
    for panel, (name, found) in zip(axes[0], readings.items(), strict=False):
        some = rng.permutation(len(found.true))[:SHOWN_POINTS]
        ends = (float(found.true.min()), float(found.true.max()))
        panel.plot(ends, ends, color=QUIET, linewidth=3, alpha=0.6)
        panel.plot(found.true[some], found.read[some], ".", color=INK, alpha=0.35, markersize=5)
        panel.set(xlabel=LENGTH_LABEL, title=name, ylim=(ends[0] - 0.2, ends[1] + 0.2))
        told.append(f"{name}: median error {1e3 * found.typical_error:.0f} ms")
    axes[0, 0].set_ylabel("read from the picture (s)")
    last = axes[0, count]
    seconds = row_lengths(beats) / BEAT_RATE / BEAT_SHARE
    medians = []
    for place, name in enumerate(CLASSES):
        own = seconds[beats.labels == place]
        if not len(own):
            continue
        box = last.boxplot(
            own,
            positions=[place],
            widths=0.6,
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
        )
        box["boxes"][0].set(facecolor=CLASS_COLOURS[name], hatch=CLASS_HATCHES[name], edgecolor=INK)
        box["medians"][0].set(color="white", linewidth=2.5)
        medians.append(f"{name} {np.median(own):.2f} s")
    last.set_xticks(range(len(CLASSES)), CLASSES)
    last.set(xlabel="class", ylabel=LENGTH_LABEL, title="rows by class")
    alt = (
        f"Row lengths over 1.2, the R-R intervals of even rhythms, read from the pictures of test "
        f"beats by a linear fit, against the true ones. {'; '.join(told)}. Last panel: the same by "
        f"class, medians {', '.join(medians)}."
    )
    return figure, alt


def steps_figure(
    lipschitz: Sequence[float], errors: Mapping[int, Sequence[float]], *, tolerance: float
) -> tuple[Figure, str]:
    """Error of Euler's method against the Lipschitz constant, a line for each number of steps."""
    figure, axes = new_figure(height=3.9)
    panel = axes[0, 0]
    told = []
    for number, (steps, values) in enumerate(errors.items()):
        style = line(number) | {"marker": None}
        panel.loglog(lipschitz, values, **style, label=f"{steps} steps")
        reached = np.interp(np.log(tolerance), np.log(values), np.log(lipschitz))
        told.append(
            f"{steps} steps from {values[0]:.1g} to {values[-1]:.1g}, past {tolerance:g} at a "
            f"constant of {np.exp(reached):.1f}"
        )
    panel.axhline(tolerance, color=INK, linewidth=1, linestyle=":")
    panel.text(lipschitz[0], tolerance * 1.15, "an error we could live with", size=10)
    panel.set(xlabel="L, the Lipschitz constant of the field", ylabel="error at t = 1")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xticks([0.25, 0.5, 1, 2, 4])
    panel.legend()
    return figure, (
        f"Error of Euler's method against the Lipschitz constant on logarithmic axes: all lines "
        f"rise, finer steps lie lower. {'; '.join(told)}."
    )


def stretch_figure(
    matrix: Float[np.ndarray, "2 2"], shares: Mapping[str, Sequence[float]]
) -> tuple[Figure, str]:
    """A circle and what a matrix makes of it; how fast power iteration finds the longest axis.

    ``shares`` are a layer's estimates after 1, 2 ... iterations, as shares of its true norm.
    """
    figure, axes = new_figure(1, 2, width=10, height=4.3)
    left, right = axes[0]
    outward, stretches, inward = np.linalg.svd(matrix)
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    left.plot(*circle, color=QUIET, linewidth=2.5, label="unit circle")
    left.plot(*(matrix @ circle), **(line(0) | {"marker": None}), label="stretched by the layer")
    arrow = {"arrowstyle": "-|>", "linewidth": 2}
    for end, colour in (
        (inward[0], QUIET),
        (stretches[0] * outward[:, 0], line(0)["color"]),
    ):
        left.annotate("", end, (0, 0), arrowprops=arrow | {"color": colour})
    left.set(xlabel="first number", ylabel="second number", title="What a layer does to a circle")
    left.set_aspect("equal", adjustable="datalim")
    left.legend(loc="lower right", fontsize=10)
    told = []
    for number, (name, values) in enumerate(shares.items()):
        missing = [max(1 - value, 1e-7) for value in values]
        right.semilogy(range(1, len(values) + 1), missing, **(line(number) | {"marker": None}))
        right.lines[-1].set_label(name)
        told.append(f"{name} {missing[0]:.1e} to {missing[-1]:.1e}")
    right.set(xlabel="iterations", ylabel="share still missing", title="Power iteration")
    right.legend(fontsize=10)
    return figure, (
        f"Left: a unit circle becomes an ellipse with half axes {stretches[0]:.2f} and "
        f"{stretches[1]:.2f}; arrows show the direction that is stretched most and where it goes. "
        f"Right: the share of the true norm that power iteration still misses, after 1 to "
        f"{len(values)} iterations: {'; '.join(told)}."
    )
