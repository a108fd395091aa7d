"""The beat browser: choose a class, a record and a beat, see it in its recording and as a row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np

from ecglab.data.beats import Beats
from ecglab.data.classes import CLASS_NAMES, CLASSES
from ecglab.data.database import Recording
from ecglab.errors import SettingError
from ecglab.lessons.beat_figures import beat_figure
from ecglab.lessons.panel import Panel, image_html
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


def picture(
    choice: Choice,
    *,
    beats: Beats,
    recording_of: Callable[[int], Recording],
    png: Callable,
) -> tuple[bytes, str]:
    """PNG and description of the chosen beat; nothing but the arguments decides them."""
    found = positions(beats, choice.label, choice.record)
    if not 1 <= choice.number <= len(found):
        raise SettingError(
            f"Record {choice.record} has {len(found)} beats of class {CLASSES[choice.label]}: "
            f"number {choice.number} is not among 1 to {len(found)}."
        )
    position = int(found[choice.number - 1])
    figure, alt = beat_figure(recording_of(choice.record), beats, position)
    return png(figure), f"Beat {choice.number} of {len(found)}. {alt}"


def beat_browser(session: Session) -> widgets.VBox:
    """Three controls, a picture and a line that describes it."""
    beats = session.beats

    @cache
    def drawn(choice: Choice) -> tuple[bytes, str]:
        return picture(choice, beats=beats, recording_of=session.recording, png=session.png)

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
        image, text = drawn(Choice(kind.value, record.value, number.value))
        panel.show(image_html(image, text), text)

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
    box = widgets.VBox(
        [
            widgets.HBox([kind, record, number], layout=widgets.Layout(flex_flow="row wrap")),
            panel.picture,
            panel.status,
        ]
    )
    return box.add_class("ecglab-beat-browser")
