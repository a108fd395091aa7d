import numpy as np
import pytest

from ecglab.data.database import RECORDS, SAMPLING_RATE, Recording, read_recording
from ecglab.lessons.measures import FEWEST, Measures, class_medians, measure, measure_all


def drawn(samples, symbols, *, width_ms=100.0, height_mv=1.5, record=1):
    """A recording of triangles of known width and height at the given samples."""
    half = width_ms / 2 / 1000 * SAMPLING_RATE
    time = np.arange(samples[-1] + 400)
    signal = np.zeros(len(time))
    for sample in samples:
        signal += np.clip(1 - np.abs(time - sample) / half, 0, None) * height_mv
    adc = np.rint(1024 + 200 * signal).astype(np.int64)
    return Recording(
        record, "MLII", SAMPLING_RATE, 200.0, 1024, adc, np.asarray(samples), tuple(symbols)
    )


@pytest.mark.parametrize("width", [60.0, 100.0, 150.0])
def test_a_triangle_has_its_width_and_height(width):
    samples = np.arange(400, 400 + 20 * 300, 300)
    found = measure(drawn(samples, "N" * 20, width_ms=width))
    assert np.abs(found.width - width).max() < 20  # smoothing adds 14 ms at most
    np.testing.assert_allclose(found.height, 1.5, atol=0.02)


def test_intervals_are_relative_to_the_rhythm_around():
    samples = np.arange(400, 400 + 60 * 300, 300)
    samples[30] -= 75  # one beat a quarter early, a pause after it
    found = measure(drawn(samples, ["N"] * 30 + ["V"] + ["N"] * 29))
    assert found.rr_before[30] == pytest.approx(0.75)
    assert found.rr_after[30] == pytest.approx(1.25)
    assert found.rr_before[10] == pytest.approx(1.0)
    assert np.isnan(found.rr_before[0]) and np.isnan(found.rr_after[-1])


def test_marks_that_are_no_beats_do_not_count():
    samples = np.arange(400, 400 + 20 * 300, 300)
    plain = measure(drawn(samples, "N" * 20))
    recording = drawn(samples, "N" * 20)
    marked = Recording(
        *(recording.record, recording.lead, SAMPLING_RATE, 200.0, 1024, recording.signal),
        np.insert(samples, 5, samples[5] - 40),
        (*"NNNNN", "+", *"N" * 15),
    )
    np.testing.assert_array_equal(measure(marked).rr_before, plain.rr_before)


def test_each_record_counts_once():
    def part(record, beats, width):
        ones = np.ones(beats)
        return (np.zeros(beats, int), np.full(beats, record), ones, ones, width * ones, ones)

    parts = [part(1, 1000, 60.0), part(2, 10, 80.0), part(3, 10, 100.0), part(4, FEWEST - 1, 9.0)]
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    (row,) = class_medians(Measures(*columns))
    assert (row["class"], row["records"], row["QRS width (ms)"]) == ("N", 3, 80)
    assert (row["R-R before"], row["QRS height (mV)"]) == ("1.00", "1.00")


@pytest.mark.mitdb
def test_the_classes_of_the_database(mitdb):
    measures = measure_all(read_recording(mitdb, record) for record in RECORDS)
    rows = {row["class"]: row for row in class_medians(measures)}
    assert rows["N"]["R-R before"] == rows["N"]["R-R after"] == "1.00"
    assert float(rows["S"]["R-R before"]) == pytest.approx(0.80, abs=0.05)
    assert float(rows["V"]["R-R before"]) == pytest.approx(0.74, abs=0.06)
    assert float(rows["V"]["R-R after"]) == pytest.approx(1.27, abs=0.06)
    widths = [rows[name]["QRS width (ms)"] for name in "NFV"]
    assert widths == sorted(set(widths))  # a fusion beat is between the two it is made of
    assert rows["V"]["QRS width (ms)"] / rows["N"]["QRS width (ms)"] > 1.7
