"""Put finished runs of the study into the package as its recorded results."""

import shutil
from dataclasses import replace
from importlib.resources import as_file
from pathlib import Path
from typing import Final

import torch

from ecglab.data.load import database_beats, subsample
from ecglab.data.splits import make_split
from ecglab.files import write_atomically
from ecglab.lessons.gradient_sweep import ACTIVATIONS, gradient_sweep, prepare_gradients
from ecglab.lessons.recorded import BENCH_FILE, FOLDER, recorded_model
from ecglab.lessons.sweep import RECORDED, solvers, sweep, write_sweep
from ecglab.training.runs import RUN_FILE, WEIGHTS_FILE
from ecglab.training.study import STUDY, run_name

SWEPT: Final = "odenet-plain"  # the founding layers, that lessons 03 and 04 solve in many ways
SHARES: Final = (1.0, 1e-2)  # atol as a share of rtol
# As tight as can be solved for all test beats in some twenty minutes on one core: the low orders
# need ten times the steps for two more digits.
SWEPT_SOLVERS: Final = (
    *solvers(["dopri5"], [], tolerances=[1e-1, 1e-2, 1e-3], atol_shares=SHARES),
    *solvers(["dopri5"], [], tolerances=[1e-4]),
    *solvers(["bosh3"], [], tolerances=[1e-1, 1e-2, 1e-3], atol_shares=SHARES),
    *solvers(["adaptive_heun"], [], tolerances=[1e-1, 1e-2], atol_shares=SHARES),
    *solvers([], ["rk4", "midpoint", "euler"]),
)
SWEPT_BATCH: Final = 128  # training beats of the gradients: one batch of the study
SWEPT_REFERENCE_STEPS: Final = 128  # twice as many move the gradient of ReLU by 0.1 %

SWEPT_ROUNDS: Final = 3


def record_run(study: Path, arm: str, seed: int, *, weights: bool) -> None:
    """Copy a run of the folder ``study`` into the package, and its weights if they are wanted."""
    name = run_name(arm, seed)
    with as_file(FOLDER) as recorded:
        shutil.copyfile(study / name / RUN_FILE, recorded / f"{name}.json")
        if weights:
            shutil.copyfile(study / name / WEIGHTS_FILE, recorded / f"{name}.safetensors")


def record_bench(text: str) -> None:
    """Put the measurements of a benchmark, as JSON, into the package."""
    with as_file(FOLDER / BENCH_FILE) as path:
        write_atomically(path, lambda part: part.write_text(text))


def record_sweep(
    database: Path, *, device: torch.device | str = "cpu", beats: int | None = None
) -> None:
    """Solve all test beats with every solver of the sweep, and keep what came out.

    The gradients are those of one training batch. ``beats`` takes a stratified part of the test.
    """
    split = make_split(STUDY[SWEPT].split, database_beats(database))
    test = split.test if beats is None else subsample(split.test, beats)
    model = recorded_model(SWEPT)
    batch = subsample(split.train, SWEPT_BATCH)
    probes = [
        prepare_gradients(
            model,
            batch,
            activation=activation,
            reference_steps=SWEPT_REFERENCE_STEPS,
            device=device,
        )
        for activation in ACTIVATIONS
    ]
    costs = gradient_sweep(
        probes, SWEPT_SOLVERS, reference_steps=SWEPT_REFERENCE_STEPS, rounds=SWEPT_ROUNDS
    )
    found, _ = sweep(model, test, SWEPT_SOLVERS, device=device)
    with as_file(FOLDER) as recorded:
        write_sweep(replace(found, gradients=costs), recorded / RECORDED.format(SWEPT))
