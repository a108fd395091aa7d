"""The beat browser: choose a class, a record and a beat, see it in its recording and as a row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import ipywidgets as widgets
import numpy as np

from ecglab.data.beats import BEAT_LENGTH, Beats
from ecglab.data.classes import CLASS_NAMES, CLASSES, LABEL_OF_SYMBOL
from ecglab.data.database import SAMPLING_RATE, Recording
from ecglab.errors import SettingError
from ecglab.lessons.beat_figures import beat_axes, beat_text, draw_beat, filled
from ecglab.lessons.figures import image_html
from ecglab.lessons.overlay import Background, background, overlaid_png
from ecglab.lessons.panel import KEPT, Panel
from ecglab.lessons.session import Session


@dataclass(frozen=True)
class Choice:
    """The ``number``-th beat (from 1) of class ``label`` in ``record``."""

    label: int
    record: int
    number: int = 1


def classes_present(beats: Beats) -> list[tuple[str, int]]:
    """Text and label of each class that has beats."""
    return [
        (f"{name}: {CLASS_NAMES[name]} ({count:,} beats)", CLASSES.index(name))
        for name, count in beats.counts().items()
        if count
    ]


def records_of(beats: Beats, label: int) -> list[tuple[str, int]]:
    """Text and number of each record that has beats of a class, the richest first."""
    records, counts = np.unique(beats.records[beats.labels == label], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(f"{records[i]} ({counts[i]:,} of this class)", int(records[i])) for i in order]


def positions(beats: Beats, label: int, record: int) -> np.ndarray:
    """Positions in ``beats`` of the beats of one class in one record, in time order."""
    return np.flatnonzero((beats.labels == label) & (beats.records == record))


def one_of_each(beats: Beats) -> list[int]:
    """Position of one beat of each class: the middle one of the record that has most of them."""
    chosen = []
    for _, label in classes_present(beats):
        found = positions(beats, label, records_of(beats, label)[0][1])
        chosen.append(int(found[len(found) // 2]))
    return chosen


def beat_numbers(recording: Recording, beats: Beats, position: int) -> dict[str, object]:
    """One beat as a row of a table; the first and the last of a recording miss an interval."""
    annotated = zip(recording.samples.tolist(), recording.symbols, strict=True)
    samples = [sample for sample, symbol in annotated if symbol in LABEL_OF_SYMBOL]
    sample = int(beats.samples[position])
    intervals = np.pad(np.diff(samples) / SAMPLING_RATE, 1, constant_values=np.nan)
    place = samples.index(sample)
    before, after = (
        "" if np.isnan(interval) else f"{interval:.2f}" for interval in intervals[place : place + 2]
    )
    return {
        "class": CLASSES[beats.labels[position]],
        "record": str(recording.record),
        "at (s)": f"{sample / SAMPLING_RATE:.1f}",
        "R-R before (s)": before,
        "R-R after (s)": after,
        "values in its row": filled(beats, position),
        "zeros": BEAT_LENGTH - filled(beats, position),
    }


@dataclass(frozen=True)
class Shown:
    """What the browser shows of one beat: picture, description and row of the table."""

    png: bytes
    text: str
    numbers: dict[str, object]


def shown(
    choice: Choice,
    *,
    behind: Background,
    beats: Beats,
    recording_of: Callable[[int], Recording],
) -> Shown:
    """Draw and describe the chosen beat; nothing but the arguments decides the result."""
    found = positions(beats, choice.label, choice.record)
    if not 1 <= choice.number <= len(found):
        raise SettingError(
            f"Record {choice.record} has {len(found)} beats of class {CLASSES[choice.label]}: "
            f"number {choice.number} is not among 1 to {len(found)}."
        )
    beat = recording_of(choice.record), beats, int(found[choice.number - 1])
    return Shown(
        overlaid_png(behind, lambda figure: draw_beat(figure, *beat)),
        f"Beat {choice.number} of {len(found)}. {beat_text(*beat)}",
        beat_numbers(*beat),
    )


def beat_browser(session: Session) -> widgets.VBox:
    """Three controls, a picture, its numbers and a line that describes it."""
    beats = session.beats
    behind = background(beat_axes(), label=session.label)

    @lru_cache(maxsize=KEPT)
    def drawn(choice: Choice) -> Shown:
        return shown(choice, behind=behind, beats=beats, recording_of=session.recording)

    wide = widgets.Layout(width="24em")
    kind = widgets.Dropdown(
        description="Class", options=classes_present(beats), layout=widgets.Layout(width="34em")
    )
    record = widgets.Dropdown(
        description="Record", options=records_of(beats, kind.value), layout=wide
    )
    number = widgets.BoundedIntText(description="Beat", value=1, min=1, max=1)
    panel = Panel()

    def redraw(_change: object = None) -> None:
        now = drawn(Choice(kind.value, record.value, number.value))
        tables = {f"This beat ({session.label})": [now.numbers]}
        panel.show(image_html(now.png, f"{now.text} ({session.label})"), now.text, tables)

    def new_record(_change: object = None) -> None:
        number.unobserve(redraw, "value")
        number.max = len(positions(beats, kind.value, record.value))
        number.value = 1
        number.observe(redraw, "value")
        redraw()

    def new_class(_change: object) -> None:
        record.unobserve(new_record, "value")
        record.options = records_of(beats, kind.value)
        record.observe(new_record, "value")
        new_record()

    kind.observe(new_class, "value")
    record.observe(new_record, "value")
    new_record()
    controls = widgets.HBox([kind, record, number], layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([controls, *panel.parts]).add_class("ecglab-beat-browser")
