"""Rows from a CSV file, with their classes or without."""

import numpy as np
import pytest

from ecglab.data.csvfile import write_csv
from ecglab.data.rows import read_rows
from ecglab.errors import DataError


def test_rows_with_and_without_classes(simulated, tmp_path):
    few = simulated.take(np.arange(0, 4000, 400))
    path = write_csv(few, tmp_path / "labelled.csv")
    beats, labelled = read_rows(path)
    assert labelled
    np.testing.assert_array_equal(beats.labels, few.labels)
    np.testing.assert_allclose(beats.values, few.values)
    bare = tmp_path / "bare.csv"
    bare.write_text(
        "\n" + "".join(line.rpartition(",")[0] + "\n" for line in path.read_text().splitlines())
    )
    beats, labelled = read_rows(bare)
    assert not labelled
    assert not beats.labels.any()
    assert beats.origin == "CSV"
    np.testing.assert_allclose(beats.values, few.values)


ROW = ",".join(["0.5"] * 187)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "0 columns found in the first line, expected 187 values, or 188"),
        ("0.5,0.5\n", "2 columns found"),
        (f"{ROW}\n{ROW},1\n", "line 2: 188 columns found, 187 expected as in the first line"),
        (f"{ROW},1\n{ROW}\n", "line 2: 187 columns found, 188 expected"),
        (f"{ROW}\n\n{ROW.replace('0.5', 'R', 1)}\n", "line 3: 'R' found in column 1"),
        (f"{ROW}\n{ROW[:-3]}1.5\n", "line 2: 1.5 found in column 187, a value from 0 to 1"),
        (f"{ROW[:-3]}nan\n", "line 1: nan found in column 187"),
        (f"{ROW},7\n", "line 1: label 7.0 found"),
    ],
)
def test_other_tables_are_refused_by_line(tmp_path, text, found):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"mine\.csv") as error:
        read_rows(path)
    assert found in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read \(No such file"):
        read_rows(tmp_path / "nowhere.csv")
