"""Tables, claims and figures of lesson 06, on runs whose scores are known."""

from dataclasses import replace

import numpy as np
import pytest

from ecglab.lessons.comparison import (
    claims,
    class_rows,
    cost_row,
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
from ecglab.lessons.recorded import recorded_runs
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


def cost(name="net", *, train=0.1, saved=10_000_000):
    return Cost(name, 100, 50, train, (0.1, 0.1), 0.05, (0.05, 0.05), saved, 8, 0)


def decided(**changes):
    """The claims by their first words, with some arguments changed."""
    arguments = {
        "resnet": runs([0.980, 0.981], parameters=300),
        "odenet": runs([0.980, 0.981], parameters=100),
        "narrow_resnet": runs([0.958, 0.960]),
        "narrow_odenet": runs([0.923, 0.925]),
        "founding_odenet": runs([0.97]),
        "costs": [cost("ResNet"), cost("ODENet", train=0.8, saved=5_000_000)],
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
    assert found["the adjoint needs constant memory"].holds
    turned = decided(
        narrow_odenet=runs([0.99, 0.991]),
        odenet=runs([0.95, 0.951], parameters=290),
        founding_odenet=runs([0.97], forward=(20.0, 10.0)),
        costs=[cost("ResNet"), cost("ODENet", train=2.0, saved=50_000_000)],
    )
    assert {name for name, claim in turned.items() if claim.holds} == {
        "the ODENet performed slightly better"
    }


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
