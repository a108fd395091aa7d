"""The splits: disjoint, complete, as published, and how much they leak."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglab.data.beats import BEAT_LENGTH, Beats
from ecglab.data.database import RECORDS
from ecglab.data.splits import (
    BALANCED_TEST,
    DS1,
    DS2,
    SPLITS,
    Split,
    benchmark_test_beats,
    hold_out,
    leak,
    make_split,
)
from ecglab.errors import DataError

PUBLISHED_STARTS = {  # first values of the first rows of mitbih_test.csv
    0: [1.000000000000000000e00, 7.582644820213317871e-01, 1.115702465176582336e-01, 0.0],
}


def places(beats):
    return list(zip(beats.records.tolist(), beats.samples.tolist(), strict=True))


def made_up(records, labels, origin="simulated"):
    """Beats of given records and labels, each beat a second after the one before."""
    records = np.asarray(records, np.int32)
    samples = np.arange(len(records), dtype=np.int32) * 360
    values = np.zeros((len(records), BEAT_LENGTH), np.float32)
    return Beats(values, np.asarray(labels, np.uint8), records, samples, origin)


@pytest.mark.mitdb
def test_the_published_benchmark(mitdb_beats):
    split = make_split("benchmark", mitdb_beats)
    assert (len(split.train), len(split.test)) == (87_554, 21_892)
    assert split.test.counts() == {"N": 18_118, "S": 556, "V": 1_448, "F": 162, "Q": 1_608}
    assert tuple(places(split.test)) == benchmark_test_beats()
    for row, start in PUBLISHED_STARTS.items():
        assert split.test.values[row, :4].tolist() == start
    assert (np.diff(split.train.labels.astype(int)) >= 0).all()
    assert set(places(split.train)).isdisjoint(places(split.test))


@pytest.mark.mitdb
def test_the_benchmark_leaks(mitdb_beats):
    found = leak(make_split("benchmark", mitdb_beats))
    assert found.shared_records == RECORDS
    assert found.shared_beats == 1
    assert found.neighbours == pytest.approx(0.96, abs=0.005)


@pytest.mark.mitdb
def test_the_split_by_person(mitdb_beats):
    split = make_split("patients", mitdb_beats)
    # As annotated, less the last beat of each of the 22 records of a part.
    published = (
        (split.train, {"N": 45_866, "S": 944, "V": 3_788, "F": 415, "Q": 8}),
        (split.test, {"N": 44_259, "S": 1_837, "V": 3_221, "F": 388, "Q": 7}),
    )
    for part, counts in published:
        lost = {name: counts[name] - found for name, found in part.counts().items()}
        assert sum(lost.values()) == 22 and min(lost.values()) >= 0 and lost["N"] >= 20
    found = leak(split)
    assert found.shared_records == () and found.shared_beats == found.neighbours == 0
    assert not {102, 104, 107, 217} & (set(DS1) | set(DS2))
    assert len(set(DS1) | set(DS2)) == 44


@pytest.mark.mitdb
def test_the_balanced_test(mitdb_beats):
    split = make_split("balanced", mitdb_beats)
    assert split.test.counts() == BALANCED_TEST
    assert len(split.train) == 109_446 - 3_500
    assert set(places(split.train)).isdisjoint(places(split.test))


@pytest.mark.mitdb
def test_the_benchmark_needs_all_records(mitdb_beats):
    some = mitdb_beats.take(mitdb_beats.records != 203)
    with pytest.raises(DataError, match=r"record 203 is not among.*expected the 109,446"):
        make_split("benchmark", some)


@pytest.mark.parametrize("name", SPLITS)
def test_splits_of_simulated_beats_are_disjoint_and_complete(simulated, name):
    split = make_split(name, simulated)
    train, test = set(places(split.train)), set(places(split.test))
    assert train.isdisjoint(test) and train | test == set(places(simulated))
    assert all(split.train.counts().values()) and all(split.test.counts().values())
    assert "simulated" in split.note or name == "balanced"


def test_a_split_is_drawn_the_same_every_time(simulated):
    for name in SPLITS:
        first, second = make_split(name, simulated), make_split(name, simulated)
        assert places(first.test) == places(second.test)


def test_simulated_splits_leak_as_the_real_ones_do(simulated):
    by_beat, by_person = (leak(make_split(name, simulated)) for name in ("benchmark", "patients"))
    assert len(by_beat.shared_records) == 48 and by_beat.neighbours > 0.9
    assert by_person == type(by_person)((), 0.0, 0.0)


def test_leak_by_hand():
    train = made_up([1, 1, 2], [0, 0, 0])
    test = made_up([1, 3, 1], [0, 0, 0])
    # Record 1 in time: train 0, train 360, then test 0 (same sample) and test 720.
    test.samples[:] = [720, 0, 1440]
    found = leak(Split("by hand", train, test, ""))
    assert found.shared_records == (1,)
    assert found.shared_beats == pytest.approx(2 / 3)
    assert found.neighbours == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ["Benchmark", "", "random", None])
def test_an_unknown_split(simulated, name):
    with pytest.raises(DataError, match=r"Unknown split.*benchmark, patients, balanced"):
        make_split(name, simulated)


@pytest.mark.parametrize("name", SPLITS)
def test_an_empty_part(simulated, name):
    with pytest.raises(DataError, match="empty"):
        make_split(name, simulated.take(np.arange(1)))
    with pytest.raises(DataError, match="empty"):
        make_split(name, simulated.take(np.arange(0)))


def test_a_person_alone_cannot_be_split_by_person(simulated):
    with pytest.raises(DataError, match=r"training part .*empty"):
        make_split("patients", simulated.take(simulated.records == 1001))


@st.composite
def drawn_beats(draw):
    records = sorted(draw(st.lists(st.integers(1, 6), min_size=2, max_size=80)))
    labels = draw(st.lists(st.integers(0, 4), min_size=len(records), max_size=len(records)))
    return made_up(records, labels)


@settings(max_examples=200, deadline=None)
@given(
    drawn_beats(),
    st.floats(0.01, 0.99),
    st.sampled_from(["beat", "record"]),
    st.integers(0, 100),
)
def test_hold_out_is_disjoint_and_complete(beats, fraction, by, seed):
    try:
        kept, held = hold_out(beats, fraction=fraction, by=by, seed=seed)
    except DataError:
        return  # one part would have been empty
    assert sorted(places(kept) + places(held)) == sorted(places(beats))
    assert set(places(kept)).isdisjoint(places(held))
    if by == "record":
        assert set(kept.records.tolist()).isdisjoint(held.records.tolist())
        assert len(held) >= fraction * len(beats) - 1e-9
    else:
        for name, count in beats.counts().items():
            assert abs(held.counts()[name] - fraction * count) <= 0.5 + 1e-9


@settings(max_examples=100, deadline=None)
@given(drawn_beats(), st.sampled_from(["patients", "benchmark", "balanced"]))
def test_any_split_is_disjoint_and_complete(beats, name):
    try:
        split = make_split(name, beats)
    except DataError:
        return  # too few beats of too few persons
    assert sorted(places(split.train) + places(split.test)) == sorted(places(beats))


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_that_cannot_be(simulated, fraction):
    with pytest.raises(DataError, match="between 0 and 1"):
        hold_out(simulated, fraction=fraction)


def test_hold_out_by_something_else(simulated):
    with pytest.raises(DataError, match=r"beat.*record"):
        hold_out(simulated, by="person")


def test_hold_out_needs_more_than_one_record(simulated):
    with pytest.raises(DataError, match="one part empty"):
        hold_out(simulated.take(simulated.records == 1001), by="record")


@pytest.mark.mitdb
def test_whole_records_validate_on_ds1(mitdb_beats):
    train = make_split("patients", mitdb_beats).train
    kept, held = hold_out(train, fraction=0.2, by="record", seed=1)
    assert set(kept.records.tolist()) | set(held.records.tolist()) == set(DS1)
    assert 0.2 <= len(held) / len(train) < 0.3
