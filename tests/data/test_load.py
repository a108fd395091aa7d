"""The cache and the one way to the beats."""

import numpy as np
import pytest

from ecglab.data.beats import Beats
from ecglab.data.cache import FIELDS, cached
from ecglab.data.load import database_beats, load_beats, subsample
from ecglab.errors import DataError


def same(first, second):
    return first.origin == second.origin and all(
        np.array_equal(getattr(first, field), getattr(second, field))
        and getattr(first, field).dtype == getattr(second, field).dtype
        for field in FIELDS
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refuse():
    raise AssertionError("made again although stored")


def test_stored_beats_come_back_the_same(simulated, cache):
    assert same(cached("key", lambda: simulated), simulated)
    assert same(cached("key", refuse), simulated)
    other = simulated.take(np.arange(5))
    assert same(cached("another key", lambda: other), other)
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_is_made_anew(simulated, cache):
    few = simulated.take(np.arange(20))
    cached("key", lambda: few)
    path = next(cache.iterdir())
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [b"", b"no archive", whole[: len(whole) // 2], whole[:-1]]
    for _ in range(60):
        text = bytearray(whole)
        text[rng.choice([rng.integers(60), rng.integers(len(text))])] ^= 1 << rng.integers(8)
        damaged.append(bytes(text))
    for text in damaged:
        path.write_bytes(text)
        assert same(cached("key", lambda: few), few)
    assert list(cache.iterdir()) == [path]


def test_a_pickle_in_the_cache_is_not_opened(simulated, cache):
    few = simulated.take(np.arange(20))
    cached("key", lambda: few)
    path = next(cache.iterdir())
    fields = {field: getattr(few, field) for field in FIELDS}
    np.savez(path, **(fields | {"origin": np.array([{"evil": 1}], object)}))
    assert same(cached("key", lambda: few), few)


def test_beats_that_cannot_be_made_leave_no_cache(cache):
    with pytest.raises(AssertionError):
        cached("key", refuse)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_named(simulated, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ECGLAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="ECGLAB_CACHE"):
        cached("key", lambda: simulated)


def test_without_a_database_the_beats_are_simulated_and_say_so(cache, monkeypatch):
    monkeypatch.delenv("ECGLAB_DATA", raising=False)
    beats = load_beats(seed=1)
    assert beats.origin == "simulated" and len(beats) == 20_000
    monkeypatch.setattr("ecglab.data.load.simulated_beats", refuse)
    assert same(load_beats(seed=1), beats)


@pytest.mark.mitdb
def test_the_database_is_read_once_and_then_cached(mitdb, mitdb_beats, monkeypatch):
    monkeypatch.setattr("ecglab.data.load.read_recording", refuse)
    assert same(database_beats(mitdb), mitdb_beats)
    assert same(load_beats(mitdb), mitdb_beats)


@pytest.mark.parametrize("count", [100, 1_000, 3_999])
def test_a_subsample_keeps_classes_order_and_shares(simulated, count):
    part = subsample(simulated, count, seed=2)
    assert abs(len(part) - count) <= 5
    places = list(zip(part.records.tolist(), part.samples.tolist(), strict=True))
    assert places == sorted(places) and len(set(places)) == len(part)
    for name, found in part.counts().items():
        share = simulated.counts()[name] * count / len(simulated)
        assert found >= 1 and abs(found - share) <= 1
    assert same(subsample(simulated, count, seed=2), part)
    assert not same(subsample(simulated, count, seed=3), part)


def test_a_subsample_of_more_than_there_is(simulated):
    assert subsample(simulated, 4_000) is simulated


def test_a_subsample_of_nothing(simulated):
    for count in (0, -3):
        with pytest.raises(DataError, match="at least"):
            subsample(simulated, count)


def test_beats_hold_no_copy_of_another_origin(simulated):
    assert Beats(*(getattr(simulated, field) for field in FIELDS), origin="CSV").origin == "CSV"
