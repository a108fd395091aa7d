import io

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from ecglab.data.classes import CLASSES
from ecglab.data.database import DATABASE_VARIABLE
from ecglab.errors import SettingError
from ecglab.lessons.beat_figures import (
    beat_axes,
    beat_figure,
    busiest_window,
    recipe_figure,
    recording_figure,
    split_figure,
)
from ecglab.lessons.browser import (
    Choice,
    beat_browser,
    beat_numbers,
    one_of_each,
    positions,
    records_of,
    shown,
)
from ecglab.lessons.class_figures import counts_figure, gallery_figure, gap_figure
from ecglab.lessons.figures import png
from ecglab.lessons.overlay import background
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
    controls, image, numbers, status = beat_browser(session).children
    return (*controls.children, image, numbers, status.children[0])


def test_the_browser_opens_with_a_picture(browser):
    *_, image, numbers, status = browser
    assert 'src="data:image/png;base64,' in image.value
    assert 'alt="Beat 1 of' in image.value and "(simulated data, quick run)" in image.value
    assert ">R-R before (s)</th>" in numbers.value
    assert "simulated data, quick run" in numbers.value
    assert "Beat 1 of" in status.value


def test_every_control_has_a_real_label(browser):
    controls = browser[:3]
    assert [control.description for control in controls] == ["Class", "Record", "Beat"]
    assert all(isinstance(c, widgets.Dropdown | widgets.BoundedIntText) for c in controls)


def test_each_class_offers_its_own_records(browser, session):
    kind, record, number, image, _, status = browser
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
    _, record, number, *panel = browser
    seen = [[part.value for part in panel]]
    number.value = 2
    seen.append([part.value for part in panel])
    record.value = record.options[1][1]
    seen.append([part.value for part in panel])
    for values in zip(*seen, strict=True):
        assert len(set(values)) == 3
    assert number.value == 1


def test_a_number_beyond_the_last_beat_is_the_last(browser):
    *_, number, _, _, status = browser
    number.value = 10**6
    assert number.value == number.max
    assert f"Beat {number.max} of {number.max}" in status.value


@pytest.fixture
def show(session):
    """What the browser shows of a choice, drawn anew on one background."""
    behind = background(beat_axes(), label="a label")

    def showing(choice):
        return shown(choice, behind=behind, beats=session.beats, recording_of=session.recording)

    return showing


def test_what_is_shown_depends_on_nothing_but_the_choice(session, show):
    record = records_of(session.beats, 2)[0][1]
    first, other, again = (show(Choice(2, record, number)) for number in (1, 2, 1))
    assert first == again != other


def test_the_quick_picture_is_the_slow_one_to_the_pixel(session, show):
    beats = session.beats
    for position in [*one_of_each(beats), 0]:  # 0: the recording begins within the picture
        label, record = int(beats.labels[position]), int(beats.records[position])
        number = positions(beats, label, record).tolist().index(position) + 1
        quick = show(Choice(label, record, number)).png
        slow = png(beat_figure(session.recording(record), beats, position)[0], label="a label")
        np.testing.assert_array_equal(*(np.asarray(rgb(part)) for part in (quick, slow)))


def rgb(picture):
    return Image.open(io.BytesIO(picture)).convert("RGB")


def test_a_beat_that_is_not_there_is_refused(session, show):
    with pytest.raises(SettingError, match="number 0 is not among"):
        show(Choice(0, session.records[0], 0))


def test_the_numbers_are_those_of_the_recording(session):
    beats = session.beats
    record = records_of(beats, 0)[0][1]
    recording = session.recording(record)
    here = np.flatnonzero(beats.records == record)
    marks = zip(recording.samples.tolist(), recording.symbols, strict=True)
    heart = [sample for sample, symbol in marks if symbol not in "+~"]  # simulated marks of noise
    for number in (0, 5, len(here) - 1):
        position = int(here[number])
        row = beat_numbers(recording, beats, position)
        assert row["class"] == CLASSES[beats.labels[position]] and row["record"] == str(record)
        assert float(row["at (s)"]) == pytest.approx(beats.samples[position] / 360, abs=0.051)
        before = heart[number - 1] if number else None
        expected = f"{(heart[number] - before) / 360:.2f}" if number else ""
        assert row["R-R before (s)"] == expected
        assert row["R-R after (s)"] == f"{(heart[number + 1] - heart[number]) / 360:.2f}"
        assert not beats.values[position][row["values in its row"] :].any()
        assert beats.values[position][row["values in its row"] - 1] > 0
        assert row["values in its row"] + row["zeros"] == 187


def test_one_beat_of_each_class(session):
    beats = session.beats
    chosen = one_of_each(beats)
    assert sorted(beats.labels[chosen].tolist()) == np.unique(beats.labels).tolist()


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
