"""Rows of lessons 05 and 06 on growth: published and ours, arms beside each other, and claims."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from ecglab.lessons.comparison import Claim, margin, scores_of, spread
from ecglab.lessons.growth_runs import KINDS, Curve, curves_of
from ecglab.lessons.published import PUBLISHED_GROWTH, PublishedGrowth, published_saving
from ecglab.training.energy import GRID_INTENSITY
from ecglab.training.runs import Run


def with_deviation(mean: float, deviation: float | None) -> str:
    """A published mean with its standard deviation, where it has one."""
    return f"{mean:.2f}" if deviation is None else f"{mean:.2f} ± {deviation:.2f}"


def published_growth_row(result: PublishedGrowth) -> dict[str, object]:
    """A row of GROWTH's table, and what a kilowatt-hour was charged with."""
    return {
        "network": f"GROWTH: {result.kind} ResNet-{result.depth}",
        "validation, %": with_deviation(*result.validation),
        "test, %": with_deviation(*result.test),
        "CO2eq, g": f"{result.co2_g:.2f}",
        "kWh": f"{result.kwh:.2f}",
        "g/kWh": f"{result.intensity:.0f}",
        "parameters an epoch, millions": with_deviation(*result.parameters_per_epoch),
        "runs": 3,
    }


def growth_row(name: str, runs: Sequence[Run]) -> dict[str, object]:
    """Our runs of one arm in the columns of `published_growth_row`; CO2 at one fixed intensity."""
    curves = curves_of({"grown": runs})["grown"]
    last = [100 * run.history[-1].validation_accuracy for run in runs]
    kwh = fmean(curve.kwh for curve in curves)
    return {
        "network": name,
        "validation, %": spread(last, 2),
        "test, %": spread([100 * score for score in scores_of(runs, "accuracy")], 2),
        "CO2eq, g": f"{kwh * GRID_INTENSITY:.3f}",
        "kWh": f"{kwh:.5f}",
        "g/kWh": f"{GRID_INTENSITY:.0f}",
        "parameters an epoch, millions": spread([c.parameters_per_epoch for c in curves], 3),
        "runs": len(runs),
    }


def missing_growth_row(depth: int, kind: str) -> dict[str, object]:
    """The row of a full-size arm of which no run has been recorded."""
    columns = list(published_growth_row(PUBLISHED_GROWTH[0]))
    row: dict[str, object] = dict.fromkeys(columns, "")
    return row | {"network": f"ours: {kind} ResNet-{depth}, full size", "runs": "none recorded yet"}


def arm_rows(runs: Mapping[str, Sequence[Run]]) -> list[dict[str, object]]:
    """One row for each arm of a study: scores, and what it took relative to the deep network."""
    curves = curves_of(runs)
    deep = (
        {name: cost(curves["fixed"], name) for name in ("work", "kwh")} if "fixed" in runs else {}
    )

    def share(kind: str, name: str) -> str:
        return f"{cost(curves[kind], name) / deep[name]:.0%}" if deep else "no deep run yet"

    return [
        {
            "network": KINDS[kind],
            "runs": len(group),
            "grew after epoch": growths_text(curves[kind]),
            "test error, %": spread([100 * (1 - s) for s in scores_of(group, "accuracy")], 2),
            "macro-F1": spread(scores_of(group, "macro_f1"), 3),
            "parameters an epoch, millions": f"{cost(curves[kind], 'parameters_per_epoch'):.3f}",
            "work, of the deep one": share(kind, "work"),
            "energy, of the deep one": share(kind, "kwh"),
        }
        for kind, group in runs.items()
    ]


def cost(curves: Sequence[Curve], name: str) -> float:
    """Mean over runs of a cost at their end."""
    values = [getattr(curve, name) for curve in curves]
    return fmean(value[-1] if isinstance(value, tuple | list) else value for value in values)


def growths_text(curves: Sequence[Curve]) -> str:
    """After which epochs the runs of an arm grew, and who decided it, run by run."""
    told = []
    for curve in curves:
        for after, asked in zip(curve.growth_epochs, curve.asked, strict=True):
            told.append(f"{after} ({'trigger' if asked else 'clock'})")
    return ", ".join(told) or "never"


def energy_spread(curves: Mapping[str, Sequence[Curve]]) -> float:
    """Largest share of its energy that one run took less than another of exactly the same work.

    Infinite where no two runs did the same work.
    """
    by_work: dict[float, list[float]] = {}
    for group in curves.values():
        for curve in group:
            by_work.setdefault(curve.work[-1], []).append(curve.kwh)
    shares = [1 - min(values) / max(values) for values in by_work.values() if len(values) > 1]
    return max(shares, default=math.inf)


def verdict_row(name: str, runs: Sequence[Run], others: Sequence[Run]) -> dict[str, object]:
    """Whether two arms differ in test accuracy by more than the spread of their runs."""
    gap = fmean(scores_of(runs, "accuracy")) - fmean(scores_of(others, "accuracy"))
    room = margin(runs, others)
    found = "no difference shown" if abs(gap) <= room else "higher" if gap > 0 else "lower"
    return {
        "comparison": name,
        "difference, points": f"{100 * gap:+.2f}",
        "two standard deviations": "one run each" if math.isinf(room) else f"{100 * room:.2f}",
        "verdict": "cannot be judged" if math.isinf(room) else found,
    }


def growth_claims(runs: Mapping[str, Sequence[Run]]) -> list[Claim]:
    """GROWTH's claims: some its own table decides, the others our runs, where there are any."""
    fewer = {depth: published_saving(depth, "parameters_per_epoch") for depth in (50, 74)}
    energy = {depth: published_saving(depth, "kwh") for depth in (50, 74)}
    carbon = {depth: published_saving(depth, "co2_g") for depth in (50, 74)}
    charged = [f"{p.intensity:.0f}" for p in PUBLISHED_GROWTH]
    found = [
        Claim(
            "GROWTH",
            "at least 40 % fewer parameters an epoch",
            f"by its own table {fewer[50]:.1%} (ResNet-50) and {fewer[74]:.1%} (ResNet-74)",
            min(fewer.values()) >= 0.4,
        ),
        Claim(
            "GROWTH",
            f"the saving of {carbon[50]:.0%} and {carbon[74]:.0%} of the CO2 is the method's",
            f"by its own table {energy[50]:.0%} and {energy[74]:.0%} of the energy; the grown runs "
            f"were charged {charged[0]} and {charged[1]} g/kWh, the fixed {charged[2]} and "
            f"{charged[3]}",
            all(abs(carbon[depth] - energy[depth]) < 0.01 for depth in (50, 74)),
        ),
    ]
    if not {"grown", "fixed"} <= set(runs):
        return found
    curves = curves_of(runs)
    asked = [yes for curve in curves["grown"] for yes in curve.asked]
    late = "" if all(asked) else "; the others came at the latest epoch"
    found.append(
        Claim(
            "GROWTH",
            "the Lipschitz estimate decides when to grow, in our scale-down too",
            f"it asked for {sum(asked)} of {len(asked)} growths{late}",
            all(asked),
        )
    )
    saved = 1 - cost(curves["grown"], "kwh") / cost(curves["fixed"], "kwh")
    apart = energy_spread(curves)
    if not math.isinf(apart):  # without two runs of the same work nobody knows what is resolved
        found.append(
            Claim(
                "GROWTH",
                "growing saves energy",
                f"{saved:.0%}, scale-down; runs of the same work differ by up to {apart:.0%}",
                saved > apart,
            )
        )
    room = margin(runs["grown"], runs["fixed"])
    if math.isinf(room):  # without a spread nobody can say whether a gap is one
        return found
    scores = {kind: scores_of(runs[kind], "accuracy") for kind in ("grown", "fixed")}
    return [
        *found,
        Claim(
            "GROWTH",
            "a grown network is as accurate as one that was deep from the start",
            f"{spread(scores['grown'])} against {spread(scores['fixed'])}, scale-down",
            fmean(scores["grown"]) - fmean(scores["fixed"]) > -room,
        ),
    ]
