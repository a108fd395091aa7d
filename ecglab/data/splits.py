"""Training and test parts: the traced benchmark, the split by person, the balanced test."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import numpy as np

from ecglab.data.beats import Beats
from ecglab.data.classes import CLASSES
from ecglab.errors import DataError

# de Chazal, O'Dwyer and Reilly, IEEE Trans. Biomed. Eng. 51(7):1196-1206, 2004.
DS1: Final = (
    *(101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122),
    *(124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230),
)
DS2: Final = (
    *(100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210),
    *(212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234),
)
BALANCED_TEST: Final = {"N": 800, "S": 800, "V": 800, "F": 300, "Q": 800}
BALANCED_SEED: Final = 2024

SplitName = Literal["benchmark", "patients", "balanced"]


@dataclass(frozen=True)
class Split:
    """A training part and a test part; ``note`` says how they were drawn."""

    name: str
    train: Beats
    test: Beats
    note: str


@dataclass(frozen=True)
class Leak:
    """What the training part already knows of the test part.

    ``shared_records`` are in both; ``shared_beats`` is the share of test beats from such
    records; ``neighbours`` the share of test beats whose previous or next beat was trained on.
    """

    shared_records: tuple[int, ...]
    shared_beats: float
    neighbours: float


@cache
def benchmark_test_beats() -> tuple[tuple[int, int], ...]:
    """(record, sample) of the 21,892 published test rows in the published order."""
    table = files("ecglab.data").joinpath("benchmark_test_beats.csv").read_text()
    return tuple((int(r["record"]), int(r["sample"])) for r in csv.DictReader(table.splitlines()))


def by_class(index: np.ndarray, beats: Beats) -> np.ndarray:
    """``index`` sorted by class as the published files are; within a class the order stays."""
    return index[np.argsort(beats.labels[index], kind="stable")]


def parts(name: str, beats: Beats, test: np.ndarray, note: str) -> Split:
    """Split off the positions ``test``; every other beat trains."""
    rest = np.setdiff1d(np.arange(len(beats)), test)
    return Split(name, beats.take(by_class(rest, beats)), beats.take(test), note)


def benchmark_split(beats: Beats) -> Split:
    """87,554 training and 21,892 test beats of the published benchmark, drawn beat by beat.

    Simulated beats have no published rows: a stratified fifth is drawn instead.
    """
    if beats.origin != "MIT-BIH":
        rng = np.random.default_rng(0)
        drawn = [rng.permutation(np.flatnonzero(beats.labels == c)) for c in range(len(CLASSES))]
        test = np.concatenate([index[: len(index) // 5] for index in drawn])
        return parts("benchmark", beats, test, f"a stratified fifth of {beats.origin} beats")
    places = zip(beats.records.tolist(), beats.samples.tolist(), strict=True)
    position = {place: i for i, place in enumerate(places)}
    try:
        test = np.array([position[place] for place in benchmark_test_beats()])
    except KeyError as error:
        record, sample = error.args[0]
        raise DataError(
            f"The benchmark's test beat at sample {sample} of record {record} is not among these "
            f"{len(beats)} beats; expected the 109,446 beats of all 48 records."
        ) from None
    return parts("benchmark", beats, test, "the published test rows, drawn by beat")


def patients_split(beats: Beats) -> Split:
    """DS1 trains, DS2 tests (de Chazal et al. 2004); the four paced records are left out.

    Simulated persons are halved in the order of their numbers.
    """
    if beats.origin == "MIT-BIH":
        train, test = DS1, DS2
        note = "DS1 to DS2: no record in both (201 and 202 are one man), paced records left out"
    else:
        people = np.unique(beats.records)
        train, test = people[: len(people) // 2], people[len(people) // 2 :]
        note = f"the first half of {beats.origin} persons trains, the second tests"
    return Split(
        "patients",
        beats.take(np.isin(beats.records, train)),
        beats.take(np.isin(beats.records, test)),
        note,
    )


def balanced_split(beats: Beats) -> Split:
    """800 N, 800 S, 800 V, 300 F and 800 Q test; every other beat trains (disjoint by beat only).

    Where a class has fewer than twice that many beats (simulated or few beats), half of it tests.
    """
    rng = np.random.default_rng(BALANCED_SEED)
    test = []
    for label, name in enumerate(CLASSES):
        index = rng.permutation(np.flatnonzero(beats.labels == label))
        wanted = BALANCED_TEST[name]
        test.append(np.sort(index[: min(wanted, len(index) // 2)]))
    return parts("balanced", beats, np.concatenate(test), f"drawn once, seed {BALANCED_SEED}")


SPLITS: Final[dict[SplitName, Callable[[Beats], Split]]] = {
    "benchmark": benchmark_split,
    "patients": patients_split,
    "balanced": balanced_split,
}


def make_split(name: str, beats: Beats) -> Split:
    """One of the three splits by its name; raise DataError for an unknown name or an empty part."""
    if name not in SPLITS:
        raise DataError(f"Unknown split {name!r}: expected one of {', '.join(SPLITS)}.")
    split = SPLITS[name](beats)
    for part, found in (("training", split.train), ("test", split.test)):
        if not len(found):
            raise DataError(
                f"The {part} part of the split {name!r} is empty: {len(beats)} {beats.origin} "
                f"beats were given; expected beats of more records."
            )
    return split


def hold_out(
    beats: Beats, *, fraction: float = 0.1, by: Literal["beat", "record"] = "beat", seed: int = 0
) -> tuple[Beats, Beats]:
    """Hold a part of the training beats out for validation: ``(kept, validation)``.

    ``by="beat"`` draws the fraction of every class, ``by="record"`` whole records until the
    fraction is reached, which is what a split by person needs.
    """
    if by not in ("beat", "record"):
        raise DataError(f"Beats are held out by 'beat' or by 'record', found {by!r}.")
    if not 0 < fraction < 1:
        raise DataError(f"The validation fraction must lie between 0 and 1, found {fraction}.")
    rng = np.random.default_rng(seed)
    if by == "record":
        order = rng.permutation(np.unique(beats.records))
        sizes = np.cumsum([(beats.records == record).sum() for record in order])
        count = 1 + int(np.searchsorted(sizes, fraction * len(beats)))
        held = np.isin(beats.records, order[:count])
    else:
        held = np.zeros(len(beats), bool)
        for label in range(len(CLASSES)):
            index = rng.permutation(np.flatnonzero(beats.labels == label))
            held[index[: round(fraction * len(index))]] = True
    if held.all() or not held.any():
        raise DataError(
            f"Holding out {fraction:.0%} by {by} of {len(beats)} beats leaves one part empty: "
            f"give more beats or another fraction."
        )
    return beats.take(~held), beats.take(held)


def leak(split: Split) -> Leak:
    """Measure how far the test part is known from the training part.

    Raises DataError for beats from CSV files, which know no record.
    """
    if "CSV" in (split.train.origin, split.test.origin):
        raise DataError(
            "Beats from CSV files know neither record nor sample: their leak cannot be measured; "
            "expected beats of the MIT-BIH records or simulated ones."
        )
    shared = np.intersect1d(split.train.records, split.test.records)
    records = np.concatenate([split.train.records, split.test.records])
    samples = np.concatenate([split.train.samples, split.test.samples])
    tested = np.arange(len(records)) >= len(split.train)
    order = np.lexsort((samples, records))
    records, tested = records[order], tested[order]
    near = np.zeros(len(order), bool)
    adjacent = records[1:] == records[:-1]
    near[1:] |= adjacent & ~tested[:-1]
    near[:-1] |= adjacent & ~tested[1:]
    return Leak(
        tuple(shared.tolist()),
        float(np.isin(split.test.records, shared).mean()),
        float(near[tested].mean()),
    )
