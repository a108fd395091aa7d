"""What ``ecglab bench`` compares, and the measurements as data."""

import statistics
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import torch

from ecglab.data.beats import Beats
from ecglab.data.database import find_database
from ecglab.data.load import load_beats, read_beats, subsample
from ecglab.data.simulate import simulated_beats
from ecglab.data.splits import make_split
from ecglab.lessons.gradient_checks import relative_difference
from ecglab.lessons.gradient_sweep import GradientCost, gradient_sweep, prepare_gradients
from ecglab.lessons.recorded import recorded_model
from ecglab.models.dopri5 import LIST_DOPRI5
from ecglab.models.odenet import ODENet
from ecglab.models.solve import Gradient, Solver
from ecglab.training.batches import to_tensors
from ecglab.training.bench import SIZES, STILL, Contender, batch_loss, ratios, run_bench
from ecglab.training.costs import interleaved
from ecglab.training.founding import founding_odenet
from ecglab.training.provenance import provenance
from ecglab.training.step import fastest_precision
from ecglab.training.study import STUDY

BATCH: Final = 128
ROUNDS_OF_SWEEP: Final = {"quick": 1, "classroom": 3, "full": 5}
SWEPT: Final = (
    *(Solver(method="dopri5", rtol=10.0**-p, atol=10.0**-p) for p in (1, 2, 3)),
    *(
        Solver(method=method, steps=steps)
        for method in ("rk4", "midpoint", "euler")
        for steps in (1, 2, 4, 8)
    ),
)


def contenders(device: torch.device | str) -> list[Contender]:
    """The wide pair with its recorded weights: as founded, as trained here, and between."""
    plain = replace(STUDY["odenet"].settings, schedule="constant", learning_rate=STILL)
    fast = replace(plain, compile=True, precision=fastest_precision(device))
    plain = replace(plain, compile=False, precision="float32")

    def adaptive(method: str, gradient: Gradient) -> ODENet:
        return recorded_model("odenet-founding", method=method, gradient=gradient)

    return [
        Contender(
            "odenet-founding",
            "ODENet, founding code (dopri5, 1e-3, adjoint, time concatenated)",
            founding_odenet(adaptive("dopri5", "adjoint")),
        ),
        Contender(
            "odenet-list-adjoint",
            "ODENet, stages in a list (dopri5, 1e-3, adjoint)",
            adaptive(LIST_DOPRI5, "adjoint"),
            plain,
        ),
        Contender(
            "odenet-dopri5",
            "ODENet, torchdiffeq (dopri5, 1e-3, direct)",
            adaptive("dopri5", "direct"),
            plain,
        ),
        Contender(
            "odenet-list",
            "ODENet, stages in a list (dopri5, 1e-3, direct)",
            adaptive(LIST_DOPRI5, "direct"),
            plain,
        ),
        Contender(
            "odenet-ours",
            f"ODENet, ours (rk4, 2 steps, direct, compiled, {fast.precision})",
            recorded_model("odenet"),
            fast,
        ),
        Contender("resnet-founding", "ResNet, founding code", recorded_model("resnet-founding")),
        Contender(
            "resnet-ours",
            f"ResNet, ours (compiled, {fast.precision})",
            recorded_model("resnet"),
            fast,
        ),
    ]


def preparation_seconds(data: str | Path | None, rounds: int) -> dict[str, float]:
    """Median seconds from the records (or the simulator) to beats, and from the cache."""
    folder = find_database(data)
    load_beats(data)  # the cache is filled
    tasks = {
        "read": (lambda: simulated_beats(20_000)) if folder is None else lambda: read_beats(folder),
        "cached": lambda: load_beats(data),
    }
    seconds = interleaved(tasks, rounds, torch.device("cpu"))
    return {str(name): statistics.median(found) for name, found in seconds.items()}


def work_precision(
    ours: Contender, batch: Beats, seconds: float, *, rounds: int, device: torch.device | str
) -> tuple[list[GradientCost], dict[str, float]]:
    """Time and error of a batch's gradient: eager for every solver, and for ours as it is used.

    ``seconds`` are those of our training batch.
    """
    probe = prepare_gradients(ours.model, batch, device=device)
    costs = gradient_sweep([probe], SWEPT, rounds=rounds).costs
    parameters = tuple(ours.model.parameters())
    loss = batch_loss(ours, to_tensors(batch, device))()
    found = [part.double() for part in torch.autograd.grad(loss, parameters)]
    error = relative_difference(found, probe.reference)
    return costs, {"milliseconds": 1e3 * seconds, "error": error}


def measure_bench(
    profile: str, data: str | Path | None = None, *, device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """Everything that ``ecglab bench`` measures, as it is written to JSON; sizes by profile."""
    size = SIZES[profile]
    split = make_split("benchmark", load_beats(data))
    taking_part = contenders(device)
    bench = run_bench(
        taking_part, split.train, split.test, size=size, batch_size=BATCH, device=device
    )
    ours = next(entry for entry in taking_part if entry.name == "odenet-ours")
    seconds = next(e.train_seconds for e in bench.contenders if e.name == ours.name)
    costs, point = work_precision(
        ours,
        subsample(split.train, BATCH),
        statistics.median(seconds),
        rounds=ROUNDS_OF_SWEEP[profile],
        device=device,
    )
    found = ratios(bench)
    return {
        "profile": profile,
        "data": {"origin": split.train.origin, "train": len(split.train), "test": len(split.test)},
        "ratios": {name: ratio.value for name, ratio in found.items()},
        "quartiles": {name: list(ratio.quartiles) for name, ratio in found.items()},
        **asdict(bench),
        "preparation_seconds": preparation_seconds(data, size.rounds),
        "work_precision": {"eager": [asdict(cost) for cost in costs], "ours": point},
        "provenance": provenance(device),
    }
