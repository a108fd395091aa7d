"""Runs of growing networks as data: depths, work, ratios, and who decided on a growth."""

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglab.errors import DataError
from ecglab.lessons import growth_runs
from ecglab.lessons.growth_runs import (
    KINDS,
    by_size,
    curve,
    curve_of,
    curves_of,
    depths_text,
    example_work,
    growth_command,
    growth_label,
    growth_of,
    is_full_size,
    recorded_growth,
)
from ecglab.lessons.recorded import recorded_runs
from ecglab.models.growth import GrowthSettings, Trigger
from ecglab.training.growth_study import GrowthStudy, growth_arm, growth_plan
from ecglab.training.history import Epoch
from ecglab.training.recipes import RECIPES
from ecglab.training.runs import RUN_FILE, Run, write_run
from ecglab.training.settings import TrainSettings
from ecglab.training.study import run_name

GROWTH = GrowthSettings(growths=1, window=2, reserve=2, r_tol=1.4)
SMALL = {"image": 16, "share": 17_511, "precision": "bfloat16"}
RECORDED_STUDIES = (
    # ecglab grow --depth 26 --growths 1 --window 5 --reserve 10 --epochs 32
    GrowthStudy(
        depth=26, epochs=32, growth=GrowthSettings(growths=1, window=5, reserve=10), **SMALL
    ),
    GrowthStudy(depth=50, **SMALL),  # both with --image 16 --share 17511
)


def epoch(number, *, lipschitz=None, grown=False, parameters=174_645, accuracy=0.9):
    return Epoch(
        epoch=number,
        learning_rate=0.1 / (number + 1),
        train_loss=1 / (number + 1),
        train_accuracy=accuracy,
        validation_loss=1 / (number + 1),
        validation_accuracy=accuracy,
        seconds=2.0 + number,
        evaluations_forward=0.0,
        evaluations_backward=0.0,
        peak_memory=0,
        parameters=parameters,
        lipschitz=lipschitz,
        grown=grown,
        kwh=1e-6,
        energy_source="estimated: made up",
    )


def history(*, estimates=(10, 12, 14, 18, 6, 6), grown_after=4):
    """Six epochs; the network grows after the number given, or never."""
    return [
        epoch(
            i,
            lipschitz=estimates[i],
            grown=i + 1 == grown_after,
            parameters=174_645 if not grown_after or i < grown_after else 369_077,
            accuracy=0.9 + 0.01 * i,
        )
        for i in range(6)
    ]


def made(**changes):
    growth = changes.pop("growth", GROWTH)
    how = {"depth": 14, "image": 16, "examples": 100, "growth": growth}
    return curve("a run", history(**changes), **how)


def stored(report, *, seed=0, kind="grown", accuracy=0.98, image=16, share=1000, depth=14):
    """A run of the study as it is stored."""
    growing = kind in ("grown", "timed")
    growth = replace(GROWTH, at=(4,)) if kind == "timed" else GROWTH
    settings = replace(
        RECIPES["spectrograms"], epochs=6, seed=seed, growth=growth if growing else None
    )
    return Run(
        network="growing-resnet",
        options={"depth": depth if growing else 26},
        parameters=369_077,
        data={
            "origin": "MIT-BIH",
            "image": image,
            "share": share,
            "train": {"N": 800, "V": 200},
        },
        settings=json.loads(json.dumps(asdict(settings))),
        history=history(grown_after=4 if growing else 0),
        scored="test",
        report=replace(report, accuracy=accuracy),
        provenance={"command": "ecglab train x", "finished": "2026-01-02T03:04", "device": "CPU"},
    )


@pytest.fixture(scope="module")
def report():
    return recorded_runs("resnet")[0].report


def test_depth_doubles_after_the_growth_and_work_adds_up():
    found = made()
    assert found.depths == (14, 14, 14, 14, 26, 26)
    small, large = example_work(14, 16), example_work(26, 16)
    assert found.work[-1] == 100 * (4 * small + 2 * large)
    assert found.work[0] == 100 * small
    assert found.growth_epochs == [4]
    assert found.seconds[-1] == pytest.approx(2 + 3 + 4 + 5 + 6 + 7)
    assert found.kwh == pytest.approx(6e-6)
    assert found.parameters_per_epoch == pytest.approx((4 * 174_645 + 2 * 369_077) / 6e6)
    assert found.errors == pytest.approx([0.1, 0.09, 0.08, 0.07, 0.06, 0.05])


def test_the_work_of_an_example_is_a_quarter_at_half_the_size():
    assert example_work(14, 32) == pytest.approx(4 * example_work(14, 16), rel=1e-4)
    assert example_work(26, 16) / example_work(14, 16) == pytest.approx(55.0 / 26.7, rel=0.01)


def test_ratios_begin_anew_after_the_growth():
    ratios = made().ratios
    assert ratios[0] is None and ratios[4] is None
    assert ratios[1] == 1 and ratios[5] == 1
    assert ratios[3] == pytest.approx(((14 + 18) / 2) / ((10 + 12) / 2))


@given(
    estimates=st.lists(st.floats(1, 100), min_size=1, max_size=12),
    window=st.integers(1, 4),
)
def test_ratios_are_those_that_the_trigger_sees(estimates, window):
    settings = GrowthSettings(growths=1, window=window, reserve=1, r_tol=math.inf)
    entries = [epoch(i, lipschitz=value) for i, value in enumerate(estimates)]
    found = curve("x", entries, depth=14, image=16, examples=1, growth=settings).ratios
    trigger = Trigger(settings, epochs=1000)
    for value, ratio in zip(estimates, found, strict=True):
        trigger.update(0, value)
        assert trigger.ratio == ratio


def test_who_decided():
    assert made(estimates=(10, 12, 14, 18, 6, 6)).asked == [True]
    assert made(estimates=(10, 12, 12, 12, 6, 6)).asked == [False]
    fixed = made(grown_after=0, growth=None)
    assert fixed.asked == [] and fixed.ratios == [None] * 6
    assert fixed.depths == (14,) * 6
    assert made(growth=replace(GROWTH, at=(4,))).asked == [False]


def test_a_stored_run_gives_the_same_curve(report):
    found = curve_of("a run", stored(report))
    assert found == replace(made(), work=tuple(10 * w for w in made().work))
    assert growth_of(stored(report, kind="fixed").settings) is None
    assert growth_of(stored(report, kind="timed").settings).at == (4,)


def test_a_folder_takes_the_place_of_the_recorded_runs(report, tmp_path, monkeypatch):
    monkeypatch.setattr(growth_runs, "FOLDER", tmp_path / "package")
    (tmp_path / "package").mkdir()
    assert recorded_growth(26, tmp_path) == {}
    write_run(stored(report), tmp_path / "package" / "grown-26-seed0.json")
    assert set(recorded_growth(26, tmp_path)) == {"grown"}
    for seed in (0, 1):
        folder = tmp_path / run_name("fixed-26", seed)
        folder.mkdir()
        write_run(stored(report, kind="fixed", seed=seed), folder / RUN_FILE)
    found = recorded_growth(26, tmp_path)
    assert {kind: len(group) for kind, group in found.items()} == {"fixed": 2}
    assert [c.name for c in curves_of(found)["fixed"]] == [
        *("deep from the start, seed 0", "deep from the start, seed 1")
    ]
    assert recorded_growth(74, tmp_path) == {}


def test_labels_say_where_numbers_come_from_and_what_was_scaled_down(report):
    small, full = stored(report), stored(report, image=32, share=None)
    assert growth_label({"grown": (small,)}) == (
        "recorded run, MIT-BIH, 2026-01-02, CPU; scale-down: 16 x 16, 1,000 beats, 6 epochs"
    )
    assert growth_label({"grown": (full,)}).endswith("CPU; 32 x 32, 1,000 beats, 6 epochs")
    assert is_full_size(full) and not is_full_size(small)
    assert growth_command({"grown": (small,)}) == "ecglab train x"
    with pytest.raises(DataError, match=r"No growth run has been recorded.*ecglab grow"):
        growth_label({})


def test_small_runs_and_full_ones_are_kept_apart(report):
    small, full = stored(report), stored(report, image=32, share=None)
    runs = {"grown": (small, full), "fixed": (full,)}
    assert by_size(runs, full=True) == {"grown": (full,), "fixed": (full,)}
    assert by_size(runs, full=False) == {"grown": (small,)}


@pytest.mark.parametrize("study", RECORDED_STUDIES, ids=lambda study: str(study.depth))
@pytest.mark.parametrize("kind", KINDS)
def test_recorded_runs_are_what_their_arm_says(kind, study):
    """Whatever has been recorded comes from real beats and is a run of its arm."""
    counts = {stage.depth: stage.parameters for stage in growth_plan(study).stages}
    for run in by_size(recorded_growth(study.depth), full=False).get(kind, ()):
        assert run.data["origin"] == "MIT-BIH"
        found = curve_of("x", run)
        assert found.depths[-1] == (min(counts) if kind == "shallow" else study.depth)
        assert [e.parameters for e in run.history] == [counts[depth] for depth in found.depths]
        assert bool(found.growth_epochs) == (kind in ("grown", "timed"))
        arm = growth_arm(kind, study)
        wanted = replace(arm.settings, seed=run.settings["seed"])
        then = asdict(TrainSettings())  # for settings that came after the recording
        assert json.loads(json.dumps(then | run.settings)) == json.loads(json.dumps(asdict(wanted)))
        assert run.options == arm.options
        assert (run.data["image"], run.data["share"]) == (study.image, study.share)
        assert all(entry.kwh > 0 for entry in run.history)


def test_a_study_says_through_which_depths_it_went(report):
    assert depths_text({"grown": (stored(report),)}) == "From 14 to 26 layers"
