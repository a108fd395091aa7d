"""Scores against scikit-learn and torch, intervals against resampling written out."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn import metrics

from ecglab.data.beats import Beats
from ecglab.errors import DataError, SolverError
from ecglab.models import ODENet, ResNet
from ecglab.training.batches import to_tensors
from ecglab.training.evaluate import bootstrap, evaluate, predict, scores
from ecglab.training.fit import loss_and_accuracy


def guesses(labels, *, skill=2.0, seed=0):
    """Logits that favour the true class."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((len(labels), 5)).astype(np.float32)
    logits[np.arange(len(labels)), labels] += skill
    return torch.from_numpy(logits)


def beats_of(labels, records=None):
    labels = np.asarray(labels, np.uint8)
    records = np.full(len(labels), -1) if records is None else records
    return Beats(
        np.zeros((len(labels), 187), np.float32),
        labels,
        np.asarray(records, np.int32),
        np.arange(len(labels), dtype=np.int32),
        "simulated",
    )


@pytest.fixture
def scored():
    labels = np.random.default_rng(1).choice(5, 400, p=[0.6, 0.1, 0.15, 0.05, 0.1])
    logits = guesses(labels)
    found = scores(torch.softmax(logits, 1).numpy(), beats_of(labels), draws=20)
    return labels, logits, found


def test_scores_are_those_of_scikit_learn(scored):
    labels, logits, found = scored
    predicted = logits.argmax(1).numpy()
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, predicted)
    assert found["beats"] == 400
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert found["sensitivity"] == pytest.approx(recall)
    assert found["predictivity"] == pytest.approx(precision)
    assert found["f1"] == pytest.approx(f1)
    assert found["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    probabilities = torch.softmax(logits, 1).numpy()
    expected = [metrics.roc_auc_score(labels == c, probabilities[:, c]) for c in range(5)]
    assert found["auroc"] == pytest.approx(expected)


def test_the_area_under_the_curve_is_a_share_of_ordered_pairs(scored):
    labels, logits, found = scored
    probabilities = torch.softmax(logits, 1).numpy()[:, 3]
    inside, outside = probabilities[labels == 3], probabilities[labels != 3]
    assert found["auroc"][3] == pytest.approx((inside[:, None] > outside).mean(), abs=1e-6)


def test_the_loss_is_the_cross_entropy(scored):
    labels, logits, found = scored
    expected = torch.nn.functional.cross_entropy(logits.double(), torch.from_numpy(labels))
    assert found["loss"] == pytest.approx(expected.item(), rel=1e-6)


def test_a_certain_mistake_costs_a_finite_loss():
    certain = np.array([[1, 0, 0, 0, 0]], np.float32)
    assert scores(certain, beats_of([1]), draws=2)["loss"] == pytest.approx(-np.log(1e-12))


def test_scores_of_absent_classes_are_none():
    labels = np.array([0, 0, 0, 2, 2, 2])
    predicted = np.array([0, 0, 1, 2, 2, 0])  # 1 is predicted but absent, 3 and 4 are neither
    found = scores(np.eye(5, dtype=np.float32)[predicted], beats_of(labels), draws=2)
    assert found["sensitivity"] == [pytest.approx(2 / 3), None, pytest.approx(2 / 3), None, None]
    assert found["predictivity"] == [pytest.approx(2 / 3), 0.0, 1.0, None, None]
    assert found["f1"] == [pytest.approx(2 / 3), 0.0, pytest.approx(0.8), None, None]
    assert found["auroc"][1] is found["auroc"][3] is None
    assert found["auroc"][0] is not None
    # As scikit-learn does: a class counts where it has beats or predictions.
    expected = metrics.f1_score(labels, predicted, average="macro")
    assert found["macro_f1"] == pytest.approx(expected) == pytest.approx((2 / 3 + 0 + 0.8) / 3)


def test_a_single_class_has_no_curve():
    found = scores(np.eye(5, dtype=np.float32)[[2, 2, 1]], beats_of([2, 2, 2]), draws=2)
    assert found["auroc"] == [None] * 5
    assert found["accuracy"] == pytest.approx(2 / 3)


def resampled(labels, predicted, chosen):
    """Quantiles of accuracy and macro-F1 over sets of positions, from the beats themselves."""
    rows = []
    for index in chosen:
        true, called = labels[index], predicted[index]
        f1 = [2 * ((true == c) & (called == c)).sum() for c in range(5)]
        f1 = [f / ((true == c).sum() + (called == c).sum()) for c, f in enumerate(f1)]
        rows.append(((true == called).mean(), np.mean(f1)))
    return np.quantile(np.array(rows), [0.025, 0.975], axis=0)


@pytest.mark.parametrize("by", ["beats", "records"])
def test_intervals_are_those_of_resampling(by):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), [120, 60, 60, 30, 30])
    records = rng.integers(0, 12, 300)
    skilled = np.where(rng.random(300) < 0.6 + 0.03 * records, labels, rng.integers(0, 5, 300))
    if by == "beats":
        chosen = rng.integers(0, 300, (2000, 300))
        found = bootstrap(labels, skilled, draws=6000)
    else:
        members = [np.flatnonzero(records == record) for record in range(12)]
        chosen = [
            np.concatenate([members[i] for i in rng.integers(0, 12, 12)]) for _ in range(2000)
        ]
        found = bootstrap(labels, skilled, records, draws=6000)
    expected = resampled(labels, skilled, chosen)
    np.testing.assert_allclose(found["accuracy"], expected[:, 0], atol=0.012)
    np.testing.assert_allclose(found["macro_f1"], expected[:, 1], atol=0.015)


def test_intervals_shrink_with_the_root_of_the_beats_and_follow_the_seed():
    labels = np.tile([0, 0, 0, 1], 25)
    predicted = np.tile([0, 0, 1, 1], 25)

    def width(times, seed=0):
        found = bootstrap(np.tile(labels, times), np.tile(predicted, times), draws=4000, seed=seed)
        low, high = found["accuracy"]
        assert low < 0.75 < high
        return high - low

    assert width(1) == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 100), rel=0.1)
    assert width(1) / width(16) == pytest.approx(4, rel=0.1)
    assert width(1) == width(1) != width(1, seed=5)


def test_intervals_over_records_need_records():
    labels, eye = [0, 1, 2, 3], np.eye(5, dtype=np.float32)[:4]
    unknown = scores(eye, beats_of(labels), draws=5)
    known = scores(eye, beats_of(labels, [100, 100, 101, 101]), draws=5)
    assert set(unknown["intervals"]) == {"beats"}
    assert set(known["intervals"]) == {"beats", "records"}
    assert known["intervals"]["records"]["accuracy"] == [1.0, 1.0]


@pytest.mark.parametrize("batch_size", [7, 40, 500])
def test_a_report_follows_from_the_predictions(held_beats, batch_size):
    torch.manual_seed(0)
    model = ResNet(4, 1)
    report = evaluate(model, held_beats, batch_size=batch_size, draws=50)
    with torch.inference_mode():
        logits = model(torch.from_numpy(held_beats.values)[:, None])
    expected = scores(torch.softmax(logits, 1).numpy(), held_beats, draws=50)
    found = dataclasses.asdict(report)
    assert found["confusion"] == expected["confusion"]
    assert found["intervals"] == expected["intervals"]
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert (report.loss, report.accuracy) == pytest.approx(
        loss_and_accuracy(model, to_tensors(held_beats, "cpu")), rel=1e-5
    )
    assert report.evaluations == 0
    assert report.seconds > 0
    assert report.peak_memory > 1e6


def test_evaluations_are_the_mean_of_the_batches(held_beats):
    torch.manual_seed(0)
    model = ODENet(4)
    _, counted = predict(model, held_beats, batch_size=16)
    with torch.inference_mode():
        counts = []
        for start in range(0, 40, 16):
            model(torch.from_numpy(held_beats.values[start : start + 16])[:, None])
            counts.append(model.block.report.evaluations_forward)
    assert counted == np.mean(counts)


def test_evaluation_leaves_no_gradients_and_changes_no_weights(held_beats):
    model = ResNet(4, 1).train()
    before = [p.detach().clone() for p in model.parameters()]
    evaluate(model, held_beats, draws=5)
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_diverged_weights_are_reported(held_beats):
    model = ResNet(4, 1)
    torch.nn.init.constant_(model.head[-1].weight, float("nan"))
    with pytest.raises(SolverError, match=r"weights have diverged.*lower learning rate"):
        evaluate(model, held_beats)


def test_no_beats_cannot_be_scored(held_beats):
    with pytest.raises(DataError, match="No beats"):
        evaluate(ResNet(4, 1), held_beats.take(np.zeros(len(held_beats), bool)))
