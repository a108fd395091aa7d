"""The full-size study: every run behind the course's recorded results, by one command.

Settings were chosen on a validation part of the training data (``ecglab train ... --score
validation``); these runs train on the whole training part and are scored on the test part once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch

from ecglab.errors import SettingError
from ecglab.training.recipes import RECIPES
from ecglab.training.runs import RUN_FILE, Run, read_run, train_run
from ecglab.training.settings import TrainSettings

SEEDS: Final = (0, 1, 2)
FAST: Final = {"method": "rk4", "steps": 2, "gradient": "direct"}
# Dilated convolutions see further with the same parameters; chosen on a validation part.
REACH: Final = {"resnet": {"dilation": [1, 2, 4, 1, 2, 4]}, "odenet": {"dilation": [2, 4]}}
NARROW_REACH: Final = {"resnet": {"dilation": [2, 4, 8]}, "odenet": {"dilation": [4, 4]}}


@dataclass(frozen=True)
class Arm:
    """One row of a comparison: a network with its settings on a split, for some seeds.

    ``validation``, ``image`` and ``share`` are those of `train_run`.
    """

    network: str
    split: str
    settings: TrainSettings
    options: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = SEEDS
    validation: float = 0.0
    image: int | None = None
    share: int | None = None


COURSE: Final = replace(RECIPES["course"], compile=True)
BALANCED: Final = replace(RECIPES["balanced"], compile=True)
FOUNDING: Final = RECIPES["founding"]

STUDY: Final[dict[str, Arm]] = {
    "resnet": Arm("resnet", "benchmark", COURSE, REACH["resnet"]),
    "odenet": Arm("odenet", "benchmark", COURSE, FAST | REACH["odenet"]),
    "resnet-plain": Arm("resnet", "benchmark", COURSE),
    "odenet-plain": Arm("odenet", "benchmark", COURSE, FAST),
    "resnet-founding": Arm("resnet", "benchmark", FOUNDING, seeds=(0,)),
    "odenet-founding": Arm("odenet", "benchmark", FOUNDING, seeds=(0,)),
    "resnet-patients": Arm("resnet", "patients", COURSE, REACH["resnet"]),
    "odenet-patients": Arm("odenet", "patients", COURSE, FAST | REACH["odenet"]),
    "resnet-narrow": Arm("resnet", "balanced", BALANCED, {"width": 32} | NARROW_REACH["resnet"]),
    "odenet-narrow": Arm(
        "odenet", "balanced", BALANCED, {"width": 32} | FAST | NARROW_REACH["odenet"]
    ),
}


def run_name(arm: str, seed: int) -> str:
    """Name of a run's folder and of its recorded files."""
    return f"{arm}-seed{seed}"


def run_study(
    out: Path,
    *,
    study: Mapping[str, Arm] = STUDY,
    arms: Sequence[str] | None = None,
    seeds: tuple[int, ...] | None = None,
    data: str | Path | None = None,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> Iterator[tuple[str, int, Run]]:
    """Train what is not yet in ``out`` and yield every run as ``(arm, seed, run)``.

    Each run has a folder of its own; one that was interrupted goes on from its checkpoint.
    """
    for name in arms or study:
        if name not in study:
            raise SettingError(f"Unknown arm {name!r}: expected one of {', '.join(study)}.")
        arm = study[name]
        for seed in arm.seeds if seeds is None else seeds:
            folder = out / run_name(name, seed)
            if (folder / RUN_FILE).exists():
                yield name, seed, read_run(folder / RUN_FILE)
                continue
            run = train_run(
                arm.network,
                split=arm.split,
                settings=replace(arm.settings, seed=seed),
                out=folder,
                options=arm.options,
                data=data,
                validation=arm.validation,
                image=arm.image,
                share=arm.share,
                device=device,
                progress=progress,
            )
            yield name, seed, run
