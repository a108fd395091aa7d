"""Score a network on held-out beats, with intervals and by class."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int, Int64
from sklearn.metrics import confusion_matrix, roc_auc_score
from torch import nn

from ecglab.data.beats import Beats
from ecglab.data.classes import CLASSES
from ecglab.errors import SolverError
from ecglab.training.batches import to_tensors
from ecglab.training.meters import PeakMemory, evaluations
from ecglab.training.settings import Precision
from ecglab.training.step import make_logits, tensor_cores


@dataclass(frozen=True)
class Report:
    """Scores of a classifier; lists run over N S V F Q, None where a score is not defined.

    Not defined: sensitivity and AUROC of a class without beats, predictivity of one that is never
    predicted, F1 of one that has neither. Macro-F1 is the mean of the defined ones: a class that
    is predicted but has no beats counts as 0.

    ``confusion`` has true classes in rows. ``intervals`` are 95 % bootstrap intervals of
    accuracy and macro-F1, drawn over beats, and over records where those are known.
    """

    beats: int
    loss: float
    accuracy: float
    macro_f1: float
    sensitivity: list[float | None]
    predictivity: list[float | None]
    f1: list[float | None]
    auroc: list[float | None]
    confusion: list[list[int]]
    intervals: dict[str, dict[str, list[float]]]
    seconds: float
    evaluations: float
    peak_memory: int


def f1_of(
    confusion: Int64[np.ndarray, "*draws classes classes"],
) -> Float64[np.ndarray, "*draws classes"]:
    """F1 of each class, NaN for a class that has neither beats nor predictions."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore"):
        return 2 * hits / (confusion.sum(-1) + confusion.sum(-2))


def accuracy_of(
    confusion: Int64[np.ndarray, "*draws classes classes"],
) -> Float64[np.ndarray, "*draws"] | np.float64:
    """Share of right predictions."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def macro_f1_of(
    confusion: Int64[np.ndarray, "*draws classes classes"],
) -> Float64[np.ndarray, "*draws"] | np.float64:
    """Mean F1 over the classes that occur."""
    return np.nanmean(f1_of(confusion), axis=-1)


def bootstrap(
    labels: Int64[np.ndarray, " beats"],
    predicted: Int64[np.ndarray, " beats"],
    groups: Int[np.ndarray, " beats"] | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, list[float]]:
    """95 % intervals of accuracy and macro-F1 from resampling beats, or whole groups of beats.

    Resampling beats only changes how often each cell of the confusion matrix is drawn, so the
    cells are drawn directly, from a multinomial distribution.
    """
    rng = np.random.default_rng(seed)
    size = len(CLASSES)
    cells = labels * size + predicted
    if groups is None:
        counts = np.bincount(cells, minlength=size * size)
        tables = rng.multinomial(len(labels), counts / len(labels), size=draws)
    else:
        names, member = np.unique(groups, return_inverse=True)
        each = np.zeros((len(names), size * size), np.int64)
        np.add.at(each, (member, cells), 1)
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
        tables = times @ each
    tables = tables.reshape(draws, size, size)
    return {
        name: np.quantile(score(tables), [0.025, 0.975]).tolist()
        for name, score in (("accuracy", accuracy_of), ("macro_f1", macro_f1_of))
    }


def scores(
    probabilities: Float32[np.ndarray, "beats classes"], beats: Beats, *, draws: int = 1000
) -> dict:
    """Every score of a `Report` that follows from the predicted probabilities alone."""
    labels = beats.labels.astype(np.int64)
    predicted = probabilities.argmax(1)
    table = confusion_matrix(labels, predicted, labels=range(len(CLASSES)))
    hits, true, called = np.diagonal(table), table.sum(1), table.sum(0)

    def shares(part: np.ndarray, whole: np.ndarray) -> list[float | None]:
        return [p / w if w else None for p, w in zip(part.tolist(), whole.tolist(), strict=True)]

    intervals = {"beats": bootstrap(labels, predicted, draws=draws)}
    if len(np.unique(beats.records)) > 1:
        intervals["records"] = bootstrap(labels, predicted, beats.records, draws=draws)
    chosen = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, None)
    return {
        "beats": len(beats),
        "loss": float(-np.log(chosen.astype(np.float64)).mean()),
        "accuracy": float(accuracy_of(table)),
        "macro_f1": float(macro_f1_of(table)),
        "sensitivity": shares(hits, true),
        "predictivity": shares(hits, called),
        "f1": shares(2 * hits, true + called),
        "auroc": [
            float(roc_auc_score(labels == c, probabilities[:, c]))
            if 0 < (labels == c).sum() < len(labels)
            else None
            for c in range(len(CLASSES))
        ],
        "confusion": table.tolist(),
        "intervals": intervals,
    }


@torch.inference_mode()
def predict(
    model: nn.Module,
    beats: Beats,
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 500,
    precision: Precision = "float32",
    compile: bool = False,
) -> tuple[Float32[np.ndarray, "beats classes"], float]:
    """Class probabilities of every beat, and the mean evaluations of the dynamics per batch.

    ``compile`` and ``precision`` are those of training (`make_logits`).
    """
    device = torch.device(device)
    model.to(device).eval()
    how = {"batch_size": batch_size, "precision": precision, "compile": compile, "device": device}
    logits = make_logits(model, **how)
    part = to_tensors(beats, device)
    outputs, counted = [], 0
    with tensor_cores(precision):
        for values in part.values.split(batch_size):
            outputs.append(torch.softmax(logits(values), 1))
            counted += evaluations(model)[0]
    probabilities = torch.cat(outputs).cpu().numpy()
    if not np.isfinite(probabilities).all():
        raise SolverError(
            "The network's output is not finite: its weights have diverged. Train again with a "
            "lower learning rate."
        )
    return probabilities, counted / len(outputs)


def evaluate(
    model: nn.Module,
    beats: Beats,
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 500,
    precision: Precision = "float32",
    compile: bool = False,
    draws: int = 1000,
) -> Report:
    """Score ``model`` on ``beats``; seconds and memory are those of the predictions alone."""
    how = {"batch_size": batch_size, "precision": precision, "compile": compile}
    with PeakMemory(device) as memory:
        start = time.perf_counter()
        probabilities, counted = predict(model, beats, device=device, **how)
        seconds = time.perf_counter() - start
    return Report(
        **scores(probabilities, beats, draws=draws),
        seconds=seconds,
        evaluations=counted,
        peak_memory=memory.bytes,
    )
