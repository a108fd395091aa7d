"""What a benchmark's measurements become: rows, a label, a figure."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from ecglab.data.beats import Beats
from ecglab.lessons import bench_measures as measures
from ecglab.lessons import bench_report as report
from ecglab.lessons.figures import table_text
from ecglab.lessons.recorded import recorded_bench
from ecglab.models.solve import Solver
from ecglab.training.bench import RATIOS, SIZES, Contender
from ecglab.training.meters import parameter_count


def contender(name: str, milliseconds: float) -> dict:
    rate = {"operations": 100e9, "bytes": 10e9}
    return {
        "name": name,
        "text": f"the {name}",
        "parameters": 1,
        "precision": "float32",
        "compiled": False,
        "train_seconds": [milliseconds / 1e3] * 3,
        "evaluate_seconds": [1e-4] * 3,
        "evaluations_forward": 8,
        "evaluations_backward": 0,
        "saved": 2_000_000,
        "peak_memory": 3_000_000,
        "work": {"operations": 5_000_000_000, "bytes": 1_000},
        "rate": rate,
        "floor_seconds": 0.05,
    }


def eager(solver: Solver, error: float, milliseconds: float) -> dict:
    return {
        "solver": asdict(solver),
        "error": error,
        "milliseconds": milliseconds,
        "evaluations_forward": 32,
        "evaluations_backward": 38 if solver.gradient == "adjoint" else 0,
    }


@pytest.fixture
def bench() -> dict:
    names = dict.fromkeys(name for _, *pair in RATIOS.values() for name in pair)
    return {
        "profile": "quick",
        "data": {"origin": "simulated", "train": 1_000, "test": 200},
        "ratios": dict.fromkeys(RATIOS, 2.0),
        "quartiles": {name: [1.5, 2.5] for name in RATIOS},
        "batch_size": 128,
        "batches": 3,
        "epoch_batches": 685,
        "test_beats": 100,
        "all_test_beats": 200,
        "rounds": 3,
        "load": [0.5, 1.0],
        "contenders": [contender(name, 100) for name in names],
        "work_precision": {
            "eager": [
                eager(Solver(), 1e-2, 900.0),
                eager(Solver(gradient="direct"), 2e-2, 700.0),
                eager(Solver(method="rk4", steps=2, gradient="direct"), 1e-1, 90.0),
                eager(Solver(method="rk4", steps=2, gradient="checkpoint"), 1e-1, 120.0),
                eager(Solver(method="rk4", steps=2), 1e-1, 150.0),
            ],
            "ours": {"milliseconds": 60.0, "error": 1.2e-1},
        },
        "provenance": {
            "finished": "2026-01-02T03:04:05+00:00",
            "device": "a processor, 2 of 2 cores",
            "versions": {"torch": "2.13.0"},
        },
    }


def test_costs_are_scaled_to_an_epoch_and_to_the_test_set(bench):
    row = report.cost_rows(bench)[0]
    assert row["training batch, ms"] == "100"
    assert row["epoch, s"] == f"{0.1 * 685:.0f}"
    assert row["test set, s"] == f"{200 * 1e-4:.1f}"
    assert row["kept, MB"] == "2"
    assert row["GFLOP a batch"] == "5.0"
    assert row["of the floor"] == "50%"


def test_every_ratio_has_a_row_and_every_target_a_ratio(bench):
    rows = report.ratio_rows(bench)
    assert len(rows) == len(RATIOS) == len(report.MEANINGS)
    assert set(report.TARGETS) <= set(RATIOS)
    assert [row["target"] for row in rows if row["target"]] == [
        f"{bound} {value:g}" for bound, value in report.TARGETS.values()
    ]
    assert rows[0]["quartiles"] == "1.50 to 2.50"
    (one,) = report.ratios_of(bench, ["odenet_over_resnet_train"])
    assert one == {name: rows[1][name] for name in ("ratio", "measured", "quartiles")}


def test_points_of_the_figure_are_those_of_founding_rk4_and_ours(bench):
    rows = [list(row.values()) for row in report.precision_rows(bench)]
    assert rows == [
        ["dopri5, tolerance 0.001, adjoint (founding)", "32 + 38", "900", "0.01"],
        ["rk4, 2 steps, direct", "32 + 0", "90", "0.10"],
        ["the odenet-ours", "8 + 0", "60", "0.12"],
    ]


def test_recorded_ratios_are_those_of_the_recorded_turns():
    """By hand: sorted ratios of the turns, the one in the middle between the quartiles."""
    bench = recorded_bench()
    costs = {entry["name"]: entry for entry in bench["contenders"]}
    for name, (column, above, below) in RATIOS.items():
        tops, bottoms = (np.atleast_1d(costs[one][column]) for one in (above, below))
        low, middle, high = np.quantile(tops / bottoms, [0.25, 0.5, 0.75])
        assert bench["ratios"][name] == pytest.approx(middle)
        assert bench["quartiles"][name] == pytest.approx([low, high])


def test_the_label_says_what_was_scaled_and_that_data_were_simulated(bench):
    label = report.bench_label(bench)
    for part in ("quick profile", "3 batches, scaled to an epoch", "simulated", "2026-01-02"):
        assert part in label
    assert "whole epochs" in report.bench_label(bench | {"batches": 684})
    assert "100 GFLOP/s in float32" in report.rate_text(bench)


def test_the_figure_rings_the_founding_configuration(bench):
    figure, alt = report.work_precision_figure(bench)
    panel = figure.axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in panel.get_lines()}
    assert lines["founding configuration"] == [[900.0, 1e-2]] == lines["dopri5, adjoint"]
    assert lines["ours"] == [[60.0, 1.2e-1]]
    assert "rk4, direct" in lines and "rk4, adjoint" not in lines
    looks = {line.get_label(): (line.get_color(), line.get_marker()) for line in panel.lines}
    adjoint, direct = looks["dopri5, adjoint"], looks["dopri5, direct"]
    assert adjoint[0] == direct[0] and adjoint[1] != direct[1]
    settings = {note.xy: note.get_text() for note in panel.texts}
    assert settings == {(900.0, 1e-2): "0.001", (700.0, 2e-2): "0.001", (90.0, 1e-1): "2"}
    assert "ms" in panel.get_xlabel()
    assert "Ours: 60 ms" in alt and "900 ms" in alt
    assert "32 evaluations forward and 38 backward" in alt


def test_a_table_as_text_lines_up():
    text = table_text(["a", "long name"], [["x", "1"], ["wide cell", "22"]], "a caption")
    caption, head, first, second = text.splitlines()
    assert caption == "a caption"
    assert head.index("long name") == first.index("1") == second.index("22")


def test_contenders_are_the_founding_networks_and_have_every_ratio():
    found = {entry.name: entry for entry in measures.contenders("cpu")}
    assert set(found) == {name for _, *pair in RATIOS.values() for name in pair}
    for name, entry in found.items():
        wanted = 59_333 if name.startswith("odenet") else 182_853
        assert parameter_count(entry.model) == wanted
        assert entry.compiled == name.endswith("-ours")


@pytest.mark.parametrize("made_of", ["float32", "bfloat16"])
def test_the_error_of_our_gradient_is_that_of_its_precision(made_of, simulated: Beats, monkeypatch):
    """Against the same reference rounding to bfloat16 adds to the error of the steps."""
    monkeypatch.setattr(measures, "SWEPT", (Solver(method="rk4", steps=2),))
    ours = next(c for c in measures.contenders("cpu") if c.name == "odenet-ours")
    taken = Contender("x", "x", ours.model, replace(ours.settings, precision=made_of))
    batch = simulated.take(range(0, 4000, 500))
    costs, point = measures.work_precision(taken, batch, 0.06, rounds=1, device="cpu")
    assert point["milliseconds"] == 60.0
    same = next(
        c.error for c in costs if c.solver == Solver(method="rk4", steps=2, gradient="direct")
    )
    if made_of == "float32":
        assert point["error"] == pytest.approx(same, rel=1e-3)
    else:
        assert point["error"] != pytest.approx(same, rel=1e-6)


def test_profiles_have_a_size():
    assert set(SIZES) == set(measures.ROUNDS_OF_SWEEP) == {"quick", "classroom", "full"}
    json.dumps([asdict(size) for size in SIZES.values()])
