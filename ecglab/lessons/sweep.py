"""One trained network solved in many ways: what each solver costs, and what it changes.

A sweep is data: the explorer and the figures are made from it, whether it was measured a minute
ago or travels with the package.
"""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file
from pathlib import Path
from typing import Any, Final

import torch
from sklearn.metrics import confusion_matrix

from ecglab.data.beats import Beats
from ecglab.data.classes import CLASSES
from ecglab.errors import DataError
from ecglab.files import write_atomically
from ecglab.lessons.gradient_sweep import GradientCost, GradientSweep
from ecglab.lessons.probe import REFERENCE, Outcome, Probe, outcome, prepare
from ecglab.lessons.recorded import FOLDER
from ecglab.models.odenet import ODENet
from ecglab.models.solve import Solver
from ecglab.training.evaluate import accuracy_of, macro_f1_of
from ecglab.training.provenance import provenance

TOLERANCES: Final = tuple(10.0**-power for power in range(1, 6))
STEPS: Final = (1, 2, 4, 8)
RECORDED: Final = "sweep-{}.json"  # beside the recorded runs, by arm of the study


def solvers(
    adaptive: Sequence[str] = ("dopri5", "bosh3"),
    fixed: Sequence[str] = ("rk4", "midpoint", "euler"),
    *,
    tolerances: Sequence[float] = TOLERANCES,
    atol_shares: Sequence[float] = (1.0,),
    steps: Sequence[int] = STEPS,
) -> list[Solver]:
    """Every adaptive method at every tolerance, every fixed one at every number of steps.

    ``tolerances`` are those for rtol; atol is each of its ``atol_shares``.
    """
    return [
        Solver(method=method, rtol=value, atol=value * share, gradient="direct")
        for method in adaptive
        for value in tolerances
        for share in atol_shares
    ] + [
        Solver(method=method, steps=count, gradient="direct") for method in fixed for count in steps
    ]


@dataclass(frozen=True)
class SweepRow:
    """What one solver did to the test beats.

    ``changed`` is the share of beats whose class differs from the reference solve, ``error`` the
    distance of y(1) from its y(1), relative to its size. Evaluations and steps are means per
    batch, ``milliseconds`` are those of the fastest full batch, which was disturbed least.

    The rest belongs to the first batch: ``accepted`` and ``rejected`` hold (t, step length), and
    ``paths[i]`` the hidden state of the i-th example beat at ``times``, in two coordinates.
    """

    solver: Solver
    accuracy: float
    macro_f1: float
    changed: float
    error: float
    evaluations: float
    steps: float
    milliseconds: float
    accepted: list[list[float]]
    rejected: list[list[float]]
    times: list[float]
    paths: list[list[list[float]]]


@dataclass(frozen=True)
class Sweep:
    """The rows of one network, the reference solve, and what they were measured on.

    ``examples`` name the beats of the paths by class, record and sample; ``explained`` is the
    share of their variance along the reference that the two coordinates of the paths show.
    ``gradients`` is None where only forward solves were measured.
    """

    rows: list[SweepRow]
    reference: SweepRow
    examples: list[dict[str, Any]]
    explained: float
    beats: int
    batch_size: int
    origin: str
    network: dict[str, Any]
    provenance: dict[str, Any]
    gradients: GradientSweep | None = None


def measure(probe: Probe, solver: Solver) -> SweepRow:
    """Solve every beat of the probe with one solver and score the result."""
    found = outcome(
        probe.model, probe.part, solver, batch_size=probe.batch_size, examples=probe.examples
    )
    return row_of(probe, solver, found)


def row_of(probe: Probe, solver: Solver, found: Outcome) -> SweepRow:
    """The scores and costs of an outcome."""
    true, called = probe.part.labels.cpu().numpy(), found.classes.cpu().numpy()
    table = confusion_matrix(true, called, labels=range(len(CLASSES)))
    reference = probe.reference
    return SweepRow(
        solver=solver,
        accuracy=float(accuracy_of(table)),
        macro_f1=float(macro_f1_of(table)),
        changed=float((found.classes != reference.classes).double().mean()),
        error=float((found.states - reference.states).norm() / reference.states.norm()),
        evaluations=statistics.mean(r.evaluations_forward for r in found.reports),
        steps=statistics.mean(len(r.accepted) + len(r.rejected) for r in found.reports),
        milliseconds=1e3 * min(found.seconds[: max(1, len(true) // probe.batch_size)]),
        accepted=rounded(found.followed.accepted),
        rejected=rounded(found.followed.rejected),
        times=rounded(found.times),
        paths=rounded(((found.path - probe.centre) @ probe.axes).tolist()),
    )


def rounded(value: Any, digits: int = 5) -> Any:
    """Numbers in nested sequences with so many decimals, as lists: what a JSON file would give."""
    if isinstance(value, float):
        return round(value, digits)
    return [rounded(part, digits) for part in value]


def sweep(
    model: ODENet,
    beats: Beats,
    using: Sequence[Solver] | None = None,
    *,
    batch_size: int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> tuple[Sweep, Probe]:
    """Solve the beats with every solver in ``using`` and with the reference.

    The probe that comes with the sweep measures further solvers on the same beats.
    """
    probe, beats = prepare(model, beats, batch_size=batch_size, seed=seed, device=device)
    count = probe.examples
    places = zip(
        *(part[:count].tolist() for part in (beats.labels, beats.records, beats.samples)),
        strict=True,
    )
    found = Sweep(
        rows=[measure(probe, solver) for solver in (solvers() if using is None else using)],
        reference=row_of(probe, REFERENCE, probe.reference),
        examples=[{"class": CLASSES[c], "record": r, "sample": s} for c, r, s in places],
        explained=probe.explained,
        beats=len(beats),
        batch_size=batch_size,
        origin=beats.origin,
        network={
            "width": model.downsampling[0].out_channels,
            "parameters": sum(p.numel() for p in model.parameters()),
        },
        provenance=provenance(device),
    )
    return found, probe


def write_sweep(found: Sweep, path: Path) -> None:
    """Store a sweep as JSON."""
    text = json.dumps(dataclasses.asdict(found))
    write_atomically(path, lambda part: part.write_text(text + "\n"))


def read_sweep(path: Path) -> Sweep:
    """Read a stored sweep; raise DataError where the file is none."""
    try:
        stored = json.loads(path.read_text())
        stored["rows"] = [read_row(row) for row in stored["rows"]]
        stored["reference"] = read_row(stored["reference"])
        if (costs := stored["gradients"]) is not None:
            costs["costs"] = [read_cost(cost) for cost in costs["costs"]]
            stored["gradients"] = GradientSweep(**costs)
        return Sweep(**stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not a sweep of ecglab ({type(error).__name__}: {error}); expected the "
            f"JSON that write_sweep writes."
        ) from error


def read_row(stored: dict[str, Any]) -> SweepRow:
    """One row back from its JSON."""
    return SweepRow(**{**stored, "solver": Solver(**stored["solver"])})


def read_cost(stored: dict[str, Any]) -> GradientCost:
    """One cost back from its JSON."""
    return GradientCost(**{**stored, "solver": Solver(**stored["solver"])})


def recorded_sweep(arm: str = "odenet-plain") -> Sweep:
    """The recorded sweep of a full-size run; raise DataError where there is none."""
    with as_file(FOLDER / RECORDED.format(arm)) as path:
        return read_sweep(path)
