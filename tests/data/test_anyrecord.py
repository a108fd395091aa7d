"""Any WFDB record becomes rows of the benchmark's kind, or one sentence says why not."""

import dataclasses
import warnings

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglab.data.anyrecord import at_database_rate, cut_beats, detect_peaks, read_lead
from ecglab.data.beats import beat_end, extract_beats
from ecglab.data.classes import LABEL_OF_SYMBOL
from ecglab.data.database import Recording, read_recording
from ecglab.data.simulate import simulate_recording
from ecglab.errors import DataError


@pytest.fixture(scope="module")
def person() -> Recording:
    return simulate_recording(1001, seed=0, seconds=60)


def write(
    folder, recording, *, name="mine", rate=360, lead="MLII", unit="mV", symbols=None, volts=None
):
    """Write a recording with wfdb; its annotations too unless ``symbols`` is empty."""
    volts = recording.millivolts() if volts is None else volts
    signals = np.column_stack([np.zeros(len(volts)), volts])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrsamp(
            name,
            fs=rate,
            units=["mV", unit],
            sig_name=["V5", lead],
            p_signal=signals,
            fmt=["16", "16"],
            adc_gain=[200.0, 200.0 if unit != "uV" else 0.2],
            baseline=[0, 0],
            write_dir=str(folder),
        )
    symbols = recording.symbols if symbols is None else symbols
    if symbols:
        places = recording.samples[: len(symbols)]
        wfdb.wrann(name, "atr", places, symbol=list(symbols), write_dir=str(folder))
    return folder / name


def same_beats(found, expected):
    np.testing.assert_array_equal(found.samples, expected.samples)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-6)


@pytest.mark.parametrize("ending", ["", ".hea", ".dat"])
def test_a_record_at_360_hz_gives_the_rows_of_the_recipe(tmp_path, person, ending):
    path = write(tmp_path, person)
    record = read_lead(f"{path}{ending}")
    assert (record.name, record.rate, record.annotated) == (str(path), 360, True)
    assert (record.recording.lead, record.notes) == ("MLII", ())
    assert record.seconds == pytest.approx(60)
    beats, left_out = cut_beats(record)
    same_beats(beats, extract_beats(person))
    assert (left_out, beats.origin) == (0, "WFDB")
    assert set(beats.records) == {-1}


def test_the_scale_of_a_record_does_not_matter(tmp_path, person):
    path = write(tmp_path, person, unit="uV", volts=1000 * person.millivolts())
    same_beats(cut_beats(read_lead(path))[0], extract_beats(person))


def test_segments_are_one_record(tmp_path, person):
    half = len(person.signal) // 2
    for name, part in (("a", slice(half)), ("b", slice(half, None))):
        write(tmp_path, person, name=name, volts=person.millivolts()[part], symbols=())
    (tmp_path / "whole.hea").write_text(
        f"whole/2 2 360 {len(person.signal)}\na {half}\nb {len(person.signal) - half}\n"
    )
    wfdb.wrann("whole", "atr", person.samples, symbol=[*person.symbols], write_dir=str(tmp_path))
    same_beats(cut_beats(read_lead(tmp_path / "whole"))[0], extract_beats(person))


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([125.0, 128.0, 200.0, 250.0, 256.4, 300.0, 500.0, 999.56, 1000.0]),
    st.floats(0.2, 30.0),
    st.floats(-2, 2),
)
def test_resampling_keeps_a_sine_wave(rate, frequency, offset):
    times = np.arange(int(8 * rate)) / rate
    signal, missing = at_database_rate(offset + np.sin(2 * np.pi * frequency * times), rate)
    assert not missing.any()
    assert len(signal) == pytest.approx(8 * 360, abs=3)
    expected = offset + np.sin(2 * np.pi * frequency * np.arange(len(signal)) / 360)
    inner = slice(360, -360)
    np.testing.assert_allclose(signal[inner], expected[inner], atol=0.02)


def test_a_record_at_another_rate_keeps_its_beats_and_says_so(tmp_path, person):
    rate = 250
    times = np.arange(0, 60, 1 / rate)
    volts = np.interp(times, np.arange(len(person.signal)) / 360, person.millivolts())
    moved = dataclasses.replace(person, samples=np.rint(person.samples * rate / 360).astype(int))
    record = read_lead(write(tmp_path, moved, rate=rate, volts=volts))
    assert record.notes == ("The record was resampled from 250 to 360 Hz.",)
    beats, _ = cut_beats(record)
    expected = extract_beats(person)
    np.testing.assert_array_equal(beats.labels, expected.labels)
    assert abs(beats.samples - expected.samples).max() <= 1
    assert abs(beats.values - expected.values).mean() < 0.02


def test_without_annotations_the_simulated_peaks_are_found(tmp_path, person):
    record = read_lead(write(tmp_path, person, symbols=()))
    assert not record.annotated
    assert "no annotations (mine.atr)" in record.notes[0] and "XQRS" in record.notes[0]
    true = extract_beats(person).samples
    found = record.recording.samples
    distance = abs(true[:, None] - found).min(axis=1)
    assert (distance <= 5).mean() > 0.95  # 14 ms
    assert abs(len(found) - len(true)) <= 2
    beats, _ = cut_beats(record)
    assert len(beats) == len(found) - 1


def test_annotations_of_the_rhythm_alone_are_no_beats(tmp_path, person):
    record = read_lead(write(tmp_path, person, symbols=["+", "~"]))
    assert not record.annotated
    assert "None of the 2 annotations in mine.atr is a beat" in record.notes[0]


def test_beats_that_the_database_has_no_symbol_for_get_their_class(tmp_path, person):
    others = {"N": "B", "S": "n", "A": "n", "V": "r", "Q": "?"}
    symbols = [others.get(symbol, symbol) for symbol in person.symbols]
    assert "B" in symbols
    same_beats(
        cut_beats(read_lead(write(tmp_path, person, symbols=symbols)))[0], extract_beats(person)
    )


def test_only_beats_whose_rows_miss_samples_are_left_out(tmp_path, person):
    volts = person.millivolts().copy()
    gap = slice(5000, 5400)
    volts[gap] = np.nan
    expected = extract_beats(person)
    index = np.searchsorted(person.samples, expected.samples, side="right") - 1
    ends = np.array([beat_end(person.samples, i, len(volts)) for i in index])
    hit = (expected.samples < gap.stop) & (ends > gap.start)
    assert 1 <= hit.sum() < 6
    beats, left_out = cut_beats(read_lead(write(tmp_path, person, volts=volts)))
    assert left_out == hit.sum()
    same_beats(beats, expected.take(~hit))


def test_another_lead_is_read_with_a_warning(tmp_path, person):
    path = write(tmp_path, person, lead="II")
    with pytest.raises(DataError, match=r"no lead MLII: found V5, II; --lead V5 takes that one"):
        read_lead(path)
    with pytest.raises(DataError, match=r"no lead aVF: found V5, II; name one of these"):
        read_lead(path, lead="aVF")
    record = read_lead(path, lead="ii")
    assert record.recording.lead == "II"
    assert "Lead II is not MLII" in record.notes[0]
    same_beats(cut_beats(record)[0], extract_beats(person))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"unit": "mmHg"}, "measured in mmHg, expected a voltage"),
        ({"rate": 100}, "100 Hz found, at least 120 Hz"),
        ({"volts": np.zeros(900)}, "2.5 s found, at least 3 s"),
        ({"volts": np.full(3600, np.nan)}, "no valid sample"),
        ({"volts": np.zeros(3600)}, "no row: 0 beats found in 10.0 s"),
    ],
)
def test_a_lead_without_a_row_is_named(tmp_path, person, changes, found):
    path = write(tmp_path, person, **({"symbols": ()} | changes))
    with pytest.raises(DataError, match="mine") as error:
        cut_beats(read_lead(path))
    assert found in str(error.value)


def test_files_that_are_missing_or_of_another_record_are_named(tmp_path, person):
    with pytest.raises(DataError, match=r"mine\.hea is missing"):
        read_lead(tmp_path / "mine")
    path = write(tmp_path, person)
    short = write(tmp_path, person, name="short", volts=person.millivolts()[:7200])
    with pytest.raises(DataError, match=r"short\.atr has an annotation at .* 20\.0 s"):
        read_lead(short)
    (tmp_path / "mine.atr").write_bytes(b"\x01")
    with pytest.raises(DataError, match=r"mine\.atr cannot be read"):
        read_lead(path)
    (tmp_path / "mine.dat").unlink()
    with pytest.raises(DataError, match=r"mine cannot be read \(FileNotFoundError"):
        read_lead(path)
    (tmp_path / "empty.hea").write_text("empty 0 360 0\n")
    with pytest.raises(DataError, match="no signal at all"):
        read_lead(tmp_path / "empty")


@pytest.mark.parametrize("seconds", [3, 4, 6, 10])
def test_peaks_are_found_in_short_records_too(person, seconds):
    volts = person.millivolts()[: seconds * 360]
    true = [
        s
        for s, symbol in zip(person.samples, person.symbols, strict=True)
        if symbol in LABEL_OF_SYMBOL and 60 < s < len(volts) - 60
    ]
    assert abs(len(detect_peaks(volts)) - len(true)) <= 2


@pytest.mark.mitdb
def test_real_records(mitdb):
    beats, left_out = cut_beats(read_lead(mitdb / "208"))
    same_beats(beats, extract_beats(read_recording(mitdb, 208)))
    assert left_out == 0
    with pytest.raises(DataError, match="found V5, V2"):
        read_lead(mitdb / "102")
    other_channel = read_lead(mitdb / "114").recording
    np.testing.assert_array_equal(
        other_channel.signal, read_recording(mitdb, 114, channel=1).signal
    )


@pytest.mark.mitdb
@pytest.mark.parametrize(("record", "found"), [(119, 0.99), (208, 0.75), (232, 0.99)])
def test_detected_peaks_are_those_of_the_annotators(mitdb, record, found):
    """In 208 XQRS misses every fourth beat: low N beats between high V beats."""
    recording = read_recording(mitdb, record)
    minutes = slice(0, 5 * 60 * 360)
    peaks = detect_peaks(recording.millivolts()[minutes])
    true = extract_beats(recording).samples
    true = true[true < minutes.stop - 360]
    distance = abs(true[:, None] - peaks).min(axis=1)
    assert (distance <= 9).mean() > found  # 25 ms
    assert len(peaks) <= 1.02 * len(true) + 2
