import numpy as np
import pytest
import torch

from ecglab.data.beats import extract_beats
from ecglab.data.database import DATABASE_VARIABLE
from ecglab.errors import DataError, SettingError
from ecglab.lessons import session as sessions
from ecglab.lessons.recordings import recording_of
from ecglab.lessons.session import HEADLINE_TYPE, start


@pytest.fixture
def shown(monkeypatch):
    caught = []
    monkeypatch.setattr(sessions, "display", lambda data, raw: caught.append(data))
    return caught


@pytest.fixture
def session(monkeypatch, shown, simulated):
    """A session on simulated beats, fewer of them than a lesson has."""
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    started = start("a test", seed=0)
    vars(started)["beats"] = simulated
    return started


def test_the_banner_says_simulated_in_both_twins(session, shown):
    (data,) = shown
    for text in data.values():
        assert "SIMULATED" in text
        assert "quick" in text
        assert torch.__version__ in text


@pytest.mark.mitdb
def test_the_banner_names_the_real_database(mitdb, shown):
    assert start("a test").label == "MIT-BIH, quick run"
    assert "real heartbeats of the MIT-BIH" in shown[0]["text/plain"]
    assert "SIMULATED" not in shown[0]["text/plain"]


def test_a_named_folder_without_records_is_not_replaced_by_simulation(monkeypatch, tmp_path):
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match="No MIT-BIH record"):
        start("a test")


def test_an_unknown_profile_is_refused_before_anything_is_set():
    with pytest.raises(SettingError, match="Unknown profile"):
        start("a test", profile="tiny")


def test_the_label_says_data_and_size(session):
    assert session.label == "simulated data, quick run"


def test_a_seed_repeats_torch_and_numpy(shown, monkeypatch):
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    draws = []
    for seed in (3, 3, 4):
        start("a test", seed=seed)
        draws.append((torch.rand(1).item(), np.random.rand()))  # noqa: NPY002
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.98604, "", "accuracy: 0.986 (simulated data, quick run)"),
        (np.float64(0.5), "", "accuracy: 0.5 (simulated data, quick run)"),
        (np.int64(59_333), "parameters", "accuracy: 59,333 parameters (simulated data, quick run)"),
    ],
)
def test_a_headline_reaches_reader_and_runner(session, shown, value, unit, text):
    session.headline("accuracy", value, unit)
    data = shown[-1]
    assert data["text/plain"] == text
    record = data[HEADLINE_TYPE]
    assert record == {"name": "accuracy", "value": value, "unit": unit, "data": session.label}
    assert type(record["value"]) in (int, float)  # JSON knows no numpy numbers


def test_a_split_is_cut_to_the_profile_and_says_so(session):
    whole = session.split("benchmark", whole=True)
    assert len(whole.train) + len(whole.test) == len(session.beats)
    cut = session.split("benchmark")
    assert len(cut.train) <= session.profile.train_beats
    assert len(cut.test) <= session.profile.test_beats
    assert f"{len(cut.train):,} of {len(whole.train):,} training beats" in cut.note


def test_a_cut_keeps_every_class(session):
    cut = session.cut(session.beats, 500)
    assert abs(len(cut) - 500) <= 5
    assert set(cut.labels) == set(session.beats.labels)
    assert session.cut(session.beats, None) is session.beats


def test_beats_are_found_again_in_their_recordings(session):
    beats = session.beats
    for record in (session.records[0], session.records[6]):
        again = extract_beats(session.recording(record), "simulated")
        here = beats.take(beats.records == record)
        np.testing.assert_array_equal(again.samples[: len(here)], here.samples)
        np.testing.assert_array_equal(again.values[: len(here)], here.values)


@pytest.mark.mitdb
def test_a_real_beat_is_found_again_in_its_recording(mitdb_beats):
    again = extract_beats(recording_of(mitdb_beats, 213, seed=0))
    here = mitdb_beats.take(mitdb_beats.records == 213)
    np.testing.assert_array_equal(again.values, here.values)


def test_an_unknown_record_has_no_recording(session):
    with pytest.raises(DataError, match="Record 7 has no recording"):
        session.recording(7)
