"""Writing and reading the benchmark's CSV files."""

import io

import numpy as np
import pytest

from ecglab.data.beats import Beats
from ecglab.data.csvfile import export_split, read_csv, read_split, write_csv
from ecglab.data.splits import leak, make_split
from ecglab.errors import DataError

FIRST_TEST_ROW = (
    "1.000000000000000000e+00,7.582644820213317871e-01,1.115702465176582336e-01,"
    "0.000000000000000000e+00,8.057851344347000122e-02,"
)
GOOD = ",".join(["0.5"] * 187 + ["3.0"])


def test_written_lines_are_those_of_numpy_savetxt(simulated, tmp_path):
    some = simulated.take(np.arange(0, 4000, 7))
    table = np.column_stack([some.values, some.labels.astype(np.float32)])
    text = io.BytesIO()
    np.savetxt(text, table, fmt="%.18e", delimiter=",")
    assert write_csv(some, tmp_path / "beats.csv").read_bytes() == text.getvalue()


def test_any_float_from_0_to_1_is_written_as_savetxt_does(tmp_path, monkeypatch):
    monkeypatch.setattr("ecglab.data.csvfile.BLOCK", 64)  # several blocks and a part of one
    rng = np.random.default_rng(0)
    values = (10.0 ** rng.uniform(-44, 0, (150, 187))).astype(np.float32)
    values[0, :3] = 0, 1, np.nextafter(np.float32(1), np.float32(0))
    nothing = np.zeros(150, np.int32)
    beats = Beats(values, rng.integers(0, 5, 150).astype(np.uint8), nothing, nothing, "simulated")
    lines = write_csv(beats, tmp_path / "beats.csv").read_text().splitlines()
    for i in (0, 1, 63, 64, 149):
        expected = [f"{float(value):.18e}" for value in values[i]]
        assert lines[i].split(",") == [*expected, f"{beats.labels[i]:.18e}"]
    assert np.array_equal(read_csv(tmp_path / "beats.csv").values, values)


def test_round_trip_of_a_split(simulated, tmp_path):
    split = make_split("benchmark", simulated)
    train, test = export_split(split, tmp_path / "new")
    assert (train.name, test.name) == ("mitbih_train.csv", "mitbih_test.csv")
    found = read_split(tmp_path / "new")
    for part, original in ((found.train, split.train), (found.test, split.test)):
        assert part.origin == "CSV"
        assert np.array_equal(part.values, original.values)
        assert np.array_equal(part.labels, original.labels)
        assert (part.records == -1).all() and (part.samples == -1).all()
        assert part.values.dtype == np.float32 and part.labels.dtype == np.uint8
    assert {path.name for path in train.parent.iterdir()} == {train.name, test.name}


def test_csv_beats_have_no_person(simulated, tmp_path):
    write_csv(simulated, tmp_path / "beats.csv")
    beats = read_csv(tmp_path / "beats.csv")
    with pytest.raises(DataError, match="record"):
        leak(make_split("benchmark", beats))
    with pytest.raises(DataError, match="record"):
        make_split("patients", beats)


def replaced(column, text):
    cells = GOOD.split(",")
    cells[column] = text
    return ",".join(cells)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (GOOD + "\n" + GOOD[4:], "line 2: 187 columns found, 188 expected"),
        (GOOD + "\n" + GOOD + ",1\n" + GOOD, "line 2: 189 columns found, 188 expected"),
        ("0.5,1\n0.5,1\n", "line 1: 2 columns found"),
        (GOOD.replace(",", ";"), "line 1: 1 columns found"),
        (GOOD + "\n" + replaced(4, "high"), "line 2: 'high' found in column 5, a number expected"),
        (replaced(4, ""), "line 1: '' found in column 5"),
        (GOOD + "\n" + replaced(7, "nan"), "line 2: nan found in column 8"),
        (replaced(7, "inf"), "line 1: inf found in column 8"),
        (replaced(0, "1.01"), "line 1: 1.01 found in column 1, a value from 0 to 1"),
        (replaced(186, "-0.1"), "line 1: -0.1 found in column 187"),
        (replaced(187, "5"), "line 1: label 5.0 found, a whole number from 0 to 4"),
        (replaced(187, "-1"), "line 1: label -1.0 found"),
        (replaced(187, "2.5"), "line 1: label 2.5 found"),
        (replaced(187, "nan"), "line 1: label nan found"),
        (",".join(map(str, range(188))) + "\n" + GOOD, "line 1: 2.0 found in column 3"),
        ("# a comment\n" + GOOD, "line 1: 1 columns found"),
        ("\x00\xff\x00binary", "line 1: 1 columns found"),
    ],
)
def test_a_file_that_is_no_benchmark_file(tmp_path, text, message):
    path = tmp_path / "beats.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataError) as caught:
        read_csv(path)
    assert message in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", [GOOD, GOOD + "\n", GOOD + "\r\n", "\n" + GOOD + "\n\n"])
def test_one_beat_with_any_line_end(tmp_path, text):
    (tmp_path / "beats.csv").write_bytes(text.encode())
    beats = read_csv(tmp_path / "beats.csv")
    assert beats.counts() == {"N": 0, "S": 0, "V": 0, "F": 1, "Q": 0}
    assert (beats.values == 0.5).all()


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_csv(path)


def test_values_that_do_not_fit_change_no_file(simulated, tmp_path):
    path = tmp_path / "beats.csv"
    path.write_text("as it was")
    for values in (simulated.values * 2, simulated.values[:, :100], simulated.values - np.nan):
        wrong = Beats(values, simulated.labels, simulated.records, simulated.samples, "simulated")
        with pytest.raises(DataError, match="187 values from 0 to 1"):
            write_csv(wrong, path)
    assert path.read_text() == "as it was" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to(simulated, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_csv(simulated, tmp_path / "file" / "beats.csv")


@pytest.mark.mitdb
def test_the_published_test_file_begins_so(mitdb_beats, tmp_path):
    test = make_split("benchmark", mitdb_beats).test
    path = write_csv(test.take(np.arange(200)), tmp_path / "beats.csv")
    first = path.read_text().splitlines()[0]
    assert first.startswith(FIRST_TEST_ROW)
    assert first.endswith(",0.000000000000000000e+00") and first.count(",") == 187
