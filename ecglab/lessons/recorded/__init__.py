"""Recorded results: full-size runs on the real database that travel with the package.

``ecglab study --record`` trains them and puts them here: one JSON a run and the
weights of each arm's first seed.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from torch import nn

from ecglab.errors import DataError
from ecglab.models.catalogue import build
from ecglab.training.checkpoint import load_weights
from ecglab.training.runs import RUN_FILE, Run, read_run
from ecglab.training.study import STUDY, run_name

FOLDER: Final = files("ecglab.lessons.recorded")
BENCH_FILE: Final = "bench.json"


@cache
def recorded_runs(arm: str) -> tuple[Run, ...]:
    """Every recorded run of one arm of the study, by seed; raise DataError where there is none."""
    with as_file(FOLDER) as recorded:
        return runs_of(arm, recorded, "{}.json")


def runs_of(arm: str, folder: Path, pattern: str) -> tuple[Run, ...]:
    """The runs of one arm whose files lie in ``folder`` under ``pattern`` of the run's name."""
    if arm not in STUDY:
        raise DataError(f"Unknown arm {arm!r}: expected one of {', '.join(STUDY)}.")
    paths = [folder / pattern.format(run_name(arm, seed)) for seed in STUDY[arm].seeds]
    runs = tuple(read_run(path) for path in paths if path.exists())
    if not runs:
        raise DataError(f"No run of {arm!r} in {folder}: 'ecglab study {arm} --out DIR' trains it.")
    return runs


def study_runs(folder: Path | None = None) -> dict[str, tuple[Run, ...]]:
    """Every arm of the study with its runs: those in ``folder``, or the recorded ones."""
    if folder is None:
        return {arm: recorded_runs(arm) for arm in STUDY}
    return {arm: runs_of(arm, folder, f"{{}}/{RUN_FILE}") for arm in STUDY}


def recorded_model(arm: str, **options: Any) -> nn.Module:
    """The trained network of an arm's first seed; ``options`` change its solver."""
    first = STUDY[arm].seeds[0]
    run = recorded_runs(arm)[0]
    model = build(run.network, **{**run.options, **options})
    with as_file(FOLDER / f"{run_name(arm, first)}.safetensors") as weights:
        load_weights(model, weights)
    return model.eval()


def recorded_label(origin: str, provenance: Mapping[str, Any]) -> str:
    """What stands beside a recorded number: data, date and device."""
    return f"recorded run, {origin}, {provenance['finished'][:10]}, {provenance['device']}"


@cache
def recorded_bench() -> dict[str, Any]:
    """The recorded measurements of ``ecglab bench``."""
    return json.loads((FOLDER / BENCH_FILE).read_text(encoding="utf-8"))


def provenance_label(run: Run) -> str:
    """The label of a recorded training run."""
    return recorded_label(run.data["origin"], run.provenance)
