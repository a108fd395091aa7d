import ipywidgets as widgets
import numpy as np
import pytest

from ecglab.data.classes import CLASSES
from ecglab.data.database import DATABASE_VARIABLE
from ecglab.errors import SettingError
from ecglab.lessons.beat_figures import (
    beat_figure,
    busiest_window,
    recipe_figure,
    recording_figure,
    split_figure,
)
from ecglab.lessons.browser import Choice, beat_browser, picture, positions, records_of
from ecglab.lessons.class_figures import counts_figure, gallery_figure, gap_figure
from ecglab.lessons.figures import png
from ecglab.lessons.session import start


@pytest.fixture(scope="module")
def session(simulated):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(DATABASE_VARIABLE, raising=False)
        started = start("a test", seed=0)
        vars(started)["beats"] = simulated
        yield started


@pytest.fixture
def browser(session):
    box = beat_browser(session)
    controls, image, status = box.children
    return (*controls.children, image, status)


def test_the_browser_opens_with_a_picture(browser):
    *_, image, status = browser
    assert 'src="data:image/png;base64,' in image.value
    assert 'alt="Beat 1 of' in image.value
    assert "Beat 1 of" in status.value


def test_every_control_has_a_real_label(browser):
    controls = browser[:3]
    assert [control.description for control in controls] == ["Class", "Record", "Beat"]
    assert all(isinstance(c, widgets.Dropdown | widgets.BoundedIntText) for c in controls)


def test_each_class_offers_its_own_records(browser, session):
    kind, record, number, image, status = browser
    for label in np.unique(session.beats.labels).tolist():
        before = image.value
        kind.value = label
        assert {value for _, value in record.options} == set(
            session.beats.records[session.beats.labels == label].tolist()
        )
        assert f"class {CLASSES[label]}" in status.value
        assert number.max == len(positions(session.beats, label, record.value))
        assert label == 0 or image.value != before


def test_number_and_record_change_picture_and_description(browser):
    _, record, number, image, status = browser
    seen = {(image.value, status.value)}
    number.value = 2
    seen.add((image.value, status.value))
    record.value = record.options[1][1]
    seen.add((image.value, status.value))
    assert len({picture for picture, _ in seen}) == len({text for _, text in seen}) == 3
    assert number.value == 1


def test_a_number_beyond_the_last_beat_is_the_last(browser):
    *_, number, _, status = browser
    number.value = 10**6
    assert number.value == number.max
    assert f"Beat {number.max} of {number.max}" in status.value


def test_the_picture_depends_on_nothing_but_the_choice(session):
    def draw(number):
        choice = Choice(2, records_of(session.beats, 2)[0][1], number)
        return picture(choice, beats=session.beats, recording_of=session.recording, png=session.png)

    first, other, again = draw(1), draw(2), draw(1)
    assert first == again != other


def test_a_beat_that_is_not_there_is_refused(session):
    with pytest.raises(SettingError, match="number 0 is not among"):
        picture(
            Choice(0, session.records[0], 0),
            beats=session.beats,
            recording_of=session.recording,
            png=session.png,
        )


def test_the_busiest_window_shows_most_classes(simulated):
    record, begin = busiest_window(simulated, seconds=10)
    here = simulated.records == record
    inside = (simulated.samples >= begin * 360) & (simulated.samples < (begin + 10.5) * 360)
    found = len(np.unique(simulated.labels[here & inside]))
    for other in np.unique(simulated.records):
        rows = simulated.records == other
        for sample in simulated.samples[rows]:
            window = (simulated.samples >= sample) & (simulated.samples < sample + 3600) & rows
            assert len(np.unique(simulated.labels[window])) <= found


def test_text_alternatives_carry_the_numbers_of_the_data(session):
    beats = session.beats
    record, begin = busiest_window(beats)
    recording = session.recording(record)
    _, text = recording_figure(recording, start=begin)
    stretch = recording.millivolts(int(begin * 360), int(begin * 360) + 3600)
    assert f"{stretch.min():.2f} to {stretch.max():.2f} mV" in text
    _, text = counts_figure(beats)
    assert all(f"{name} {count:,}" in text for name, count in beats.counts().items())
    position = int(np.flatnonzero(beats.records == record)[3])
    _, text = beat_figure(recording, beats, position)
    assert f"at {beats.samples[position] / 360:.1f} s" in text
    tested = beats.samples[beats.records == record][::2]
    _, text = split_figure(recording, tested, start=begin)
    shown = ((tested >= begin * 360) & (tested < (begin + 10) * 360)).sum()
    assert f"{shown}, shaded, lie in the test part" in text


def test_every_figure_can_be_drawn(session):
    beats = session.beats
    recording = session.recording(session.records[0])
    scores = {"one": [0.1, 0.2, 0.3, 0.4, 0.5], "two": [0.5] * 5}
    for figure, text in (
        recipe_figure(recording, 20),
        gallery_figure(beats),
        gallery_figure(beats.take(beats.labels != 3)),
        gap_figure(scores),
    ):
        assert png(figure).startswith(b"\x89PNG")
        assert len(text) > 40
