"""The recipe of the benchmark, against a second version of it in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglab.data.beats import BEAT_LENGTH, Beats, beat_row, extract_beats, join
from ecglab.data.classes import LABEL_OF_SYMBOL
from ecglab.data.database import Recording, read_recording
from ecglab.data.simulate import simulate_recording
from ecglab.errors import DataError


def plain_recipe(signal, samples, symbols):
    """Rows, labels and samples by the letter of the recipe, without numpy."""
    rows = []
    for i in range(len(samples) - 1):
        if symbols[i] not in LABEL_OF_SYMBOL:
            continue
        after = samples[i + 2] if i + 2 < len(samples) else len(signal)
        end = samples[i + 1] + int(0.2 * (after - samples[i + 1]))
        segment = [signal[j] for j in range(samples[i], min(end, len(signal)), 3)]
        if not segment:
            continue
        low, high = min(segment), max(segment)
        row = [(value - low) / (high - low) if high > low else 0.0 for value in segment]
        row = (row + [0.0] * BEAT_LENGTH)[:BEAT_LENGTH]
        rows.append((row, LABEL_OF_SYMBOL[symbols[i]], samples[i]))
    return rows


def agrees(recording, beats):
    rows = plain_recipe(
        recording.signal.tolist(), recording.samples.tolist(), list(recording.symbols)
    )
    assert len(beats) == len(rows)
    assert np.abs(beats.values - np.array([row for row, _, _ in rows])).max() < 1e-6
    assert beats.labels.tolist() == [label for _, label, _ in rows]
    assert beats.samples.tolist() == [sample for _, _, sample in rows]
    assert (beats.records == recording.record).all()


@pytest.mark.mitdb
@pytest.mark.parametrize("record", [100, 102, 114, 207, 232])
def test_real_rows_are_those_of_the_plain_recipe(mitdb, record):
    recording = read_recording(mitdb, record)
    beats = extract_beats(recording)
    agrees(recording, beats)
    assert beats.origin == "MIT-BIH"


def test_simulated_rows_are_those_of_the_plain_recipe():
    recording = simulate_recording(1007, seed=3, seconds=120)
    agrees(recording, extract_beats(recording, "simulated"))


@pytest.mark.mitdb
def test_the_real_counts_are_the_published_ones(mitdb_beats):
    assert mitdb_beats.counts() == {"N": 90_589, "S": 2_779, "V": 7_236, "F": 803, "Q": 8_039}
    assert mitdb_beats.values.shape == (109_446, 187)
    assert mitdb_beats.values.dtype == np.float32
    assert len({row.tobytes() for row in mitdb_beats.values}) == 109_446
    places = set(zip(mitdb_beats.records.tolist(), mitdb_beats.samples.tolist(), strict=True))
    assert len(places) == 109_446


def made_up(signal, samples, symbols):
    return Recording(7, "MLII", 360, 200.0, 1024, np.array(signal), np.array(samples), symbols)


@st.composite
def recordings(draw):
    steps = draw(st.lists(st.integers(1, 900), min_size=3, max_size=8))
    samples = np.cumsum(steps)
    length = int(samples[-1]) + draw(st.integers(1, 500))
    top = draw(st.sampled_from([0, 1, 5, 2047]))
    seed = draw(st.integers(0, 1000))
    signal = np.random.default_rng(seed).integers(0, top + 1, length)
    symbols = draw(
        st.lists(st.sampled_from("NLRAVF/fQ+~|"), min_size=len(samples), max_size=len(samples))
    )
    return made_up(signal, samples, tuple(symbols))


@settings(max_examples=150, deadline=None)
@given(recordings())
def test_rows_of_any_recording(recording):
    beats = extract_beats(recording)
    wanted = sum(symbol in LABEL_OF_SYMBOL for symbol in recording.symbols[:-1])
    assert beats.values.shape == (wanted, BEAT_LENGTH)
    assert ((beats.values >= 0) & (beats.values <= 1)).all()
    ends = np.append(recording.samples, len(recording.signal))
    for row, sample in zip(beats.values, beats.samples, strict=True):
        i = int(np.flatnonzero(recording.samples == sample)[0])
        length = ends[i + 1] + int(0.2 * (ends[i + 2] - ends[i + 1])) - sample
        kept = min(math.ceil(length / 3), BEAT_LENGTH)
        assert not row[kept:].any()
        if length <= 3 * BEAT_LENGTH and row.any():
            assert row[:kept].min() == 0 and row[:kept].max() == 1
    if wanted:
        agrees(recording, beats)


def test_a_row_is_scaled_before_it_is_cut():
    signal = np.concatenate([np.full(561, 10), np.full(39, 110)])
    signal[0] = 60
    row = beat_row(signal, 0, 600)
    assert row[0] == 0.5 and not row[1:].any() and row.dtype == np.float32


def test_a_flat_stretch_gives_zeros():
    assert not beat_row(np.full(300, 900), 0, 300).any()


def test_marks_that_are_no_beats_end_a_row():
    signal = np.random.default_rng(0).integers(0, 2048, 1500)
    with_mark = extract_beats(made_up(signal, [100, 200, 400, 700], ("N", "+", "N", "N")))
    without = extract_beats(made_up(signal, [100, 400, 700], ("N", "N", "N")))
    assert len(with_mark) == len(without) == 2
    assert np.count_nonzero(with_mark.values[0]) < 50 < np.count_nonzero(without.values[0])


def test_a_recording_without_beats():
    beats = extract_beats(made_up([1, 2, 3] * 100, [5, 50, 90], ("+", "~", "+")))
    assert len(beats) == 0 and beats.values.shape == (0, BEAT_LENGTH)
    assert sum(beats.counts().values()) == 0


def test_samples_may_be_beyond_the_signal_only_for_the_last_annotation():
    beats = extract_beats(made_up(range(400), [10, 390, 399], ("N", "N", "N")))
    assert len(beats) == 2


def test_beats_of_unequal_lengths(simulated):
    with pytest.raises(DataError, match="one label, record and sample for each row"):
        Beats(simulated.values, simulated.labels[1:], simulated.records, simulated.samples, "CSV")
    with pytest.raises(DataError, match="one label"):
        Beats(np.zeros(3), *(np.zeros(3, int),) * 3, "CSV")


def test_take_and_of_class(simulated):
    index = np.array([5, 3, 3])
    assert np.array_equal(simulated.take(index).samples, simulated.samples[index])
    for label, count in enumerate(simulated.counts().values()):
        part = simulated.of_class(label)
        assert len(part) == count and (part.labels == label).all()


def test_join_keeps_order_and_refuses_nothing_and_a_mixture(simulated):
    a, b = simulated.take(np.arange(10)), simulated.take(np.arange(10, 30))
    assert np.array_equal(join([a, b]).samples, simulated.samples[:30])
    with pytest.raises(DataError, match="No beats to join"):
        join([])
    other = Beats(b.values, b.labels, b.records, b.samples, "MIT-BIH")
    with pytest.raises(DataError, match="origin"):
        join([a, other])
