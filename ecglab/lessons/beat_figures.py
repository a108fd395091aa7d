"""Figures of recordings and of single beats; each function returns a figure and its text twin."""

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE, Beats, beat_end, beat_row
from ecglab.data.classes import CLASSES, LABEL_OF_SYMBOL
from ecglab.data.database import SAMPLING_RATE, Recording
from ecglab.lessons.figures import new_figure
from ecglab.lessons.style import CLASS_COLOURS, CLASS_MARKERS, INK, LINE_COLOURS, QUIET

SPAN, SPAN_ALPHA = LINE_COLOURS[3], 0.35  # the span of a row in its recording


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


def draw_trace(axes: Axes, recording: Recording, start: int, stop: int) -> np.ndarray:
    """Draw a part of the recording in mV over seconds since its start; return the mV."""
    start, stop = max(start, 0), min(stop, len(recording.signal))
    trace = recording.millivolts(start, stop)
    axes.plot(np.arange(start, stop) / SAMPLING_RATE, trace, color=INK, linewidth=1.2)
    axes.set(xlabel="time in the recording (s)", ylabel=f"{recording.lead} (mV)")
    axes.margins(x=0.01)
    return trace


def draw_annotations(axes: Axes, recording: Recording, start: int, stop: int) -> Counter:
    """Mark each annotation above the trace: symbol, and AAMI class by colour and marker."""
    low, high = axes.get_ylim()
    level = high + 0.06 * (high - low)
    seen: Counter = Counter()
    for sample, symbol in zip(recording.samples.tolist(), recording.symbols, strict=True):
        if not start <= sample < stop:
            continue
        time = sample / SAMPLING_RATE
        if symbol in LABEL_OF_SYMBOL:
            name = CLASSES[LABEL_OF_SYMBOL[symbol]]
            label = f"class {name}" if not seen[name] else None
            axes.plot(
                [time],
                [level],
                CLASS_MARKERS[name],
                color=CLASS_COLOURS[name],
                label=label,
                linestyle="none",
            )
            seen[name] += 1
        else:  # no beat: below the trace, so that it never covers a beat's symbol
            axes.annotate(symbol, (time, low), ha="center", va="bottom", color=QUIET, weight="bold")
            continue
        axes.annotate(symbol, (time, level), xytext=(0, 6), textcoords="offset points", ha="center")
    axes.set_ylim(low, high + 0.2 * (high - low))
    return seen


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


def beat_figure(recording: Recording, beats: Beats, position: int) -> tuple[Figure, str]:
    """One beat twice: in its recording with the beats around it, and as a row of the benchmark."""
    sample = int(beats.samples[position])
    name = CLASSES[beats.labels[position]]
    row = beats.values[position]
    figure, axes = new_figure(1, 2, width=10, height=3.4, width_ratios=[3, 2])
    left, right = axes[0]
    start, stop = sample - 2 * SAMPLING_RATE, sample + 3 * SAMPLING_RATE
    draw_trace(left, recording, start, stop)
    draw_annotations(left, recording, max(start, 0), min(stop, len(recording.signal)))
    index = int(np.searchsorted(recording.samples, sample))
    end = beat_end(recording.samples, index, len(recording.signal))
    end = min(end, stop)
    left.axvspan(sample / SAMPLING_RATE, end / SAMPLING_RATE, color=CLASS_COLOURS[name], alpha=0.18)
    left.set_title(f"Record {recording.record}: class {name} at {sample / SAMPLING_RATE:.1f} s")
    right.plot(np.arange(BEAT_LENGTH) / BEAT_RATE, row, color=CLASS_COLOURS[name])
    right.set(xlabel="time after the R peak (s)", ylabel="scaled to 0..1", ylim=(-0.05, 1.05))
    right.set_title("its row in the benchmark")
    filled = int(np.flatnonzero(row).max(initial=-1)) + 1
    alt = (
        f"Record {recording.record}, beat of class {name} at {sample / SAMPLING_RATE:.1f} s, with "
        f"2 s before and 3 s after it; its row holds {filled} values ({filled / BEAT_RATE:.2f} s) "
        f"and {BEAT_LENGTH - filled} zeros."
    )
    return figure, alt
