"""A sweep: every combination once, failures that stop nothing, and no run trained twice."""

import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglab.errors import SettingError
from ecglab.training.grid import ERROR_FILE, Cell, Failure, cells, dask_client, result, run_grid
from ecglab.training.runs import RUN_FILE, Run
from ecglab.training.settings import TrainSettings
from ecglab.training.study import Arm

ARM = Arm("odenet", "benchmark", TrainSettings(epochs=1), {"width": 4}, validation=0.1, share=200)
distinct = st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)


@given(steps=distinct, widths=distinct, seeds=distinct)
def test_cells_are_all_combinations_with_names_of_their_own(steps, widths, seeds):
    found = cells(ARM, {"steps": steps, "width": widths, "seed": seeds})
    assert {(c.arm.options["steps"], c.arm.options["width"], c.seed) for c in found} == set(
        product(steps, widths, seeds)
    )
    assert len({c.name for c in found}) == len(found) == len(steps) * len(widths) * len(seeds)
    assert all("seed" not in c.arm.options for c in found)


def test_a_tolerance_is_both_tolerances_unless_one_is_given():
    (cell,) = cells(ARM, {"rtol": [1e-4]})
    assert cell.arm.options["atol"] == 1e-4
    (cell,) = cells(ARM, {"rtol": [1e-4], "atol": [1e-6]})
    assert cell.arm.options["atol"] == 1e-6


@pytest.mark.parametrize("values", [[], [1, 2, 1]])
def test_an_axis_without_different_values_is_refused(values):
    with pytest.raises(SettingError, match="expected different ones, at least one"):
        cells(ARM, {"seed": values})


def test_two_workers_train_what_can_be_trained_and_the_rest_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.delenv("ECGLAB_DATA", raising=False)
    grid = cells(ARM, {"method": ["rk4", "rk5"], "steps": [1], "gradient": ["direct"], "seed": [0]})
    good, bad = grid
    stored = tmp_path / good.name / RUN_FILE
    with dask_client(None, 2) as client:
        first = {cell.name: found for cell, found in run_grid(grid, tmp_path, client=client)}
        stamp = stored.stat().st_mtime_ns
        again = {cell.name: found for cell, found in run_grid(grid, tmp_path, client=client)}
    for found in (first, again):
        assert set(found) == {good.name, bad.name}
        assert isinstance(found[good.name], Run)
        assert sum(found[good.name].data["train"].values()) == 200
        assert found[bad.name].kind == "SettingError"
        assert "method='rk5'" in found[bad.name].message
    assert stored.stat().st_mtime_ns == stamp
    assert json.loads((tmp_path / bad.name / ERROR_FILE).read_text())["kind"] == "SettingError"


def test_a_cell_whose_worker_vanished_is_called_lost(tmp_path):
    assert result(tmp_path) == Failure("Lost", result(tmp_path).message)
    assert Cell({"seed": 3}, ARM, 3).name == "seed=3"


def test_a_scheduler_that_does_not_answer_is_named():
    with (
        pytest.raises(SettingError, match=r"No Dask scheduler answers at 'tcp://127.0.0.1:9'"),
        dask_client("tcp://127.0.0.1:9", 1),
    ):
        pass
