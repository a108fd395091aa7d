"""Finding and reading records: wrong folders, incomplete and damaged files."""

import shutil

import numpy as np
import pytest
import wfdb

from ecglab.data.cache import fingerprint
from ecglab.data.database import (
    RECORDS,
    cache_directory,
    find_database,
    missing_files,
    read_recording,
)
from ecglab.data.load import database_beats, load_beats
from ecglab.data.simulate import simulate_recording
from ecglab.errors import DataError


def write_record(folder, *, record=100, sampling_rate=360):
    """A short record in the database's own format, made from a simulated one."""
    made = simulate_recording(1001, seed=0, seconds=20)
    wfdb.wrsamp(
        str(record),
        fs=sampling_rate,
        units=["mV"] * 2,
        sig_name=["MLII", "V5"],
        d_signal=np.column_stack([made.signal, made.signal[::-1]]),
        fmt=["212"] * 2,
        adc_gain=[200.0] * 2,
        baseline=[1024] * 2,
        write_dir=str(folder),
    )
    wfdb.wrann(str(record), "atr", made.samples, symbol=list(made.symbols), write_dir=str(folder))
    return made


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_record_is_read_as_it_was_written(tmp_path):
    made = write_record(tmp_path)
    found = read_recording(tmp_path, 100)
    assert np.array_equal(found.signal, made.signal)
    assert np.array_equal(found.samples, made.samples) and found.symbols == made.symbols
    assert (found.record, found.lead, found.sampling_rate) == (100, "MLII", 360)
    assert np.array_equal(read_recording(tmp_path, 100, channel=1).signal, made.signal[::-1])
    assert found.millivolts(10, 20) == pytest.approx((made.signal[10:20] - 1024) / 200)


@pytest.mark.mitdb
def test_real_records(mitdb):
    assert missing_files(mitdb) == []
    found = read_recording(mitdb, 100)
    reference = wfdb.rdrecord(str(mitdb / "100"), sampfrom=1000, sampto=1100).p_signal[:, 0]
    assert np.allclose(found.millivolts(1000, 1100), reference)
    assert len(found.signal) == 650_000 and found.gain == 200 and found.zero == 1024
    leads = {record: read_recording(mitdb, record).lead for record in (102, 104, 114, 201)}
    assert leads == {102: "V5", 104: "V5", 114: "V5", 201: "MLII"}


@pytest.mark.parametrize("suffix", [".hea", ".dat", ".atr"])
def test_a_missing_file_is_named(tmp_path, suffix):
    write_record(tmp_path)
    (tmp_path / f"100{suffix}").unlink()
    before = content(tmp_path)
    with pytest.raises(DataError, match=rf"100\{suffix} is missing.*expected.*fetch"):
        read_recording(tmp_path, 100)
    assert content(tmp_path) == before


def cut(share):
    return lambda data: data[: int(share * len(data))]


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".dat", cut(0)),
        (".dat", cut(0.5)),
        (".dat", lambda data: data[:-1]),
        (".dat", lambda data: data[:3000] + b"\xff\xff\xff" + data[3003:]),
        (".hea", cut(0)),
        (".hea", cut(0.3)),
        (".hea", lambda data: b"\xff\x00" * 40),
        (".hea", lambda data: data.replace(b"360", b"125")),
        (".hea", lambda data: data.replace(b" 7200", b" 3600")),
        (".hea", lambda data: data.replace(b" 7200", b" 7300")),
        (".hea", lambda data: data.replace(b"100.dat", b"107.dat")),
        (".atr", cut(0)),
        (".atr", lambda data: data[:21]),
        (".atr", lambda data: bytes(range(256)) * 10),
    ],
)
def test_a_damaged_file_is_one_sentence_and_changes_nothing(tmp_path, suffix, damage):
    write_record(tmp_path)
    path = tmp_path / f"100{suffix}"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert path.read_bytes() != whole
    before = content(tmp_path)
    with pytest.raises(DataError, match=r"Record 100 in .*verify") as caught:
        read_recording(tmp_path, 100)
    assert "\n" not in str(caught.value)
    assert content(tmp_path) == before


def test_a_folder_without_records_is_refused_not_replaced_by_simulation(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("no record here")
    for ask in (find_database, load_beats):
        with pytest.raises(DataError, match="No MIT-BIH record found in"):
            ask(tmp_path)
        monkeypatch.setenv("ECGLAB_DATA", str(tmp_path / "nowhere"))
        with pytest.raises(DataError, match="nowhere"):
            ask()
        monkeypatch.delenv("ECGLAB_DATA")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_where_the_database_is_looked_for(tmp_path, monkeypatch):
    named, variable, cache = (tmp_path / name for name in ("named", "variable", "cache"))
    monkeypatch.setenv("ECGLAB_CACHE", str(cache))
    monkeypatch.delenv("ECGLAB_DATA", raising=False)
    assert find_database() is None
    for folder in (named, variable, cache / "mitdb"):
        folder.mkdir(parents=True)
        (folder / "234.hea").touch()
    assert find_database() == cache / "mitdb"
    monkeypatch.setenv("ECGLAB_DATA", str(variable))
    assert find_database() == variable
    assert find_database(str(named)) == named


def test_the_cache_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("ECGLAB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "ecglab"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_directory() == tmp_path / "home" / ".cache" / "ecglab"


def test_an_incomplete_database_is_refused(tmp_path):
    write_record(tmp_path)
    before = content(tmp_path)
    with pytest.raises(DataError, match=r"141 of 144 files.*101\.hea.*fetch"):
        database_beats(tmp_path)
    assert content(tmp_path) == before
    assert len(missing_files(tmp_path)) == 141 and len(RECORDS) == 48


@pytest.mark.mitdb
def test_one_damaged_record_of_the_database_is_named_and_nothing_cached(
    mitdb, tmp_path, monkeypatch
):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in mitdb.iterdir():
        (copy / path.name).symlink_to(path.resolve())
    (copy / "101.dat").unlink()
    shutil.copy(mitdb / "101.dat", copy)
    with (copy / "101.dat").open("r+b") as file:
        file.truncate(900_000)
    monkeypatch.setenv("ECGLAB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="Record 101"):
        database_beats(copy)
    assert not (tmp_path / "cache").exists()
    assert fingerprint(copy) != fingerprint(mitdb)
