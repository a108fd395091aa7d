"""Tables, claims and figures of lesson 06, on runs whose scores are known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ecglab.lessons.comparison import (
    claims,
    class_rows,
    cost_row,
    margin,
    published_row,
    result_row,
    scores_of,
    spread,
)
from ecglab.lessons.comparison_figures import (
    accuracy_figure,
    class_scores_figure,
    confusion_figure,
    cost_figure,
)
from ecglab.lessons.published import REPORT_CONFUSION, published
from ecglab.lessons.recorded import recorded_bench, recorded_runs
from ecglab.training.costs import Cost


def runs(accuracies, *, parameters=100, forward=(10.0, 20.0)):
    """Runs with the given test accuracies, made from a recorded one."""
    base = recorded_runs("odenet")[0]
    history = [replace(base.history[0], evaluations_forward=value) for value in forward]
    return [
        replace(
            base,
            parameters=parameters,
            history=history,
            report=replace(base.report, accuracy=accuracy),
        )
        for accuracy in accuracies
    ]


def cost(name="net", *, train=0.1):
    return Cost(name, 100, 50, train, (0.1, 0.1), 0.05, (0.05, 0.05), 10_000_000, 8, 0)


def bench(*, slower=7.0, kept=(23.0, 23.0)):
    """A benchmark as it is recorded: a ratio, and the bytes kept at two numbers of evaluations."""
    sizes = {"adjoint": kept, "direct": (29.0, 335.0), "checkpoint": (23.0, 33.0)}
    eager = [
        {
            "solver": {"gradient": gradient},
            "evaluations_forward": evaluations,
            "saved": int(1e6 * size),
        }
        for gradient, pair in sizes.items()
        for evaluations, size in zip((32, 4), reversed(pair), strict=True)
    ]
    return {
        "ratios": {"founding_odenet_over_resnet_train": slower},
        "work_precision": {"eager": eager},
    }


def decided(**changes):
    """The claims by their first words, with some arguments changed."""
    arguments = {
        "resnet": runs([0.980, 0.981], parameters=300),
        "odenet": runs([0.980, 0.981], parameters=100),
        "narrow_resnet": runs([0.958, 0.960]),
        "narrow_odenet": runs([0.923, 0.925]),
        "founding_odenet": runs([0.97]),
        "bench": bench(),
    }
    return {claim.statement.split(" (")[0]: claim for claim in claims(**arguments | changes)}


def test_spread_is_mean_and_sample_deviation():
    assert spread([0.9, 0.92, 0.94]) == "0.9200 ± 0.0200"
    assert spread([0.5]) == "0.5000 (one run)"


def test_rows_of_ours_and_theirs_have_the_same_columns():
    ours = result_row("ours", runs([0.9, 0.8]))
    assert list(ours) == list(published_row(published("SLIDES", "odenet")))
    assert ours["accuracy"] == "0.8500 ± 0.0707"
    assert scores_of(runs([0.9, 0.8]), "accuracy") == [0.9, 0.8]


def test_class_rows_count_the_test_beats_and_name_what_was_never_predicted():
    first = runs([0.9])[0]
    empty = [None, *first.report.predictivity[1:]]
    rows = class_rows("net", [replace(first, report=replace(first.report, predictivity=empty))])
    assert rows[0]["positive predictivity"] == "never predicted"
    assert sum(row["test beats"] for row in rows) == first.report.beats


def test_costs_are_extrapolated_from_batches():
    row = cost_row(cost(train=0.3), cost(train=0.1), train_beats=1_000, test_beats=500)
    assert (row["epoch, s"], row["of the ResNet's"], row["test set, s"]) == ("6.0", "3.0 x", "0.5")


def test_claims_follow_the_numbers():
    found = decided()
    assert not found["the ODENet performed slightly better"].holds
    assert found["the ODENet reaches the ResNet's accuracy"].holds
    assert found["with about a third of the parameters"].holds
    assert found["training takes 6 to 9 times longer"].holds
    assert found["epochs grow longer as training goes on"].holds
    constant = found["the adjoint needs constant memory"]
    assert constant.holds
    for part in ("4 to 32 evaluations", "23 MB by the adjoint", "29 to 335 MB by direct"):
        assert part in constant.measured
    assert "7.0 times" in found["training takes 6 to 9 times longer"].measured
    turned = decided(
        narrow_odenet=runs([0.99, 0.991]),
        odenet=runs([0.95, 0.951], parameters=290),
        founding_odenet=runs([0.97], forward=(20.0, 10.0)),
        bench=bench(slower=11.6, kept=(20.0, 23.0)),
    )
    assert {name for name, claim in turned.items() if claim.holds} == {
        "the ODENet performed slightly better"
    }


def test_the_recorded_benchmark_decides_on_time_and_memory():
    found = decided(bench=recorded_bench())
    assert found["the adjoint needs constant memory"].holds
    assert not found["training takes 6 to 9 times longer"].holds


def test_one_run_an_arm_decides_nothing_about_accuracy():
    both = {f"{kind}{net}": runs([0.9]) for kind in ("", "narrow_") for net in ("resnet", "odenet")}
    found = decided(**both)
    assert "the adjoint needs constant memory" in found
    assert not any("performed" in statement or "reaches" in statement for statement in found)


def test_the_margin_is_two_deviations_and_one_run_has_none():
    wide, narrow = runs([0.90, 0.92, 0.94]), runs([0.95, 0.951])
    assert margin(narrow, wide) == margin(wide, narrow) == pytest.approx(0.04)
    assert margin(runs([0.9]), wide) == pytest.approx(0.04)
    assert margin(runs([0.9]), runs([0.8])) == math.inf


@pytest.mark.parametrize(
    ("figure", "alt"),
    [
        confusion_figure({"REPORT": REPORT_CONFUSION["resnet"]}),
        class_scores_figure({"a": [0.1, 0.2, None, 0.4, 0.5]}, score="sensitivity"),
        cost_figure([cost("a"), cost("b", train=1.0)]),
        accuracy_figure({"x": (100, 0.9)}, {"y": (200, [0.8, 0.9])}),
    ],
    ids=["confusion", "classes", "costs", "accuracy"],
)
def test_figures_say_their_numbers_in_the_alternative(figure, alt):
    assert alt.endswith(".")
    assert all(axis.get_xlabel() for axis in figure.axes if axis.get_label() != "<colorbar>")


def test_the_confusion_figure_names_the_weakest_class():
    _, alt = confusion_figure({"REPORT": REPORT_CONFUSION["odenet"]})
    table = np.array(REPORT_CONFUSION["odenet"])
    weakest = "NSVFQ"[int(np.argmin(np.diag(table) / table.sum(1)))]
    assert f"lowest for class {weakest}" in alt
