"""Simulated recordings: the equation they solve, and how near they are to real heartbeats."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.signal import butter, sosfiltfilt, welch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import f1_score

from ecglab.data.beats import extract_beats
from ecglab.data.classes import CLASSES, LABEL_OF_SYMBOL
from ecglab.data.database import Recording, read_recording
from ecglab.data.ecgsyn import vector_field
from ecglab.data.persons import CASES, FIRST_PERSON, draw_person
from ecglab.data.rhythm import Ectopy, beat_kinds, beat_times, fibrillation_intervals, rr_intervals
from ecglab.data.simulate import (
    beat_waves,
    noise,
    person_recording,
    simulate_recording,
    simulated_beats,
    solve_ecg,
)
from ecglab.data.splits import make_split
from ecglab.errors import DataError, SettingError

# Medians of the MIT-BIH database by class N S V F Q: R-R interval before and after relative to
# the local median, QRS duration (ms) and QRS peak to peak (mV).
REAL = {
    "before": (1.00, 0.80, 0.74, 1.00, 1.00),
    "after": (1.00, 1.06, 1.27, 0.98, 1.00),
    "duration": (67, 56, 128, 78, 147),
    "height": (1.66, 1.15, 1.63, 2.38, 1.39),
}
TOLERANCE = {"before": 0.05, "after": 0.05, "duration": 0.2, "height": 0.2}
SHARES = {"N": 0.828, "S": 0.025, "V": 0.066, "F": 0.0073, "Q": 0.073}
QRS_BAND = butter(2, (5, 40), btype="band", fs=360, output="sos")


def measure(recording: Recording) -> np.ndarray:
    """Label and the four measures of REAL for every beat of a recording."""
    signal = recording.millivolts()
    band = sosfiltfilt(QRS_BAND, signal)
    slope = np.abs(np.gradient(np.convolve(signal, np.ones(5) / 5, "same")))
    marks = zip(recording.samples.tolist(), recording.symbols, strict=True)
    beats = [(at, LABEL_OF_SYMBOL[symbol]) for at, symbol in marks if symbol in LABEL_OF_SYMBOL]
    intervals = np.diff([at for at, _ in beats])
    rows = []
    for i, (at, label) in enumerate(beats[1:-1], start=1):
        near = slope[max(at - 45, 0) : at + 46]
        usual = np.median(intervals[max(0, i - 10) : i + 10])
        fast = np.flatnonzero(near > 0.15 * near.max())
        rows.append(
            (
                label,
                intervals[i - 1] / usual,
                intervals[i] / usual,
                (np.ptp(fast) + 1) / 0.36,
                np.ptp(band[max(at - 18, 0) : at + 19]),
            )
        )
    return np.array(rows)


@pytest.mark.mitdb
def test_the_measures_are_those_of_the_table(mitdb):
    rows = np.concatenate([measure(read_recording(mitdb, r)) for r in (100, 107, 119, 213)])
    assert np.median(rows[rows[:, 0] == 0, 1]) == pytest.approx(1, abs=0.02)
    assert np.median(rows[rows[:, 0] == 4, 3]) == pytest.approx(147, rel=0.15)


def test_simulated_beats_measure_as_real_ones_do():
    rows = np.concatenate(
        [
            measure(simulate_recording(FIRST_PERSON + i, seed=seed, seconds=60))
            for seed in range(6)
            for i in range(len(CASES))
        ]
    )
    for label, name in enumerate(CLASSES):
        found = np.median(rows[rows[:, 0] == label, 1:], axis=0)
        for value, (quantity, real) in zip(found, REAL.items(), strict=True):
            assert value == pytest.approx(real[label], rel=TOLERANCE[quantity]), (name, quantity)


@pytest.mark.parametrize("person", [1003, 1006, 1007])
def test_a_recording_solves_the_three_dimensional_system(person):
    who = draw_person(person, seed=0)
    rng = np.random.default_rng(0)
    kinds = [who.case.conduction, "A", "V", who.case.conduction, "F", who.case.conduction]
    peaks = 0.5 + np.cumsum([0, 0.62, 0.55, 0.98, 0.75, 0.8])
    waves = beat_waves(who, kinds, rng)
    count = int(4.8 * 360)
    found = solve_ecg(who, peaks, waves, count)
    turns = np.concatenate([[peaks[0] - 0.8], peaks, [peaks[-1] + 0.8]])
    centres = peaks[:, None] + waves[..., 0]
    t, z, states = np.arange(count) / 360, np.zeros(count), None
    for start, stop in pairwise(turns):
        interval = stop - start
        omega = 2 * np.pi / interval

        def field(t, state, *, start=start, interval=interval, omega=omega):
            turned = np.arctan2(state[1], state[0]) % (2 * np.pi)
            near = turned - omega * (centres - start)  # angle from every wave of every beat
            b = omega * waves[..., 1]
            a = waves[..., 2] * omega / b**2  # as in Wave.from_shape
            push = -(a * near * np.exp(-(near**2) / (2 * b**2))).sum()
            base = vector_field(t, state, waves=(), interval=interval, respiration=who.respiration)
            return base + np.array([0, 0, push])

        begin = max(start, 0.0)
        if states is None:
            angle = omega * (begin - start)
            states = np.array([np.cos(angle), np.sin(angle), 0.0])
        else:
            states = np.array([1.0, 0.0, states[2]])
        solution = solve_ivp(
            field, (begin, stop - 1e-9), states, dense_output=True,
            rtol=1e-5, atol=1e-6, max_step=0.006,
        )  # fmt: skip
        inside = (t >= begin) & (t < stop)
        z[inside] = solution.sol(t[inside])[2]
        states = solution.y[:, -1]
    assert np.abs(found - z).max() < 0.005  # mV, the step of the 11 bit converter
    assert np.ptp(found) > 1


def test_shares_of_the_classes(simulated):
    for beats in (simulated, simulated_beats(6_000, seed=5)):
        for name, count in beats.counts().items():
            assert count / len(beats) == pytest.approx(SHARES[name], rel=0.25)


@pytest.mark.parametrize("seed", range(4))
def test_few_beats_hold_every_class(seed):
    beats = simulated_beats(500, seed=seed)
    assert len(beats) == 500 and min(beats.counts().values()) >= 1
    assert len(np.unique(beats.records)) == 24


def test_the_same_seed_gives_the_same_beats(simulated):
    again = simulated_beats(4_000, seed=0)
    other = simulated_beats(4_000, seed=1)
    assert np.array_equal(again.values, simulated.values)
    assert np.array_equal(again.samples, simulated.samples)
    assert not np.array_equal(other.values, simulated.values)


def test_simulated_beats_have_the_form_of_real_ones(simulated):
    assert len(simulated) == 4_000 and simulated.origin == "simulated"
    assert simulated.values.shape == (4_000, 187) and simulated.values.dtype == np.float32
    assert ((simulated.values >= 0) & (simulated.values <= 1)).all()
    records, counts = np.unique(simulated.records, return_counts=True)
    assert records.tolist() == list(range(1001, 1049)) and set(counts) == {83, 84}


def test_most_paced_beats_come_from_a_few_persons(simulated):
    q = simulated.of_class(CLASSES.index("Q"))
    assert set(q.records.tolist()) == {1005, 1017, 1029, 1041}


def test_beats_are_cut_from_the_person_s_recording(simulated):
    for person in (1001, 1007, 1048):
        part = simulated.take(simulated.records == person)
        recording = person_recording(person, beats=len(part), seed=0)
        cut = extract_beats(recording, "simulated").take(np.arange(len(part)))
        assert np.array_equal(cut.values, part.values)


def test_a_recording_is_measured_as_the_database_was():
    found = simulate_recording(1014, seed=0, seconds=600)
    assert found.signal.shape == (216_000,) and found.signal.dtype == np.int64
    assert 0 <= found.signal.min() < found.signal.max() <= 2047
    assert (found.sampling_rate, found.gain, found.zero) == (360, 200, 1024)
    assert "simulated" in found.lead and found.record == 1014
    assert (np.diff(found.samples) >= 0).all() and found.samples[-1] < 216_000
    assert len(found.samples) == len(found.symbols)
    assert {"+", "~", "N", "V"} <= set(found.symbols)


def test_annotations_stand_at_the_r_peak():
    found = simulate_recording(1004, seed=0, seconds=120)
    signal = found.millivolts()
    beats = [s for s, symbol in zip(found.samples, found.symbols, strict=True) if symbol == "N"]
    offsets = [np.argmax(signal[s - 20 : s + 21]) - 20 for s in beats[1:-1]]
    assert np.abs(np.median(offsets)) <= 1 and np.percentile(np.abs(offsets), 90) <= 2


def test_noise_is_as_strong_as_it_was_measured():
    wander, tremor = [], []
    for number in range(1001, 1041):
        who = draw_person(number, seed=0)
        made = noise(who, 36_000, [], np.random.default_rng(number))
        frequency, power = welch(made, fs=360, nperseg=18_000, detrend=False)
        wander.append(np.sqrt(np.trapezoid(power[frequency < 1], frequency[frequency < 1])))
        tremor.append(np.sqrt(np.trapezoid(power[frequency > 45], frequency[frequency > 45])))
    assert np.median(wander) == pytest.approx(0.116, rel=0.25)
    assert np.median(tremor) == pytest.approx(0.0095, rel=0.25)


def test_a_split_by_beat_flatters_as_on_real_data(simulated):
    scores = {}
    for name in ("benchmark", "patients"):
        split = make_split(name, simulated)
        forest = ExtraTreesClassifier(60, random_state=0).fit(
            split.train.values, split.train.labels
        )
        said = forest.predict(split.test.values)
        scores[name] = f1_score(split.test.labels, said, average="macro", zero_division=0)
    assert scores["benchmark"] > scores["patients"] + 0.1


def test_intervals_have_the_two_peaks_of_the_spectrum():
    rng = np.random.default_rng(0)
    series = rr_intervals(4096, mean=0.8, deviation=0.04, rng=rng)
    assert series.mean() == pytest.approx(0.8, abs=0.002)
    assert series.std() == pytest.approx(0.04, rel=0.02)
    frequency, power = welch(series - series.mean(), fs=1 / 0.8, nperseg=512)
    low = power[(frequency > 0.05) & (frequency < 0.15)].sum()
    high = power[(frequency > 0.2) & (frequency < 0.3)].sum()
    assert low / high == pytest.approx(0.5, rel=0.1)
    assert (low + high) / power.sum() > 0.98


def test_fibrillation_has_no_memory():
    series = fibrillation_intervals(5000, mean=0.8, deviation=0.15, rng=np.random.default_rng(0))
    assert series.mean() == pytest.approx(0.8, rel=0.02)
    assert abs(np.corrcoef(series[1:], series[:-1])[0, 1]) < 0.05


def test_runs_of_ectopic_beats_hold_their_share():
    rng = np.random.default_rng(0)
    ectopies = (Ectopy("V", 0.2, 0.4), Ectopy("A", 0.1, 0.0))
    kinds = beat_kinds("N", ectopies, 10_000, rng)
    assert len(kinds) == 10_000
    assert kinds.count("V") / 10_000 == pytest.approx(0.2, abs=0.005)
    pairs = list(pairwise(kinds))
    assert pairs.count(("V", "V")) / kinds.count("V") == pytest.approx(0.4, abs=0.06)
    assert kinds[0] == "N"


def test_an_early_beat_is_early_and_a_pause_follows():
    ectopies = (Ectopy("V", 0.1, 0.1, before=0.7, after=1.3),)
    kinds = list("NNVNNVVN")
    times = beat_times(kinds, ectopies, np.ones(8), np.random.default_rng(0))
    expected = [1, 0.7, 1.3, 1, 0.7, 0.7, 1.3]
    assert np.diff(times) == pytest.approx(expected, rel=0.15)
    assert np.diff(times)[[0, 3]] == pytest.approx([1, 1], rel=1e-12)


def test_persons_differ_and_stay_themselves():
    first, again, other = (
        draw_person(1001, seed=0),
        draw_person(1001, seed=0),
        draw_person(1025, seed=0),
    )
    assert np.array_equal(first.shapes["N"], again.shapes["N"])
    assert first.case == other.case
    assert not np.allclose(first.shapes["N"], other.shapes["N"])


def test_settings_that_cannot_be():
    with pytest.raises(SettingError, match="at least 24"):
        simulated_beats(10, seed=0)
    with pytest.raises(SettingError, match="at least 10 s"):
        simulate_recording(1001, seed=0, seconds=1)
    with pytest.raises(DataError, match="numbered from 1001"):
        draw_person(100, seed=0)
    with pytest.raises(SettingError, match="R-R intervals"):
        rr_intervals(0, rng=np.random.default_rng(0))
