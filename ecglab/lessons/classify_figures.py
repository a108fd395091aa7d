"""One picture of classified beats: the busiest stretch, how sure the network is, how many."""

import dataclasses
import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE
from ecglab.data.classes import CLASSES
from ecglab.data.database import SAMPLING_RATE
from ecglab.files import write_atomically
from ecglab.lessons.beat_figures import busiest_window, draw_annotations, draw_trace
from ecglab.lessons.classify import Classified
from ecglab.lessons.figures import new_figure, png
from ecglab.lessons.style import CLASS_COLOURS, CLASS_HATCHES, CLASS_MARKERS, INK, apply_style

STRETCH = 10.0  # s


def save_picture(found: Classified, path: Path) -> str:
    """Write the picture as PNG, its text twin inside as the description; return the text."""
    apply_style()
    figure, axes = new_figure(2, 2, width=11, height=7.6, width_ratios=[3, 2])
    grid = axes[0, 0].get_gridspec()
    for panel in axes[0]:
        panel.remove()
    top = figure.add_subplot(grid[0, :])
    told = [
        draw_rows(top, found) if found.material.record is None else draw_stretch(top, found),
        draw_confidence(axes[1, 0], found),
        draw_counts(axes[1, 1], found),
    ]
    text = " ".join([*told, f"{found.label}."])
    about = PngInfo()
    about.add_text("Description", text)
    image = Image.open(io.BytesIO(png(figure, label=found.label)))
    write_atomically(path, lambda part: image.save(part, format="PNG", pnginfo=about))
    return text


def draw_stretch(axes: Axes, found: Classified) -> str:
    """The 10 s with most classes: the trace, and the class of each beat above it."""
    recording = found.material.record.recording
    _, start = busiest_window(found.beats, seconds=STRETCH)
    first = int(start * SAMPLING_RATE)
    stop = first + int(STRETCH * SAMPLING_RATE)
    draw_trace(axes, recording, first, stop)
    called = dataclasses.replace(
        recording,
        samples=found.beats.samples.astype(np.int64),
        symbols=tuple(CLASSES[label] for label in found.predicted),
    )
    seen = draw_annotations(axes, called, first, stop)
    name = Path(found.material.source).name
    axes.set_title(f"{name}: the {STRETCH:.0f} s in which the network sees most classes")
    counts = ", ".join(f"{seen[name]} {name}" for name in CLASSES if seen[name])
    return f"Top: {STRETCH:.0f} s of {name} from {start:.1f} s, beats called {counts}."


def draw_rows(axes: Axes, found: Classified) -> str:
    """The median row of each class that the network sees."""
    time = np.arange(BEAT_LENGTH) / BEAT_RATE
    seen = []
    for label, name in enumerate(CLASSES):
        rows = found.beats.of_class(label).values
        if not len(rows):
            continue
        axes.plot(
            time,
            np.median(rows, axis=0),
            color=CLASS_COLOURS[name],
            marker=CLASS_MARKERS[name],
            markevery=(4 * label, 25),
            label=f"{name} ({len(rows):,})",
        )
        seen.append(name)
    axes.set(xlabel="time after the R peak (s)", ylabel="scaled to 0..1")
    axes.set_title(f"{Path(found.material.source).name}: median row of each class found")
    axes.legend(ncols=len(seen))
    return f"Top: the median rows of the classes {', '.join(seen)}."


def draw_confidence(axes: Axes, found: Classified) -> str:
    """The probability of every beat's class, over the record or over the rows of the file."""
    record = found.material.record
    beats = found.beats
    place = beats.samples / SAMPLING_RATE / 60 if record else np.arange(len(beats)) + 1
    for label, name in enumerate(CLASSES):
        here = found.predicted == label
        axes.plot(
            place[here],
            found.confidence[here],
            CLASS_MARKERS[name],
            color=CLASS_COLOURS[name],
            markersize=3 if name == "N" else 5,
            linestyle="none",
        )
    axes.axhline(found.threshold, color=INK, linestyle="--", linewidth=1)
    axes.set(
        xlabel="time in the recording (min)" if record else "row of the file",
        ylabel="probability of its class",
        ylim=(0.15, 1.02),  # the most probable of five is never below 0.2
    )
    below = float((found.confidence < found.threshold).mean())
    axes.set_title(f"How sure? {below:.1%} of the beats below {found.threshold:g}")
    return (
        f"Below, left: the probability of each beat's class, {found.confidence.mean():.3f} on "
        f"average, below {found.threshold:g} for {below:.1%} of the beats."
    )


def draw_counts(axes: Axes, found: Classified) -> str:
    """Beats of each class on a logarithmic axis."""
    counts = found.beats.counts()
    axes.barh(
        [*counts],
        [*counts.values()],
        color=[CLASS_COLOURS[name] for name in counts],
        hatch=[CLASS_HATCHES[name] for name in counts],
        edgecolor="white",
    )
    for row, count in enumerate(counts.values()):  # a bar of none has no end to label
        place = (max(count, 0.7), row)
        axes.annotate(f"{count:,}", place, (5, 0), textcoords="offset points", va="center")
    axes.set(xscale="log", xlabel="beats (log axis)", ylabel="class")
    axes.set_xlim(0.7, 8 * max(counts.values()))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", visible=False)
    axes.invert_yaxis()
    axes.set_title("How many?")
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"Right: beats of each class: {listed}."
