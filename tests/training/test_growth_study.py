"""The growth study: its plan by the published arithmetic, its arms, and its command."""

import json
import math

import pytest
import torch
import typer

from ecglab.cli.app import app
from ecglab.errors import SettingError
from ecglab.models.catalogue import build
from ecglab.models.growing import multiply_accumulates
from ecglab.models.growth import GrowthSettings
from ecglab.training.growth_study import (
    GrowthStudy,
    growth_arm,
    growth_arms,
    growth_plan,
    plan_as_dict,
)
from ecglab.training.meters import parameter_count
from ecglab.training.optimize import make_optimizer, make_scheduler

PROGRAM = typer.main.get_command(app)


@pytest.mark.parametrize(
    ("depth", "ours", "published", "fixed"),
    [(50, 0.3873, 0.3876, 757_941), (74, 0.5909, 0.5911, 1_146_805)],
)
def test_the_plan_is_the_published_arithmetic(depth, ours, published, fixed):
    study = GrowthStudy(depth=depth, growth=GrowthSettings(r_tol=math.inf))
    plan = growth_plan(study)
    assert [(s.first_epoch, s.last_epoch) for s in plan.stages] == [(1, 34), (35, 44), (45, 64)]
    assert plan.parameters_per_epoch == pytest.approx(ours, abs=5e-5)
    assert growth_plan(study, channels=3).parameters_per_epoch == pytest.approx(published, abs=5e-5)
    assert plan.fixed_parameters_per_epoch == pytest.approx(fixed / 1e6)
    assert plan.saving == pytest.approx(1 - ours / (fixed / 1e6), abs=2e-4)
    sizes = [parameter_count(build("growing-resnet", depth=s.depth)) for s in plan.stages]
    assert [s.parameters for s in plan.stages] == sizes


def test_arms_differ_in_what_they_are_called_for():
    study = GrowthStudy(depth=26, epochs=32, growth=GrowthSettings(growths=1, window=5, reserve=10))
    arms = {kind: growth_arm(kind, study) for kind in ("grown", "timed", "fixed", "restarted")}
    assert [arms[kind].options["depth"] for kind in arms] == [14, 14, 26, 26]
    grown, timed, fixed, restarted = (arm.settings for arm in arms.values())
    assert grown.growth == study.growth
    assert timed.growth.at == (22,)
    assert fixed.growth is None
    assert fixed.restarts == ()
    assert restarted.growth is None
    assert restarted.restarts == timed.growth.at
    common = {
        (s.learning_rate, s.lowest_rate, s.momentum, s.weight_decay)
        for s in (grown, timed, fixed, restarted)
    }
    assert common == {(0.1, 1e-3, 0.9, 2e-4)}
    assert list(growth_arms(("grown", "fixed"), study)) == ["grown-26", "fixed-26"]


@pytest.mark.parametrize(("depth", "growths"), [(26, 1), (50, 2)])
def test_the_shallow_control_works_as_much_as_the_growing_network(depth, growths):
    settings = GrowthSettings(growths=growths, window=5, reserve=10)
    study = GrowthStudy(depth=depth, epochs=32, image=16, growth=settings)
    arm = growth_arm("shallow", study)
    assert (arm.settings.growth, arm.settings.restarts) == (None, ())
    assert arm.options == {"depth": 14}
    timed = growth_arm("timed", study).settings.growth.at
    networks = [build("growing-resnet", depth=stage.depth) for stage in growth_plan(study).stages]
    costs = [multiply_accumulates(network, (1, 16, 16)) for network in networks]
    work = sum(costs[sum(epoch >= after for after in timed)] for epoch in range(study.epochs))
    assert abs(arm.settings.epochs * costs[0] - work) <= costs[0] / 2


def test_the_rate_of_the_published_study_and_its_restart():
    settings = growth_arm("fixed", GrowthStudy()).settings
    optimizer = make_optimizer(torch.nn.Linear(1, 1), settings)
    scheduler = make_scheduler(optimizer, settings, 3, start=34)
    rates = []
    for _ in range(30 * 3):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    expected = [1e-3 + 0.099 / 2 * (1 + math.cos(math.pi * (k // 3) / 30)) for k in range(90)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"depth": 38}, "38"),
        ({"epochs": 20}, "20 epochs are too few"),
        ({"depth": 27}, "not 6n"),
    ],
)
def test_a_study_that_cannot_be_is_refused_before_it_begins(how, said):
    with pytest.raises(SettingError, match=said):
        GrowthStudy(**how)
    with pytest.raises(SettingError, match="Unknown arm 'shrunk'"):
        growth_arm("shrunk", GrowthStudy())


def test_the_command_prints_a_plan_without_training(capsys):
    PROGRAM.main(["grow", "--plan", "--depth", "74", "--channels", "3"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "0.5911 million" in out
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["20", "38", "74"]
    PROGRAM.main(["grow", "--plan", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == plan_as_dict(growth_plan(GrowthStudy()))


def test_the_command_wants_a_folder():
    with pytest.raises(SettingError, match="--out, or look at --plan"):
        PROGRAM.main(["grow"], standalone_mode=False)
