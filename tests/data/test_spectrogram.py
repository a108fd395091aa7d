"""Spectrograms: against scipy's transform, standardised by the training part alone."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglab.data import spectrogram as module
from ecglab.data.beats import BEAT_LENGTH, BEAT_RATE
from ecglab.data.spectrogram import (
    LEAST_POWER,
    WINDOWS,
    moments,
    spectrogram,
    spectrogram_split,
    to_spectrograms,
)
from ecglab.data.splits import make_split
from ecglab.errors import DataError, SettingError

SIZES = tuple(WINDOWS)


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_transform_of_scipy(simulated, size):
    length, hop = WINDOWS[size]
    rows = simulated.values[::200].astype(np.float64)
    centred = rows - rows.mean(1, keepdims=True)
    _, times, transform = scipy.signal.stft(
        centred, BEAT_RATE, "hann", length, length - hop, boundary="zeros", padded=False
    )
    power = np.abs(transform * scipy.signal.get_window("hann", length).sum()) ** 2
    expected = 10 * np.log10(np.maximum(power, LEAST_POWER))
    found = spectrogram(torch.from_numpy(rows), size=size).numpy()
    assert found.shape == (len(rows), size, size)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # Column j stands for the time hop * j, which scipy knows too.
    np.testing.assert_allclose(times, np.arange(size) * hop / BEAT_RATE)


@pytest.mark.parametrize("size", SIZES)
def test_one_column_is_a_discrete_fourier_transform_by_hand(size):
    length, hop = WINDOWS[size]
    row = np.random.default_rng(0).random(BEAT_LENGTH)
    column, n = size // 2, np.arange(length)
    piece = (row - row.mean())[column * hop - length // 2 :][:length]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / length)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size), n) / length)
    expected = 10 * np.log10(np.abs(waves @ (window * piece)) ** 2)
    found = spectrogram(torch.from_numpy(row[None]), size=size)[0, :, column]
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hertz", [12, 29, 48])
def test_a_tone_is_brightest_at_its_frequency(size, hertz):
    t = torch.arange(BEAT_LENGTH, dtype=torch.float64) / BEAT_RATE
    picture = spectrogram(torch.sin(2 * torch.pi * hertz * t)[None], size=size)[0]
    spacing = BEAT_RATE / WINDOWS[size][0]
    assert abs(picture[:, size // 2].argmax() * spacing - hertz) <= spacing / 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-5, 5), st.sampled_from(SIZES))
def test_scale_adds_decibels_and_an_offset_changes_nothing(seed, scale, offset, size):
    row = torch.from_numpy(np.random.default_rng(seed).random((1, BEAT_LENGTH)))
    before, after = spectrogram(row, size=size), spectrogram(scale * row + offset, size=size)
    floor = 10 * np.log10(LEAST_POWER)
    expected = (before + 20 * np.log10(scale)).clamp(min=floor)
    loud = (before > floor) & (expected > floor + 20)
    torch.testing.assert_close(after[loud], expected[loud], atol=1e-4, rtol=0)
    assert after.min() >= floor - 1e-9


def test_a_flat_row_is_silent():
    assert (spectrogram(torch.ones(2, BEAT_LENGTH)) == -60).all()


@pytest.mark.parametrize("size", SIZES)
def test_the_padding_shows_where_the_beat_ended(size):
    length, hop = WINDOWS[size]
    end = 70
    row = torch.zeros(1, BEAT_LENGTH, dtype=torch.float64)
    row[:, :end] = torch.rand(end, generator=torch.Generator().manual_seed(0))
    centres = torch.arange(size) * hop
    inside = (centres - length // 2 >= end) & (centres + length // 2 <= BEAT_LENGTH)
    assert inside.any()
    # There the row is minus its mean, a constant: a Hann window puts it into the first two bins.
    picture = spectrogram(row, size=size)[0]
    assert (picture[2:, inside] == -60).all() and (picture[:2, inside] > -20).all()
    assert (picture[2:, centres < end] > -60).all()


def test_chunks_leave_no_seam(simulated, monkeypatch):
    rows = torch.from_numpy(simulated.values[:25])
    whole = spectrogram(rows, size=16)
    monkeypatch.setattr(module, "CHUNK", 10)
    torch.testing.assert_close(spectrogram(rows, size=16), whole, atol=1e-3, rtol=0)
    values = np.random.default_rng(0).normal(3, 2, (25, 4, 4)).astype(np.float32)
    expected = values.astype(np.float64)
    assert moments(values) == pytest.approx((expected.mean(), expected.std()), rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_the_training_part_is_standardised(simulated, size):
    made = to_spectrograms(simulated, size=size)
    assert made.values.dtype == np.float32 and made.values.shape == (4_000, size, size)
    assert made.values.mean(dtype=np.float64) == pytest.approx(0, abs=1e-5)
    assert made.values.std(dtype=np.float64) == pytest.approx(1, abs=1e-5)
    decibels = spectrogram(torch.from_numpy(simulated.values[:50]), size=size).numpy()
    np.testing.assert_allclose(made.values[:50] * made.deviation + made.mean, decibels, atol=1e-3)


def test_no_test_beat_enters_the_standardisation(simulated):
    split = make_split("benchmark", simulated)
    train, test = spectrogram_split(split, size=16)
    assert (train.mean, train.deviation) == (test.mean, test.deviation)
    noise = np.random.default_rng(0).random(split.test.values.shape, np.float32)
    other = replace(split, test=replace(split.test, values=100 * noise))
    same, changed = spectrogram_split(other, size=16)
    assert (same.mean, same.deviation) == (train.mean, train.deviation)
    assert np.array_equal(same.values, train.values)
    assert (changed.mean, changed.deviation) == (train.mean, train.deviation)
    assert abs(changed.values.mean()) > 1  # what is unlike the training part stays unlike it


def test_every_picture_keeps_its_beat(simulated):
    made = to_spectrograms(simulated, size=16)
    assert len(made) == len(simulated) and made.counts() == simulated.counts()
    assert made.origin == "simulated"
    for index in (np.array([7, 3, 3]), simulated.labels == 2):
        taken, beats = made.take(index), simulated.take(index)
        assert np.array_equal(taken.values, made.values[index])
        for name in ("labels", "records", "samples"):
            assert np.array_equal(getattr(taken, name), getattr(beats, name))
        assert taken.counts() == beats.counts()
        assert (taken.mean, taken.deviation) == (made.mean, made.deviation)


def test_pictures_without_labels_are_refused(simulated):
    made = to_spectrograms(simulated.take(np.arange(9)), size=16)
    with pytest.raises(DataError, match=r"one label.*\(9, 16, 16\), \(5,\)"):
        replace(made, labels=made.labels[:5])
    with pytest.raises(DataError, match="one label"):
        replace(made, values=made.values[:, 0])


@pytest.mark.parametrize("size", [28, 0, 64, 31])
def test_another_size_is_refused(simulated, size):
    with pytest.raises(SettingError, match=rf"size={size} .*32 or 16"):
        to_spectrograms(simulated, size=size)


def test_rows_of_another_length_are_refused():
    with pytest.raises(DataError, match=r"100 values.*187"):
        spectrogram(torch.zeros(2, 100))


@pytest.mark.parametrize("only", [{"mean": 0.0}, {"deviation": 1.0}])
def test_half_a_standardisation_is_refused(simulated, only):
    with pytest.raises(SettingError, match="give both"):
        to_spectrograms(simulated, size=16, **only)


@pytest.mark.parametrize("deviation", [0.0, -1.0, float("nan"), float("inf")])
def test_a_deviation_that_cannot_be(simulated, deviation):
    with pytest.raises(DataError, match=f"deviation of {deviation} dB"):
        to_spectrograms(simulated, size=16, mean=0.0, deviation=deviation)


def test_no_beats_and_beats_all_flat(simulated):
    with pytest.raises(DataError, match="at least one"):
        to_spectrograms(simulated.take(np.arange(0)))
    flat = replace(simulated, values=np.ones_like(simulated.values))
    with pytest.raises(DataError, match=r"deviation of 0.0 dB.*beats that differ"):
        to_spectrograms(flat, size=16)


@pytest.mark.mitdb
def test_the_real_training_part(mitdb_beats):
    train, test = spectrogram_split(make_split("benchmark", mitdb_beats), size=16)
    assert (len(train), len(test)) == (87_554, 21_892)
    assert test.counts() == {"N": 18_118, "S": 556, "V": 1_448, "F": 162, "Q": 1_608}
    assert abs(test.values.mean()) < 0.01 and test.values.std() == pytest.approx(1, abs=0.01)
