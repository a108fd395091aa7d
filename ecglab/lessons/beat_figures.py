"""Figures of recordings and of single beats; each function returns a figure and its text twin."""

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE, Beats, beat_end, beat_row
from ecglab.data.classes import CLASSES, LABEL_OF_SYMBOL
from ecglab.data.database import SAMPLING_RATE, Recording
from ecglab.lessons.figures import new_figure
from ecglab.lessons.style import CLASS_COLOURS, CLASS_MARKERS, INK, LINE_COLOURS, QUIET

SPAN, SPAN_ALPHA = LINE_COLOURS[3], 0.35  # the span of a row in its recording
BEFORE, AFTER = 2, 3  # seconds shown around one beat
AFTER_PEAK = "time after the R peak (s)"


def busiest_window(beats: Beats, *, seconds: float = 10.0) -> tuple[int, float]:
    """Record and start (s) of the window that shows most classes, then most beats of them."""
    best = (0, 0, 0, 0.0)
    span = seconds * SAMPLING_RATE
    for record in np.unique(beats.records):
        here = beats.records == record
        samples, labels = beats.samples[here], beats.labels[here]
        if len(np.unique(labels)) < best[0]:
            continue
        stops = np.searchsorted(samples, samples + span)
        for i, stop in enumerate(stops.tolist()):
            inside = np.bincount(labels[i:stop], minlength=len(CLASSES))
            seen = int((inside > 0).sum())
            rarest = int(inside[inside > 0].min())
            if (seen, rarest) > best[:2]:
                best = (seen, rarest, int(record), float(samples[i]) / SAMPLING_RATE)
    return best[2], max(0.0, best[3] - 0.5)


def draw_trace(
    axes: Axes, recording: Recording, start: int, stop: int, *, origin: int = 0
) -> np.ndarray:
    """Draw a part of the recording in mV over seconds since sample ``origin``; return the mV."""
    start, stop = max(start, 0), min(stop, len(recording.signal))
    trace = recording.millivolts(start, stop)
    times = (np.arange(start, stop) - origin) / SAMPLING_RATE
    axes.plot(times, trace, color=INK, linewidth=1.2)
    axes.set(xlabel="time in the recording (s)", ylabel=f"{recording.lead} (mV)")
    axes.margins(x=0.01)
    return trace


def draw_annotations(
    axes: Axes, recording: Recording, start: int, stop: int, *, origin: int = 0
) -> Counter:
    """Mark each annotation above the trace: symbol, and AAMI class by colour and marker."""
    low, high = axes.get_ylim()
    level = high + 0.06 * (high - low)
    seen: dict[str, list[float]] = {}
    for sample, symbol in zip(recording.samples.tolist(), recording.symbols, strict=True):
        if not start <= sample < stop:
            continue
        time = (sample - origin) / SAMPLING_RATE
        if symbol not in LABEL_OF_SYMBOL:  # no beat: below the trace, where it covers none
            axes.annotate(symbol, (time, low), ha="center", va="bottom", color=QUIET, weight="bold")
            continue
        seen.setdefault(CLASSES[LABEL_OF_SYMBOL[symbol]], []).append(time)
        axes.annotate(symbol, (time, level), xytext=(0, 6), textcoords="offset points", ha="center")
    for name, times in seen.items():
        look = {"marker": CLASS_MARKERS[name], "color": CLASS_COLOURS[name], "linestyle": "none"}
        axes.plot(times, [level] * len(times), **look, label=f"class {name}")
    axes.set_ylim(low, high + 0.2 * (high - low))
    return Counter({name: len(times) for name, times in seen.items()})


def recording_figure(
    recording: Recording, *, start: float, seconds: float = 10.0
) -> tuple[Figure, str]:
    """A stretch of a recording in mV with every annotation above it; times in seconds."""
    figure, axes = new_figure(height=3.8)
    first = int(start * SAMPLING_RATE)
    stop = first + int(seconds * SAMPLING_RATE)
    trace = draw_trace(axes[0, 0], recording, first, stop)
    seen = draw_annotations(axes[0, 0], recording, first, stop)
    figure.legend(loc="outside upper right", ncols=len(CLASSES))
    axes[0, 0].set_title(f"Record {recording.record}, lead {recording.lead}")
    counts = ", ".join(f"{seen[name]} {name}" for name in CLASSES if seen[name])
    alt = (
        f"{seconds:.0f} seconds of record {recording.record}, lead {recording.lead}, from "
        f"{start:.1f} s: the trace runs from {trace.min():.2f} to {trace.max():.2f} mV; "
        f"annotated beats by class: {counts}."
    )
    return figure, alt


def recipe_figure(recording: Recording, annotation: int) -> tuple[Figure, str]:
    """How one row of the benchmark is cut: the span in the recording, and the row it becomes."""
    samples = recording.samples
    start, following = int(samples[annotation]), int(samples[annotation + 1])
    end = beat_end(samples, annotation, len(recording.signal))
    row = beat_row(recording.signal, start, end)
    kept = min(len(range(start, end, 3)), BEAT_LENGTH)
    figure, axes = new_figure(2, height=6.4)
    top, bottom = axes[:, 0]
    draw_trace(top, recording, start - 180, end + 180)
    top.axvspan(start / SAMPLING_RATE, end / SAMPLING_RATE, color=SPAN, alpha=SPAN_ALPHA)
    marks = {"A[i]": start, "A[i+1]": following, "end": end}
    for text, sample in marks.items():
        top.axvline(sample / SAMPLING_RATE, color=INK, linestyle="--", linewidth=1)
        top.annotate(
            text,
            (sample / SAMPLING_RATE, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if sample == following else 4, -14),
            textcoords="offset points",
            ha="right" if sample == following else "left",
        )
    top.set_title(f"The span in record {recording.record}, 360 samples a second")
    bottom.axvspan(kept, BEAT_LENGTH, color=QUIET, alpha=0.15, label="zeros to fill up")
    bottom.plot(row, color=INK, linewidth=1)
    bottom.plot(row[:kept], ".", color=INK, markersize=5, label="every third sample")
    peak = (following - start) / 3
    if peak < BEAT_LENGTH:
        bottom.axvline(peak, color=INK, linestyle="--", linewidth=1)
        bottom.annotate("next R peak", (peak, 0.9), xytext=(6, 0), textcoords="offset points")
    bottom.set(xlabel="position in the row", ylabel="scaled to 0..1")
    bottom.set_title("The row of 187 values that it becomes")
    bottom.secondary_xaxis(
        "top", functions=(lambda n: n / BEAT_RATE, lambda t: t * BEAT_RATE)
    ).set_xlabel("time after the R peak (s, at 120 Hz)")
    bottom.legend(loc="center right")
    alt = (
        f"Top: record {recording.record} around {start / SAMPLING_RATE:.1f} s; a shaded span "
        f"from the annotated R peak to {(end - following) / SAMPLING_RATE:.2f} s after the next "
        f"annotation, {(end - start) / SAMPLING_RATE:.2f} s in all. Bottom: the row of "
        f"{BEAT_LENGTH} values; {kept} come from the recording, the next R peak stands at "
        f"position {peak:.0f}, {BEAT_LENGTH - kept} zeros fill it up."
    )
    return figure, alt


def rate_figure(
    intervals: np.ndarray, peaks: np.ndarray, lengths: np.ndarray, described: np.ndarray
) -> tuple[Figure, str]:
    """How fast rows were sampled, and how long they are, against the published description.

    ``intervals`` (s) to the next R peak, ``peaks`` its position in the row; ``lengths`` of
    successive rows and the ``described`` ones, in values.
    """
    figure, axes = new_figure(1, 2, width=10, height=4.0)
    left, right = axes[0]
    left.plot(intervals, peaks, ".", color=QUIET, markersize=5, label="one row")
    ends = np.array([intervals.min(), intervals.max()])
    left.plot(ends, ends * BEAT_RATE, color=LINE_COLOURS[0], label="120 values a second")
    left.plot(ends, ends * 125, "--", color=LINE_COLOURS[1], label="125 values a second")
    left.set(xlabel="R-R interval in the recording (s)", ylabel="position of the next R peak")
    left.set_title("How fast?")
    left.legend()
    right.plot(lengths, "o-", color=LINE_COLOURS[0], markersize=5, label="the rows")
    steps = np.arange(len(described))
    right.step(steps, described, "--", where="mid", color=LINE_COLOURS[1], label="as described")
    right.set(xlabel="beats, one after the other", ylabel="values before the zeros")
    right.set_title("How long?")
    right.margins(y=0.2)
    right.legend(ncols=2, loc="upper center")
    rate = float(np.median(peaks / intervals))
    alt = (
        f"Left: position of the next R peak in the row against the R-R interval for "
        f"{len(intervals):,} rows; the points lie on the line of 120 values a second (median "
        f"{rate:.1f}), not on that of 125. Right: the lengths of {len(lengths)} successive rows "
        f"change from beat to beat between {lengths.min()} and {lengths.max()}; the description "
        f"gives {len(np.unique(described))} different lengths, one for each 10 s."
    )
    return figure, alt


def split_figure(
    recording: Recording, tested: np.ndarray, *, start: float, seconds: float = 10.0
) -> tuple[Figure, str]:
    """A stretch of a recording; the spans of rows in the test part (``tested`` samples) shaded."""
    figure, axes = new_figure(height=3.6)
    first = int(start * SAMPLING_RATE)
    stop = first + int(seconds * SAMPLING_RATE)
    draw_trace(axes[0, 0], recording, first, stop)
    samples = recording.samples
    inside = [
        i
        for i in np.flatnonzero((samples >= first) & (samples < stop)).tolist()
        if recording.symbols[i] in LABEL_OF_SYMBOL and i + 1 < len(samples)
    ]
    marked = 0
    for i in inside:
        if not np.isin(samples[i], tested):
            continue
        end = min(beat_end(samples, i, len(recording.signal)), stop)
        axes[0, 0].axvspan(
            samples[i] / SAMPLING_RATE,
            end / SAMPLING_RATE,
            color=SPAN,
            alpha=SPAN_ALPHA,
            label=None if marked else "rows of the test part; all others train",
        )
        marked += 1
    axes[0, 0].set_title(f"Record {recording.record}")
    figure.legend(loc="outside upper right")
    alt = (
        f"{seconds:.0f} seconds of record {recording.record}: {len(inside)} beats, of which "
        f"{marked}, shaded, lie in the test part; the beats beside them train."
    )
    return figure, alt


def beat_axes() -> Figure:
    """Axes for one beat: left its recording, right its row of the benchmark."""
    figure = Figure(figsize=(10, 3.4))
    left = figure.add_axes((0.08, 0.24, 0.53, 0.66))
    right = figure.add_axes((0.7, 0.24, 0.29, 0.66))
    for moving in (left.yaxis, left.set_title(""), *left.spines.values()):
        moving.set_animated(True)  # drawn anew for every beat; the frame stays above the grid
    # Few labels and a fixed place for the name: most of the time of a drawing goes there.
    left.yaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10)))
    left.yaxis.set_label_coords(-0.1, 0.5)
    left.set(xlabel=AFTER_PEAK, xlim=(-BEFORE - 0.05, AFTER + 0.05))
    right.set(xlabel=AFTER_PEAK, ylabel="scaled to 0..1", ylim=(-0.05, 1.05))
    right.set_xlim(-0.05, BEAT_LENGTH / BEAT_RATE + 0.05)
    right.set_title("its row in the benchmark")
    return figure


def draw_beat(figure: Figure, recording: Recording, beats: Beats, position: int) -> None:
    """Draw a beat into `beat_axes`: in its recording with the beats around it, and as a row."""
    left, right = figure.axes
    sample, name = int(beats.samples[position]), CLASSES[beats.labels[position]]
    start = max(sample - BEFORE * SAMPLING_RATE, 0)
    stop = min(sample + AFTER * SAMPLING_RATE, len(recording.signal))
    trace = draw_trace(left, recording, start, stop, origin=sample)
    left.set_xlabel(AFTER_PEAK)
    margin = 0.05 * float(np.ptp(trace)) or 0.1  # of a flat line
    left.set_ylim(trace.min() - margin, trace.max() + margin)
    draw_annotations(left, recording, start, stop, origin=sample)
    index = int(np.searchsorted(recording.samples, sample))
    end = min(beat_end(recording.samples, index, len(recording.signal)), stop)
    left.axvspan(0, (end - sample) / SAMPLING_RATE, color=CLASS_COLOURS[name], alpha=0.18)
    left.set_title(f"Record {recording.record}: class {name} at {sample / SAMPLING_RATE:.1f} s")
    times = np.arange(BEAT_LENGTH) / BEAT_RATE
    right.plot(times, beats.values[position], color=CLASS_COLOURS[name])


def filled(beats: Beats, position: int) -> int:
    """How many values of a beat's row come from its recording; zeros fill the rest."""
    return int(np.flatnonzero(beats.values[position]).max(initial=-1)) + 1


def beat_text(recording: Recording, beats: Beats, position: int) -> str:
    """What `draw_beat` shows, in words and numbers."""
    time, values = int(beats.samples[position]) / SAMPLING_RATE, filled(beats, position)
    return (
        f"Record {recording.record}, beat of class {CLASSES[beats.labels[position]]} at {time:.1f} "
        f"s, with up to {BEFORE} s before and {AFTER} s after it; its row holds {values} values "
        f"({values / BEAT_RATE:.2f} s) and {BEAT_LENGTH - values} zeros."
    )


def beat_figure(recording: Recording, beats: Beats, position: int) -> tuple[Figure, str]:
    """One beat twice: in its recording with the beats around it, and as a row of the benchmark."""
    figure = beat_axes()
    draw_beat(figure, recording, beats, position)
    return figure, beat_text(recording, beats, position)
