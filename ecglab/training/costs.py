"""What networks cost beside each other, measured in one run: time, memory, evaluations."""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ecglab.data.beats import Beats
from ecglab.training.batches import to_tensors
from ecglab.training.meters import evaluations, parameter_count, saved_bytes


@dataclass(frozen=True)
class Cost:
    """Costs of one network; seconds are medians with their quartiles beside them.

    ``saved`` is what autograd keeps for the backward pass of a training batch, in bytes;
    evaluations are those of the dynamics in one training batch.
    """

    name: str
    parameters: int
    batch_size: int
    train_seconds: float
    train_quartiles: tuple[float, float]
    evaluate_seconds: float
    evaluate_quartiles: tuple[float, float]
    saved: int
    evaluations_forward: int
    evaluations_backward: int


def seconds_of(compute: Callable[[], object], device: torch.device) -> float:
    """Wall-clock seconds of one call, the device's queue included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    compute()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def quartiles(values: list[float]) -> tuple[float, float]:
    """First and third quartile; both are the value where there is only one."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def interleaved(
    tasks: Mapping[Hashable, Callable[[], object]], rounds: int, device: torch.device
) -> dict[Hashable, list[float]]:
    """Seconds of every task in every round.

    The tasks take turns in a round, so that a busy moment of the machine falls on all of them;
    a first round warms up and does not count.
    """
    seconds: dict[Hashable, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, task in tasks.items():
            seconds[name].append(seconds_of(task, device))
    return {name: found[1:] for name, found in seconds.items()}


def measure_costs(
    models: Mapping[str, nn.Module],
    beats: Beats,
    *,
    batch_size: int = 128,
    repeats: int = 5,
    device: torch.device | str = "cpu",
) -> list[Cost]:
    """Time a training batch and an evaluation batch of every model, interleaved.

    Weights stay as they are.
    """
    device = torch.device(device)
    # Drawn, not the first: test beats come sorted by class, and an adaptive solver's work depends
    # on what is in its batch.
    drawn = np.random.default_rng(0).permutation(len(beats))[:batch_size]
    part = to_tensors(beats.take(drawn), device)
    counted: dict[str, tuple[int, int]] = {}

    def train(name: str) -> None:
        model = models[name].train()
        model.zero_grad(set_to_none=True)
        cross_entropy(model(part.values), part.labels).backward()
        counted[name] = evaluations(model)

    @torch.inference_mode()
    def score(name: str) -> None:
        models[name].eval()(part.values)

    for model in models.values():
        model.to(device)
    tasks = {
        (kind.__name__, name): partial(kind, name) for name in models for kind in (train, score)
    }
    seconds = interleaved(tasks, repeats, device)
    costs = []
    for name, model in models.items():
        times, evaluation = seconds["train", name], seconds["score", name]
        costs.append(
            Cost(
                name=name,
                parameters=parameter_count(model),
                batch_size=len(part),
                train_seconds=statistics.median(times),
                train_quartiles=quartiles(times),
                evaluate_seconds=statistics.median(evaluation),
                evaluate_quartiles=quartiles(evaluation),
                saved=saved_bytes(lambda model=model: model.train()(part.values)),
                evaluations_forward=counted[name][0],
                evaluations_backward=counted[name][1],
            )
        )
        model.zero_grad(set_to_none=True)
    return costs
