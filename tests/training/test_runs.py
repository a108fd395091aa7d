"""A run as data: written, read back, trained on beats that hide a poisoned test part."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from ecglab.data.splits import Split, make_split
from ecglab.errors import DataError, SettingError, SolverError
from ecglab.models import ResNet
from ecglab.training import runs
from ecglab.training.checkpoint import load_weights
from ecglab.training.evaluate import evaluate
from ecglab.training.runs import CHECKPOINT_FILE, RUN_FILE, WEIGHTS_FILE, read_run, train_run
from ecglab.training.settings import TrainSettings

SETTINGS = TrainSettings(epochs=2, batch_size=32, learning_rate=0.05)
OPTIONS = {"width": 4, "blocks": 1}


@pytest.fixture
def beats(monkeypatch, make_waves):
    found = make_waves(200, seed=3)
    monkeypatch.setattr(runs, "load_beats", lambda directory: found)
    return found


@pytest.fixture
def trained(beats, tmp_path):
    how = {"split": "benchmark", "settings": SETTINGS, "options": OPTIONS, "progress": False}
    return train_run("resnet", out=tmp_path, **how), how


def test_a_run_comes_back_from_its_file(trained, tmp_path):
    run, _ = trained
    assert read_run(tmp_path / RUN_FILE) == run
    stored = json.loads((tmp_path / RUN_FILE).read_text())
    assert stored["settings"]["learning_rate"] == 0.05
    assert "NaN" not in (tmp_path / RUN_FILE).read_text()


def test_a_run_says_what_was_trained_on_what(trained, beats):
    run, _ = trained
    split = make_split("benchmark", beats)
    assert run.network == "resnet"
    assert run.parameters == sum(p.numel() for p in ResNet(**OPTIONS).parameters())
    assert run.data["origin"] == "simulated"
    assert run.data["test"] == split.test.counts()
    parts = [run.data["train"], run.data["validation"]]
    joined = {name: sum(part[name] for part in parts) for name in parts[0]}
    assert joined == split.train.counts()
    assert [entry.epoch for entry in run.history] == [0, 1]
    assert run.provenance["command"].startswith("ecglab train resnet --split benchmark")


def test_the_weights_of_a_run_give_its_report(trained, beats, tmp_path):
    run, _ = trained
    model = ResNet(**OPTIONS)
    load_weights(model, tmp_path / WEIGHTS_FILE)
    report = evaluate(model, make_split("benchmark", beats).test)
    for name in ("confusion", "loss", "macro_f1", "auroc", "intervals"):
        assert getattr(report, name) == getattr(run.report, name)


def test_the_same_run_again_gives_the_same_numbers(trained, tmp_path):
    run, how = trained
    again = train_run("resnet", out=tmp_path, **how)
    assert again.history == run.history  # from the checkpoint, seconds and all
    elsewhere = train_run("resnet", out=tmp_path / "new", **how)
    assert elsewhere.report.confusion == run.report.confusion
    assert elsewhere.report.loss == run.report.loss


@pytest.mark.parametrize(
    "changed",
    [
        {"split": "balanced"},
        {"options": OPTIONS | {"stem": "strided"}},
        {"validation": 0.2},
        {"settings": dataclasses.replace(SETTINGS, epochs=3)},
    ],
)
def test_a_folder_of_another_run_is_refused(trained, tmp_path, changed):
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()
    with pytest.raises(SettingError, match=r"belongs to another run .*another folder"):
        train_run("resnet", out=tmp_path, **(trained[1] | changed))
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before


def test_a_solver_is_not_changed_half_way(beats, tmp_path):
    how = {"split": "benchmark", "settings": SETTINGS, "out": tmp_path, "progress": False}
    fast = {"width": 2, "method": "euler", "gradient": "direct"}
    train_run("odenet", options=fast, **how)
    with pytest.raises(SettingError, match=r"another run.*midpoint"):
        train_run("odenet", options=fast | {"method": "midpoint"}, **how)


def test_a_model_chosen_on_validation_can_be_scored_on_the_test_part(beats, tmp_path):
    how = {"split": "benchmark", "settings": SETTINGS, "options": OPTIONS, "progress": False}
    chosen = train_run("resnet", out=tmp_path, score="validation", **how)
    scored = train_run("resnet", out=tmp_path, **how)
    assert scored.history == chosen.history
    assert chosen.report.beats == sum(chosen.data["validation"].values())
    assert scored.report.beats == sum(scored.data["test"].values())


class Untouchable(np.ndarray):
    """Values that may be carried about but not read."""

    def __array_ufunc__(self, *_, **__):
        raise AssertionError("the test part was computed with")

    def __array_function__(self, *_, **__):
        raise AssertionError("the test part was read")


@pytest.mark.parametrize("poison", ["nan", "untouchable"])
def test_scoring_on_validation_leaves_the_test_part_alone(beats, tmp_path, monkeypatch, poison):
    split = make_split("benchmark", beats)
    how = {"split": "benchmark", "settings": SETTINGS, "options": OPTIONS, "progress": False}
    clean = train_run("resnet", out=tmp_path / "clean", score="validation", **how)
    values = np.full_like(split.test.values, np.nan)
    if poison == "untouchable":
        values = values.view(Untouchable)
    poisoned = dataclasses.replace(split.test, values=values)
    monkeypatch.setattr(
        runs, "make_split", lambda *_: Split("benchmark", split.train, poisoned, split.note)
    )
    found = train_run("resnet", out=tmp_path / "poisoned", score="validation", **how)
    assert found.report.loss == clean.report.loss
    assert found.report.confusion == clean.report.confusion
    assert [e.train_loss for e in found.history] == [e.train_loss for e in clean.history]
    with pytest.raises((SolverError, AssertionError), match=r"not finite|test part"):
        train_run("resnet", out=tmp_path / "tested", **how)


def test_the_split_by_patients_holds_out_whole_records(beats, tmp_path, monkeypatch):
    seen = {}

    def spy(model, train, *, validation, **how):
        seen.update(train=train, validation=validation)
        return []

    monkeypatch.setattr(runs, "fit", spy)
    how = {"split": "patients", "settings": SETTINGS, "options": OPTIONS}
    train_run("resnet", out=tmp_path, validation=0.2, **how)
    assert not set(seen["train"].records) & set(seen["validation"].records)


def test_without_validation_everything_trains(beats, tmp_path):
    how = {"split": "benchmark", "settings": SETTINGS, "options": OPTIONS, "progress": False}
    run = train_run("resnet", out=tmp_path, validation=0.0, **how)
    assert run.data["validation"] is None
    assert run.data["train"] == make_split("benchmark", beats).train.counts()


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"score": "train"}, SettingError, "score='train'"),
        ({"score": "validation", "validation": 0}, SettingError, "validation=0"),
        ({"validation": 1.5}, DataError, r"between 0 and 1, found 1\.5"),
        ({"split": "random"}, DataError, "'random'"),
        ({"options": {"rtol": 1e-3}}, SettingError, "rtol"),
        ({"options": {"classes": 3}}, SettingError, "classes cannot be set"),
        ({"settings": dataclasses.replace(SETTINGS, learning_rate=1e30)}, SettingError, "lower"),
    ],
)
def test_mistakes_are_named_and_write_no_run(beats, tmp_path, changed, kind, said):
    how = {"split": "benchmark", "settings": SETTINGS, "options": OPTIONS, "progress": False}
    with pytest.raises(kind, match=said):
        train_run("resnet", out=tmp_path / "out", **(how | changed))
    assert not (tmp_path / "out" / RUN_FILE).exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"history": [], "report": {}}', "\x00"])
def test_a_file_that_is_no_run_is_refused(content, tmp_path):
    (tmp_path / RUN_FILE).write_text(content)
    with pytest.raises(DataError, match="not a run of ecglab"):
        read_run(tmp_path / RUN_FILE)
    with pytest.raises(DataError, match="not a run of ecglab"):
        read_run(tmp_path / "absent.json")


def test_the_seed_decides_the_first_weights(beats, tmp_path, monkeypatch):
    first = {}

    def spy(model, *_, **__):
        first.setdefault("weights", []).append(model.head[-1].weight.detach().clone())
        return []

    monkeypatch.setattr(runs, "fit", spy)
    for number, seed in enumerate((5, 5, 6)):
        settings = dataclasses.replace(SETTINGS, seed=seed)
        how = {"split": "benchmark", "settings": settings, "options": OPTIONS}
        train_run("resnet", out=tmp_path / str(number), **how)
    assert torch.equal(first["weights"][0], first["weights"][1])
    assert not torch.equal(first["weights"][0], first["weights"][2])
