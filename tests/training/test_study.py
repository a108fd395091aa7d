"""The study trains what is missing, keeps what is there, and knows its arms."""

from dataclasses import replace

import pytest

from ecglab.errors import SettingError
from ecglab.models.catalogue import build
from ecglab.training import study
from ecglab.training.meters import parameter_count
from ecglab.training.runs import RUN_FILE

PARAMETERS = {"resnet": (182_853, 19_237), "odenet": (59_333, 6_885)}


def test_arms_are_the_founding_networks():
    for name, arm in study.STUDY.items():
        wide, narrow = PARAMETERS[arm.network]
        count = parameter_count(build(arm.network, **arm.options))
        assert count == (narrow if arm.split == "balanced" else wide), name
        assert arm.settings.epochs == 5


def test_the_founding_arm_is_the_founding_configuration():
    arm = study.STUDY["odenet-founding"]
    solver = build(arm.network, **arm.options).block.solver
    assert (solver.method, solver.rtol, solver.atol) == ("dopri5", 1e-3, 1e-3)
    assert solver.gradient == "adjoint"
    assert (arm.settings.learning_rate, arm.settings.schedule) == (0.1, "constant")


def test_runs_that_are_there_are_not_trained_again(tmp_path, monkeypatch):
    trained = []

    def train_run(network, *, out, settings, **_):
        trained.append((network, settings.seed))
        (out / RUN_FILE).parent.mkdir(parents=True)
        (out / RUN_FILE).write_text("stored")
        return "new"

    monkeypatch.setattr(study, "train_run", train_run)
    monkeypatch.setattr(study, "read_run", lambda path: path.read_text())
    arms = ["resnet", "odenet-founding"]
    monkeypatch.setitem(study.STUDY, "resnet", replace(study.STUDY["resnet"], seeds=(0, 1)))
    first = list(study.run_study(tmp_path, arms=arms))
    again = list(study.run_study(tmp_path, arms=arms))
    assert trained == [("resnet", 0), ("resnet", 1), ("odenet", 0)]
    assert [run for *_, run in first] == ["new"] * 3
    assert again == [
        ("resnet", 0, "stored"),
        ("resnet", 1, "stored"),
        ("odenet-founding", 0, "stored"),
    ]


def test_an_unknown_arm_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"Unknown arm 'lstm': expected one of resnet"):
        list(study.run_study(tmp_path, arms=["lstm"]))
