"""The founding documents' results beside ours, as rows of tables and as claims that are checked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from ecglab.data.classes import CLASSES
from ecglab.lessons.published import Published
from ecglab.training.costs import Cost
from ecglab.training.runs import Run


def spread(values: Sequence[float], digits: int = 4) -> str:
    """Mean and standard deviation as text, or the one value there is."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f} (one run)"
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def scores_of(runs: Sequence[Run], score: str) -> list[float]:
    """One field of the report of every run."""
    return [getattr(run.report, score) for run in runs]


def margin(*groups: Sequence[Run]) -> float:
    """Two standard deviations of the accuracy over runs, of the group where they are larger.

    Infinite where no group has two runs: one run tells nothing about its spread.
    """
    deviations = [stdev(scores_of(g, "accuracy")) for g in groups if len(g) > 1]
    return 2 * max(deviations, default=math.inf)


def result_row(name: str, runs: Sequence[Run]) -> dict[str, object]:
    """Our result on one split: scores over the seeds, with 0.828 of always-N in mind."""
    return {
        "network": name,
        "parameters": runs[0].parameters,
        "accuracy": spread(scores_of(runs, "accuracy")),
        "macro-F1": spread(scores_of(runs, "macro_f1")),
        "loss": spread(scores_of(runs, "loss")),
        "runs": len(runs),
    }


def published_row(result: Published) -> dict[str, object]:
    """A published result in the columns of `result_row`."""
    return {
        "network": f"{result.document} {result.network}",
        "parameters": result.parameters,
        "accuracy": f"{result.accuracy:.3f}",
        "macro-F1": "not given",
        "loss": "not given",
        "runs": "not given",
    }


def class_rows(name: str, runs: Sequence[Run]) -> list[dict[str, object]]:
    """Sensitivity, positive predictivity and F1 of each class, as means over the runs."""

    def text(field: str, label: int) -> str:
        values = [getattr(run.report, field)[label] for run in runs]
        known = [value for value in values if value is not None]
        return f"{mean(known):.3f}" if known else "never predicted"

    return [
        {
            "network and class": f"{name}, {letter}",
            "test beats": sum(runs[0].report.confusion[label]),
            "sensitivity": text("sensitivity", label),
            "positive predictivity": text("predictivity", label),
            "F1": text("f1", label),
        }
        for label, letter in enumerate(CLASSES)
    ]


def seconds(value: float) -> str:
    """Seconds with as many decimals as they deserve."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def cost_row(cost: Cost, reference: Cost, train_beats: int, test_beats: int) -> dict[str, object]:
    """Costs of one network; the ratio is to the reference, measured in the same run."""
    batches = train_beats / cost.batch_size
    return {
        "network": cost.name,
        "parameters": cost.parameters,
        "epoch, s": seconds(cost.train_seconds * batches),
        "of the ResNet's": f"{cost.train_seconds / reference.train_seconds:.1f} x",
        "test set, s": seconds(cost.evaluate_seconds * test_beats / cost.batch_size),
        "kept for backward, MB": f"{cost.saved / 1e6:.0f}",
        "evaluations forward": cost.evaluations_forward,
        "backward": cost.evaluations_backward,
    }


@dataclass(frozen=True)
class Claim:
    """A statement of a founding document, what we measured, and whether it holds."""

    document: str
    statement: str
    measured: str
    holds: bool

    def row(self) -> dict[str, object]:
        return {
            "claim": f"{self.document}: {self.statement}",
            "we measured": self.measured,
            "holds": self.holds,
        }


def claims(
    *,
    resnet: Sequence[Run],
    odenet: Sequence[Run],
    narrow_resnet: Sequence[Run],
    narrow_odenet: Sequence[Run],
    founding_odenet: Sequence[Run],
    bench: Mapping[str, Any],
) -> list[Claim]:
    """The documents' claims that these results can decide; ``bench`` as `recorded_bench` gives it.

    A difference in accuracy counts only beyond two standard deviations of its runs, see `margin`;
    with one run an arm nothing is said about it.
    """

    def accuracy(runs: Sequence[Run]) -> float:
        return mean(scores_of(runs, "accuracy"))

    narrow_gap = accuracy(narrow_odenet) - accuracy(narrow_resnet)
    wide_gap = accuracy(odenet) - accuracy(resnet)
    narrow_room, wide_room = margin(narrow_odenet, narrow_resnet), margin(odenet, resnet)
    backward = founding_odenet[0].history
    slower = bench["ratios"]["founding_odenet_over_resnet_train"]
    adjoint, direct = (
        sorted(
            (cost["evaluations_forward"], cost["saved"])
            for cost in bench["work_precision"]["eager"]
            if cost["solver"]["gradient"] == gradient
        )
        for gradient in ("adjoint", "direct")
    )
    kept = [saved for _, saved in adjoint]

    def megabytes(costs: Sequence[tuple[int, int]]) -> str:
        least, most = (f"{pick(saved for _, saved in costs) / 1e6:.0f}" for pick in (min, max))
        return f"{least} MB" if least == most else f"{least} to {most} MB"

    fewer = 1 - odenet[0].parameters / resnet[0].parameters
    better = [
        Claim(
            "REPORT",
            "the ODENet performed slightly better (its own numbers: 0.923 against 0.958)",
            f"{accuracy(narrow_odenet):.4f} against {accuracy(narrow_resnet):.4f}",
            narrow_gap > narrow_room,
        )
    ]
    equal = [
        Claim(
            "SLIDES",
            "the ODENet reaches the ResNet's accuracy (0.976 against 0.974)",
            f"{accuracy(odenet):.4f} against {accuracy(resnet):.4f}",
            wide_gap > -wide_room,
        )
    ]
    return [
        *(better if math.isfinite(narrow_room) else []),
        *(equal if math.isfinite(wide_room) else []),
        Claim(
            "SLIDES",
            "with about a third of the parameters",
            f"{fewer:.0%} fewer: {odenet[0].parameters:,} against {resnet[0].parameters:,}",
            fewer > 0.6,
        ),
        Claim(
            "SLIDES",
            "training takes 6 to 9 times longer",
            f"{slower:.1f} times, founding code of both",
            6 <= slower <= 9,
        ),
        Claim(
            "SLIDES",
            "epochs grow longer as training goes on",
            f"evaluations a batch {backward[0].evaluations_forward:.1f} forward and "
            f"{backward[0].evaluations_backward:.1f} backward in the first epoch, "
            f"{backward[-1].evaluations_forward:.1f} and "
            f"{backward[-1].evaluations_backward:.1f} in the last",
            backward[-1].evaluations_forward > backward[0].evaluations_forward,
        ),
        Claim(
            "REPORT",
            "the adjoint needs constant memory",
            f"kept for a batch from {adjoint[0][0]} to {adjoint[-1][0]} evaluations forward: "
            f"{megabytes(adjoint)} by the adjoint, {megabytes(direct)} by direct gradients",
            max(kept) <= 1.01 * min(kept) and adjoint[0][0] < adjoint[-1][0],
        ),
    ]
