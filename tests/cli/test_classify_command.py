"""``ecglab classify``: what it prints, what it writes, how it fails."""

import json

import numpy as np
import pytest

from ecglab.data.csvfile import write_csv


@pytest.fixture
def rows(simulated, tmp_path):
    return write_csv(simulated.take(np.arange(0, 4000, 50)), tmp_path / "mine.csv")


def test_text_and_picture(call, rows, tmp_path):
    code, out, _ = call("classify", rows, "--plot", tmp_path / "mine.png", "--device", "cpu")
    assert code == 0
    assert "80 beats" in out and "Not a medical device" in out
    assert f"Picture: {tmp_path / 'mine.png'}" in out
    assert (tmp_path / "mine.png").stat().st_size > 10_000


def test_json_is_all_that_is_printed(call, rows):
    code, out, _ = call("classify", rows, "--json", "--network", "odenet", "--threshold", "0.7")
    assert code == 0
    told = json.loads(out)
    assert sum(told["counts"].values()) == told["beats"] == len(told["by_beat"]) == 80
    assert told["network"]["name"] == "wide ODENet"
    assert told["threshold"] == 0.7
    assert "Not a medical device" in told["warning"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["nowhere"], "nowhere.hea is missing"),
        (["nowhere.csv"], "nowhere.csv cannot be read"),
        (["mine.csv", "--threshold", "2"], "threshold=2"),
        (["mine.csv", "--lead", "II"], "--lead is for WFDB records"),
        (["mine.csv", "--device", "abacus"], "abacus"),
    ],
)
def test_a_mistake_is_one_sentence(call, rows, monkeypatch, arguments, found):
    monkeypatch.chdir(rows.parent)
    code, _, error = call("classify", *arguments)
    assert code == 1
    assert error.startswith("ecglab: ") and error.count("\n") == 1
    assert found in error
