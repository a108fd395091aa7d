"""Put finished runs of the study into the package as its recorded results."""

import shutil
from importlib.resources import as_file
from pathlib import Path
from typing import Final

import torch

from ecglab.data.load import database_beats, subsample
from ecglab.data.splits import make_split
from ecglab.lessons.recorded import FOLDER, recorded_model
from ecglab.lessons.sweep import RECORDED, sweep, write_sweep
from ecglab.training.runs import RUN_FILE, WEIGHTS_FILE
from ecglab.training.study import STUDY, run_name

SWEPT: Final = "odenet"  # the arm whose first seed lesson 03 solves in many ways
SWEPT_BEATS: Final = 4_000  # a stratified part of the test beats: about five minutes on two cores


def record_run(study: Path, arm: str, seed: int) -> None:
    """Copy a run of the folder ``study`` into the package, its weights too if it is the first."""
    name = run_name(arm, seed)
    with as_file(FOLDER) as recorded:
        shutil.copyfile(study / name / RUN_FILE, recorded / f"{name}.json")
        if seed == STUDY[arm].seeds[0]:
            shutil.copyfile(study / name / WEIGHTS_FILE, recorded / f"{name}.safetensors")


def record_sweep(database: Path, *, device: torch.device | str = "cpu") -> None:
    """Solve a part of the test beats with every solver of the sweep, and keep what came out."""
    test = make_split(STUDY[SWEPT].split, database_beats(database)).test
    found, _ = sweep(recorded_model(SWEPT), subsample(test, SWEPT_BEATS), device=device)
    with as_file(FOLDER) as recorded:
        write_sweep(found, recorded / RECORDED.format(SWEPT))
