"""What networks cost beside each other, measured in one run: time, memory, evaluations."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


def measure_costs(
    models: Mapping[str, nn.Module],
    beats: Beats,
    *,
    batch_size: int = 128,
    repeats: int = 5,
    device: torch.device | str = "cpu",
) -> list[Cost]:
    """Time a training batch and an evaluation batch of every model, interleaved.

    The models take turns in every repeat, so that a busy moment of the machine falls on all of
    them; the first turn warms up and does not count. Weights stay as they are.
    """
    device = torch.device(device)
    # Drawn, not the first: test beats come sorted by class, and an adaptive solver's work depends
    # on what is in its batch.
    drawn = np.random.default_rng(0).permutation(len(beats))[:batch_size]
    part = to_tensors(beats.take(drawn), device)

    def train(model: nn.Module) -> None:
        model.zero_grad(set_to_none=True)
        cross_entropy(model(part.values), part.labels).backward()

    @torch.inference_mode()
    def score(model: nn.Module) -> None:
        model(part.values)

    trained: dict[str, list[float]] = {name: [] for name in models}
    scored: dict[str, list[float]] = {name: [] for name in models}
    counted: dict[str, tuple[int, int]] = {}
    for _ in range(repeats + 1):
        for name, model in models.items():
            model.to(device).train()
            trained[name].append(seconds_of(lambda model=model: train(model), device))
            counted[name] = evaluations(model)
            model.eval()
            scored[name].append(seconds_of(lambda model=model: score(model), device))
    costs = []
    for name, model in models.items():
        times, evaluation = trained[name][1:], scored[name][1:]
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
