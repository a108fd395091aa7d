"""The recorded results are whole, come from the real database, and their weights are theirs."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from ecglab.data.splits import make_split
from ecglab.errors import DataError
from ecglab.lessons import readme
from ecglab.lessons.record import record_run
from ecglab.lessons.recorded import (
    provenance_label,
    recorded_model,
    recorded_runs,
    runs_of,
    study_runs,
)
from ecglab.lessons.sweep import recorded_sweep
from ecglab.training.evaluate import predict
from ecglab.training.meters import parameter_count
from ecglab.training.runs import RUN_FILE, write_run
from ecglab.training.settings import TrainSettings
from ecglab.training.study import STUDY, run_name

BEATS = {"benchmark": (87_554, 21_892), "balanced": (105_946, 3_500), "patients": (50_999, 49_690)}


@pytest.mark.parametrize("arm", STUDY)
def test_every_arm_has_runs_of_its_own_plan_on_real_beats(arm):
    plan = STUDY[arm]
    for run in recorded_runs(arm):
        assert run.network == plan.network
        assert run.options == plan.options
        assert run.data["origin"] == "MIT-BIH"
        assert run.data["split"] == plan.split
        assert run.scored == "test"
        assert (sum(run.data["train"].values()), run.report.beats) == BEATS[plan.split]
        assert run.data["validation"] is None
        seed = run.settings["seed"]
        wanted = json.loads(json.dumps(plan_settings(arm, seed)))
        then = json.loads(json.dumps(asdict(TrainSettings())))  # for settings that came later
        assert then | run.settings == wanted
        assert len(run.history) == 5
        assert run.provenance["commit"]
        assert run.provenance["command"].startswith(f"ecglab train {plan.network} --split")


def plan_settings(arm: str, seed: int) -> dict:
    return asdict(replace(STUDY[arm].settings, seed=seed))


@pytest.mark.parametrize("arm", STUDY)
def test_reports_follow_from_their_confusion_matrices(arm):
    for run in recorded_runs(arm):
        table = np.array(run.report.confusion)
        assert np.trace(table) / table.sum() == pytest.approx(run.report.accuracy)
        low, high = run.report.intervals["beats"]["accuracy"]
        assert low < run.report.accuracy < high


@pytest.mark.parametrize("arm", STUDY)
def test_weights_fit_their_network(arm):
    assert parameter_count(recorded_model(arm)) == recorded_runs(arm)[0].parameters


@pytest.mark.mitdb
@pytest.mark.parametrize("arm", ["resnet", "odenet", "resnet-narrow", "odenet-narrow"])
def test_recorded_weights_give_the_recorded_classes(arm, mitdb_beats):
    """Every 20th test beat is predicted again: its share of right answers fits the record."""
    run = recorded_runs(arm)[0]
    test = make_split(STUDY[arm].split, mitdb_beats).test
    part = test.take(np.arange(0, len(test), 20))
    probabilities, _ = predict(recorded_model(arm), part)
    accuracy = (probabilities.argmax(1) == part.labels).mean()
    deviation = np.sqrt(run.report.accuracy * (1 - run.report.accuracy) / len(part))
    assert abs(accuracy - run.report.accuracy) < 4 * deviation


def test_another_solver_gives_the_same_accuracy():
    """A trained network that knows its solver's steps would fail (Ott et al., ICLR 2021)."""
    swept = recorded_sweep()
    rows = {(row.solver.method, row.solver.steps, row.solver.rtol): row for row in swept.rows}
    ours = rows["rk4", 2, 1e-3].accuracy
    assert swept.beats == BEATS["benchmark"][1]
    assert abs(ours - rows["dopri5", None, 1e-4].accuracy) < 1e-3
    assert abs(ours - rows["rk4", 8, 1e-3].accuracy) < 1e-3


@pytest.mark.mitdb
def test_our_two_steps_are_enough_and_so_is_bfloat16(mitdb_beats):
    """All test beats with a quarter of the step; every 10th rounded. Within 0.1 points."""
    test = make_split("benchmark", mitdb_beats).test
    part = test.take(np.arange(0, len(test), 10))
    model = recorded_model("odenet")
    usual, _ = predict(model, part)
    rounded, _ = predict(model, part, precision="bfloat16")
    assert np.abs(rounded - usual).max() < 0.1
    hits = [int((found.argmax(1) == part.labels).sum()) for found in (usual, rounded)]
    assert abs(hits[0] - hits[1]) <= 1e-3 * len(part)
    model.block.solver = replace(model.block.solver, steps=8)
    exact, _ = predict(model, test)
    assert np.abs(exact[::10] - usual).mean() < 5e-3
    accuracy = (exact.argmax(1) == test.labels).mean()
    assert abs(accuracy - recorded_runs("odenet")[0].report.accuracy) < 1e-3


def test_the_sweep_agrees_with_its_reference():
    found = recorded_sweep()
    assert found.origin == "MIT-BIH"
    tightest = min((r for r in found.rows if r.solver.adaptive), key=lambda r: r.solver.rtol)
    assert tightest.changed < 0.01
    assert abs(tightest.accuracy - found.reference.accuracy) < 0.002


def test_unknown_arm_and_missing_runs_say_what_to_do(tmp_path):
    with pytest.raises(DataError, match="Unknown arm 'transformer'"):
        recorded_runs("transformer")
    with pytest.raises(DataError, match="ecglab study resnet"):
        runs_of("resnet", tmp_path, "{}.json")


def test_a_study_folder_takes_the_place_of_the_recorded_runs(tmp_path):
    for arm in STUDY:
        run = recorded_runs(arm)[0]
        folder = tmp_path / run_name(arm, run.settings["seed"])
        folder.mkdir()
        write_run(run, folder / RUN_FILE)
    found = study_runs(tmp_path)
    assert list(found) == list(STUDY)
    assert found["odenet"][0] == recorded_runs("odenet")[0]


def test_record_copies_what_is_there_or_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        record_run(tmp_path, "resnet", 0, weights=True)


def test_label_names_data_date_and_device():
    label = provenance_label(recorded_runs("odenet")[0])
    assert label.startswith("recorded run, MIT-BIH, 20")


def test_the_readme_holds_what_the_recorded_runs_give():
    text = (readme.ROOT / "README.md").read_text()
    assert readme.with_results(text, readme.results(study_runs())) == text
