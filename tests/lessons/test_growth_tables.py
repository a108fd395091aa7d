"""Tables and claims on growth, on runs whose numbers are known."""

import dataclasses
import json
import math

import pytest

from ecglab.lessons.growth_runs import curves_of
from ecglab.lessons.growth_tables import (
    arm_rows,
    energy_spread,
    growth_claims,
    growth_row,
    missing_growth_row,
    published_growth_row,
    verdict_row,
)
from ecglab.lessons.published import PUBLISHED_GROWTH
from ecglab.lessons.recorded import recorded_runs
from ecglab.models.growth import GrowthSettings
from ecglab.training.energy import GRID_INTENSITY
from ecglab.training.history import Epoch
from ecglab.training.recipes import RECIPES

GROWTH = GrowthSettings(growths=1, window=1, reserve=1, r_tol=1.4)


def run(accuracy, *, seed=0, grows=True, estimates=(10.0, 20.0, 5.0), load=1.0):
    """A run of three epochs; one that grows does so after the second."""
    base = recorded_runs("resnet")[0]
    settings = dataclasses.replace(
        RECIPES["spectrograms"], epochs=3, seed=seed, growth=GROWTH if grows else None
    )
    entries = [
        Epoch(
            epoch=i,
            learning_rate=0.1,
            train_loss=0.1,
            train_accuracy=0.9,
            validation_loss=0.1,
            validation_accuracy=accuracy - 0.01,
            seconds=10.0,
            evaluations_forward=0.0,
            evaluations_backward=0.0,
            peak_memory=0,
            parameters=174_645 if grows and i < 2 else 369_077,
            lipschitz=estimates[i] if grows else None,
            grown=grows and i == 1,
            kwh=load * (1e-4 if grows and i < 2 else 2e-4),
            energy_source="estimated: made up",
        )
        for i in range(3)
    ]
    return dataclasses.replace(
        base,
        options={"depth": 14 if grows else 26},
        data=base.data | {"image": 16, "share": 100, "train": {"N": 100}},
        settings=json.loads(json.dumps(dataclasses.asdict(settings))),
        history=entries,
        report=dataclasses.replace(base.report, accuracy=accuracy, macro_f1=accuracy - 0.1),
    )


def arms(*, grown=(0.980, 0.982), fixed=(0.980, 0.984), **how):
    return {
        "grown": [run(score, seed=i, **how) for i, score in enumerate(grown)],
        "fixed": [run(score, seed=i, grows=False) for i, score in enumerate(fixed)],
    }


def test_rows_of_theirs_ours_and_what_is_missing_have_the_same_columns():
    theirs = published_growth_row(PUBLISHED_GROWTH[0])
    ours = growth_row("ours", arms()["grown"])
    assert list(theirs) == list(ours) == list(missing_growth_row(50, "grown"))
    assert theirs["g/kWh"] == "312" and theirs["parameters an epoch, millions"] == "0.46 ± 0.01"
    assert ours["test, %"] == "98.10 ± 0.14"
    assert ours["validation, %"] == "97.10 ± 0.14"
    assert ours["kWh"] == "0.00040"
    assert float(ours["CO2eq, g"]) == pytest.approx(0.0004 * GRID_INTENSITY, abs=5e-4)
    assert ours["parameters an epoch, millions"] == "0.239 ± 0.000"
    assert missing_growth_row(74, "fixed")["runs"] == "none recorded yet"


def test_arms_are_set_beside_the_deep_one():
    grown, fixed = arm_rows(arms())
    assert fixed["work, of the deep one"] == fixed["energy, of the deep one"] == "100%"
    assert grown["energy, of the deep one"] == "67%"
    assert grown["work, of the deep one"] == "65%"  # (2 x 26.4 + 54.7) / (3 x 54.7)
    assert grown["grew after epoch"] == "2 (trigger), 2 (trigger)"
    assert fixed["grew after epoch"] == "never"
    assert grown["test error, %"] == "1.90 ± 0.14"
    (alone,) = arm_rows({"grown": arms()["grown"]})
    assert alone["work, of the deep one"] == "no deep run yet"
    clocked = arm_rows(arms(estimates=(10.0, 11.0, 5.0)))[0]
    assert clocked["grew after epoch"] == "2 (clock), 2 (clock)"


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((0.980, 0.981), (0.980, 0.982), "no difference shown"),
        ((0.990, 0.991), (0.980, 0.982), "higher"),
        ((0.970, 0.971), (0.980, 0.982), "lower"),
        ((0.970,), (0.980, 0.982), "lower"),
        ((0.970,), (0.980,), "cannot be judged"),
    ],
)
def test_a_difference_counts_beyond_two_deviations(ours, theirs, said):
    row = verdict_row("a against b", [run(a) for a in ours], [run(a) for a in theirs])
    assert row["verdict"] == said
    assert row["difference, points"].startswith("+" if said == "higher" else "-")


def claimed(runs):
    return {claim.statement.split(" and ")[0]: claim for claim in growth_claims(runs)}


def test_their_own_table_decides_two_claims():
    found = claimed({})
    assert len(found) == 2
    fewer = found["at least 40 % fewer parameters an epoch"]
    assert not fewer.holds and "39.5%" in fewer.measured and "45.2%" in fewer.measured
    carbon = found["the saving of 33%"]
    assert not carbon.holds
    for number in ("44%",):
        assert number in carbon.statement
    for number in ("25%", "39%", "312", "313", "349", "345"):
        assert number in carbon.measured


def test_our_runs_decide_the_others():
    found = claimed(arms())
    trigger = "the Lipschitz estimate decides when to grow, in our scale-down too"
    assert found["growing saves energy"].holds
    assert found[trigger].holds and found[trigger].measured == "it asked for 2 of 2 growths"
    assert found["a grown network is as accurate as one that was deep from the start"].holds
    turned = claimed(arms(grown=(0.90, 0.901), estimates=(10.0, 10.0, 5.0)))
    assert not turned[trigger].holds
    assert "0 of 2 growths; the others came at the latest epoch" in turned[trigger].measured
    assert not turned["a grown network is as accurate as one that was deep from the start"].holds


def test_one_run_an_arm_decides_nothing_about_accuracy():
    found = claimed(arms(grown=(0.90,), fixed=(0.98,)))
    assert not any("accurate" in statement for statement in found)
    assert "growing saves energy" not in found  # no two runs of the same work


def test_a_saving_must_exceed_what_two_runs_of_the_same_work_differ_by():
    """Grown runs take 4 parts of energy, deep ones 6: a third saved."""

    def with_loads(*loads):
        deep = [run(0.98, seed=i, grows=False, load=load) for i, load in enumerate(loads)]
        return {"grown": [run(0.98)], "fixed": deep}

    assert energy_spread(curves_of(with_loads(1.0, 1.25))) == pytest.approx(0.2)
    assert energy_spread(curves_of(with_loads(1.0))) == math.inf
    calm = claimed(with_loads(0.9, 1.1))["growing saves energy"]
    assert calm.holds and "33%" in calm.measured and "up to 18%" in calm.measured
    assert not claimed(with_loads(0.6, 1.4))["growing saves energy"].holds
