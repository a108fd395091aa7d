"""A sweep agrees with the scores of `evaluate`, and returns from its file as it was."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from ecglab.data.load import subsample
from ecglab.errors import DataError
from ecglab.lessons import sweep as sweeps
from ecglab.lessons.gradient_sweep import (
    ACTIVATIONS,
    gradient_sweep,
    prepare_gradients,
    ways_of,
)
from ecglab.lessons.probe import REFERENCE, prepare
from ecglab.lessons.record import SWEPT_BATCH, SWEPT_SOLVERS
from ecglab.lessons.sweep import (
    measure,
    read_sweep,
    recorded_sweep,
    solvers,
    sweep,
    write_sweep,
)
from ecglab.models import ODENet, Solver
from ecglab.training.evaluate import evaluate, predict

RK4 = Solver(method="rk4", steps=2, gradient="direct")
DOPRI5 = Solver(rtol=1e-2, atol=1e-2, gradient="direct")


@pytest.fixture(scope="module")
def beats(simulated):
    return subsample(simulated, 150)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return ODENet(16, stem="strided", method="midpoint", steps=1, gradient="direct").eval()


@pytest.fixture(scope="module")
def made(model, beats):
    return sweep(model, beats, [DOPRI5, RK4, REFERENCE], batch_size=64)


def test_every_adaptive_method_meets_every_tolerance():
    found = solvers(["dopri5", "bosh3"], ["rk4"], tolerances=[1e-1, 1e-2], steps=[1, 2, 4])
    names = [(s.method, s.rtol if s.adaptive else s.steps) for s in found]
    assert names == [
        *[("dopri5", 1e-1), ("dopri5", 1e-2), ("bosh3", 1e-1), ("bosh3", 1e-2)],
        *[("rk4", 1), ("rk4", 2), ("rk4", 4)],
    ]
    assert all(s.rtol == s.atol and s.gradient == "direct" for s in found)


def test_atol_may_be_a_share_of_rtol():
    found = solvers(["bosh3"], [], tolerances=[1e-1, 1e-2, 1e-3], atol_shares=[1.0, 1e-2])
    assert [(s.rtol, s.atol) for s in found] == [
        *[(1e-1, 1e-1), (1e-1, 1e-3), (1e-2, 1e-2), (1e-2, 1e-4), (1e-3, 1e-3), (1e-3, 1e-5)]
    ]


def test_one_beat_of_every_class_comes_first_and_none_is_lost(model, beats):
    probe, ordered = prepare(model, beats, batch_size=64)
    assert ordered.labels[: probe.examples].tolist() == np.unique(beats.labels).tolist()
    places = [sorted(zip(b.records, b.samples, strict=True)) for b in (ordered, beats)]
    assert places[0] == places[1]


def test_the_scores_are_those_of_evaluate(model, beats, made):
    found, _ = made
    _, ordered = prepare(model, beats, batch_size=64)
    for row in found.rows:
        model.block.solver, before = row.solver, model.block.solver
        report = evaluate(model, ordered, batch_size=64, draws=2)
        model.block.solver = before
        assert row.accuracy == pytest.approx(report.accuracy)
        assert row.macro_f1 == pytest.approx(report.macro_f1)
        assert row.evaluations == pytest.approx(report.evaluations)


def test_the_networks_own_solver_stays(model, made):
    assert model.block.solver == Solver(method="midpoint", steps=1, gradient="direct")
    assert not model.block._forward_hooks


def test_the_reference_differs_from_itself_in_nothing(made):
    found, _ = made
    again = found.rows[-1]
    assert again.solver == REFERENCE
    assert again.changed == again.error == found.reference.changed == found.reference.error == 0
    assert again.paths == found.reference.paths
    assert 0 < found.rows[1].error < 1


def test_changed_counts_the_beats_whose_class_moved(model, beats, made):
    _, probe = made
    coarse = Solver(method="euler", gradient="direct")
    _, ordered = prepare(model, beats, batch_size=64)
    called = []
    for solver in (REFERENCE, coarse):
        model.block.solver, before = solver, model.block.solver
        called.append(predict(model, ordered, batch_size=64)[0].argmax(1))
        model.block.solver = before
    assert measure(probe, coarse).changed == pytest.approx((called[0] != called[1]).mean())


def test_evaluations_follow_from_the_steps(made):
    found, _ = made
    adaptive, fixed, _ = found.rows
    assert adaptive.evaluations == pytest.approx(2 + 6 * adaptive.steps)
    assert (fixed.evaluations, fixed.steps) == (8, 2)
    assert fixed.accepted == [[0.0, 0.5], [0.5, 0.5]]


def test_paths_have_a_point_at_every_time_and_show_the_plane_of_most_variance(made):
    found, probe = made
    for row in found.rows:
        assert np.array(row.paths).shape == (len(found.examples), len(row.times), 2)
    points = probe.reference.path.flatten(0, 1).numpy()
    share = PCA(2).fit(points).explained_variance_ratio_.sum()
    assert found.explained == pytest.approx(share, abs=1e-4)


def test_a_sweep_returns_from_its_file_as_it_was(made, model, beats, tmp_path):
    found, _ = made
    probe = prepare_gradients(model, beats.take(slice(0, 4)), reference_steps=2)
    costs = gradient_sweep([probe], [RK4], reference_steps=2)
    for whole in (found, dataclasses.replace(found, gradients=costs)):
        write_sweep(whole, tmp_path / "sweep.json")
        assert read_sweep(tmp_path / "sweep.json") == whole


@pytest.mark.parametrize("text", ["", "[]", '{"rows": []}', '{"rows": [{"solver": {}}]}'])
def test_a_file_that_is_no_sweep_is_refused(tmp_path, text):
    path = tmp_path / "sweep.json"
    path.write_text(text)
    with pytest.raises(DataError, match="is not a sweep"):
        read_sweep(path)


def test_the_recorded_sweep_is_found_by_its_arm(made, tmp_path, monkeypatch):
    found, _ = made
    monkeypatch.setattr(sweeps, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="not a sweep of ecglab"):
        recorded_sweep("odenet")
    write_sweep(found, tmp_path / "sweep-odenet.json")
    assert recorded_sweep("odenet") == found


def test_the_recorded_sweep_holds_what_record_measures():
    found = recorded_sweep()
    assert tuple(row.solver for row in found.rows) == SWEPT_SOLVERS
    assert (found.beats, found.origin) == (21_892, "MIT-BIH")  # the whole benchmark test
    assert abs(found.gradients.beats - SWEPT_BATCH) <= 5  # a stratified draw rounds each class
    measured = [(cost.activation, cost.solver) for cost in found.gradients.costs]
    ways = [way for solver in SWEPT_SOLVERS for way in ways_of(solver)]
    assert measured == [(activation, way) for activation in ACTIVATIONS for way in ways]


def test_what_it_was_measured_on_stands_in_it(made, beats):
    found, _ = made
    assert (found.beats, found.batch_size, found.origin) == (len(beats), 64, "simulated")
    assert found.provenance["device"] and found.provenance["finished"]
    assert dataclasses.asdict(found)["network"]["width"] == 16
