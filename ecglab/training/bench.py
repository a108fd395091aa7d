"""The founding configuration and ours beside each other, in one run on one machine."""

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from ecglab.data.beats import Beats
from ecglab.data.load import subsample
from ecglab.training.batches import TensorBeats, to_tensors
from ecglab.training.costs import interleaved, quartiles
from ecglab.training.fit import train_epoch
from ecglab.training.floor import Rate, Work, least_seconds, measured_rate, work_of
from ecglab.training.founding import founding_epoch
from ecglab.training.meters import PeakMemory, evaluations, parameter_count, saved_bytes
from ecglab.training.processes import processes
from ecglab.training.settings import Precision, TrainSettings
from ecglab.training.state import TrainingState
from ecglab.training.step import make_forward, make_logits, tensor_cores

EVALUATED_AT_ONCE: Final = 500
STILL: Final = 1e-12  # a learning rate that leaves the weights, and with them the solver's work


@dataclass(frozen=True)
class Size:
    """How much a benchmark times; ``None`` means the whole epoch and the whole test part."""

    batches: int | None
    test_beats: int | None
    rounds: int


SIZES: Final = {
    "quick": Size(batches=3, test_beats=1_000, rounds=5),
    "classroom": Size(batches=10, test_beats=2_000, rounds=7),
    "full": Size(batches=None, test_beats=None, rounds=3),
}


@dataclass(frozen=True)
class Contender:
    """A network in one configuration; without ``settings`` it trains in the founding code's loop.

    The settings' schedule and learning rate do not matter: weights stay as they are.
    """

    name: str
    text: str
    model: nn.Module
    settings: TrainSettings | None = None

    @property
    def precision(self) -> Precision:
        return "float32" if self.settings is None else self.settings.precision

    @property
    def compiled(self) -> bool:
        return self.settings is not None and self.settings.compile


@dataclass(frozen=True)
class Measured:
    """What one contender cost: seconds of a training batch and of a test beat in every round.

    ``saved`` is what autograd keeps of a batch for its backward pass, ``peak_memory`` that of the
    device, or of the whole process on a CPU, both in bytes. ``floor_seconds`` is the least time of
    a training batch at the rate that the device reaches.
    """

    name: str
    text: str
    parameters: int
    precision: Precision
    compiled: bool
    train_seconds: list[float]
    evaluate_seconds: list[float]
    evaluations_forward: int
    evaluations_backward: int
    saved: int
    peak_memory: int
    work: Work
    rate: Rate
    floor_seconds: float


@dataclass(frozen=True)
class Ratio:
    """How often one holds the other: the median of the rounds' own ratios, and their quartiles."""

    value: float
    quartiles: tuple[float, float]


@dataclass(frozen=True)
class Bench:
    """A benchmark's contenders; ``batches`` were trained and ``test_beats`` scored in a round.

    ``load`` is the machine's load average (1 min) before and after.
    """

    batch_size: int
    batches: int
    epoch_batches: int
    test_beats: int
    all_test_beats: int
    rounds: int
    contenders: list[Measured]
    load: tuple[float, float] | None


Column = Literal["train_seconds", "evaluate_seconds", "saved", "peak_memory"]
# What is divided by what: the column, the contender above and the one below.
RATIOS: Final[dict[str, tuple[Column, str, str]]] = {
    "odenet_train_founding_over_ours": ("train_seconds", "odenet-founding", "odenet-ours"),
    "odenet_train_dopri5_over_list_dopri5": ("train_seconds", "odenet-dopri5", "odenet-list"),
    "odenet_train_founding_over_list_adjoint": (
        "train_seconds",
        "odenet-founding",
        "odenet-list-adjoint",
    ),
    "odenet_over_resnet_train": ("train_seconds", "odenet-ours", "resnet-ours"),
    "resnet_train_founding_over_ours": ("train_seconds", "resnet-founding", "resnet-ours"),
    "odenet_eval_founding_over_ours": ("evaluate_seconds", "odenet-founding", "odenet-ours"),
    "resnet_eval_founding_over_ours": ("evaluate_seconds", "resnet-founding", "resnet-ours"),
    "founding_odenet_over_resnet_train": (
        "train_seconds",
        "odenet-founding",
        "resnet-founding",
    ),
    "odenet_saved_ours_over_founding": ("saved", "odenet-ours", "odenet-founding"),
    "resnet_saved_ours_over_founding": ("saved", "resnet-ours", "resnet-founding"),
}


def trainer(
    contender: Contender, part: TensorBeats, batch_size: int, device: torch.device
) -> Callable[[], object]:
    """A call that trains one pass over ``part``, in the loop of the contender."""
    model = contender.model.to(device)
    if contender.settings is None:
        optimizer = torch.optim.SGD(model.parameters(), lr=STILL, momentum=0.9)
        held = TensorDataset(part.values.cpu(), part.labels.cpu())  # its loader copies each batch
        loader = DataLoader(held, batch_size=batch_size, shuffle=True)
        return lambda: founding_epoch(model.train(), loader, optimizer, device)
    settings = replace(contender.settings, batch_size=batch_size)
    state = TrainingState(model, part, settings)
    forward = make_forward(model, settings, device)
    return lambda: train_epoch(state, forward, part, 0, processes(), False)


def scorer(contender: Contender, part: TensorBeats, device: torch.device) -> Callable[[], object]:
    """A call that classifies ``part``."""
    model = contender.model.to(device)
    logits = make_logits(
        model,
        batch_size=EVALUATED_AT_ONCE,
        precision=contender.precision,
        compile=contender.compiled,
        device=device,
    )

    @torch.inference_mode()
    def score() -> list[Tensor]:
        model.eval()
        return [logits(values).argmax(1) for values in part.values.split(EVALUATED_AT_ONCE)]

    return score


def batch_loss(contender: Contender, batch: TensorBeats) -> Callable[[], Float[Tensor, ""]]:
    """A call that gives the loss of one batch, computed as in training but never compiled."""
    model, device = contender.model, batch.values.device
    logits = make_logits(model, batch_size=0, precision=contender.precision, device=device)
    return lambda: cross_entropy(logits(batch.values), batch.labels)


def run_bench(
    contenders: Sequence[Contender],
    train: Beats,
    test: Beats,
    *,
    size: Size,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
) -> Bench:
    """Time training and evaluation of every contender, all of them in turn in every round."""
    device = torch.device(device)
    batches = size.batches or len(train) // batch_size
    # Whole batches, drawn: a last one of another size would be compiled by itself.
    drawn = subsample(train, min(len(train), 2 * batches * batch_size))
    order = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(0)).numpy()
    part = to_tensors(drawn.take(order[: batches * batch_size]), device)
    scored = to_tensors(subsample(test, size.test_beats or len(test)), device)
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None

    tasks: dict[str, dict[str, Callable[[], object]]] = {"train": {}, "evaluate": {}}
    for entry in contenders:
        with_cores = tensor_cores(entry.precision)
        for name, call in (
            ("train", trainer(entry, part, batch_size, device)),
            ("evaluate", scorer(entry, scored, device)),
        ):
            tasks[name][entry.name] = with_cores(call)
    seconds = {name: interleaved(calls, size.rounds, device) for name, calls in tasks.items()}
    first = TensorBeats(part.values[:batch_size], part.labels[:batch_size])
    rates = {entry.precision: measured_rate(device, entry.precision) for entry in contenders}
    measured = [
        examine(entry, first, tasks["train"][entry.name], rates[entry.precision])
        | {
            "train_seconds": [s / batches for s in seconds["train"][entry.name]],
            "evaluate_seconds": [s / len(scored) for s in seconds["evaluate"][entry.name]],
        }
        for entry in contenders
    ]
    return Bench(
        batch_size=batch_size,
        batches=batches,
        epoch_batches=-(-len(train) // batch_size),
        test_beats=len(scored),
        all_test_beats=len(test),
        rounds=size.rounds,
        contenders=[Measured(**entry) for entry in measured],
        load=None if before is None else (before, os.getloadavg()[0]),
    )


def examine(
    contender: Contender, batch: TensorBeats, train: Callable[[], object], rate: Rate
) -> dict[str, object]:
    """Everything about a contender that takes no clock."""
    loss = batch_loss(contender, batch)
    with PeakMemory(batch.values.device) as memory:
        train()
    work = work_of(lambda: loss().backward())
    contender.model.zero_grad(set_to_none=True)
    forward, backward = evaluations(contender.model)
    return {
        "name": contender.name,
        "text": contender.text,
        "parameters": parameter_count(contender.model),
        "precision": contender.precision,
        "compiled": contender.compiled,
        "evaluations_forward": forward,
        "evaluations_backward": backward,
        "saved": saved_bytes(loss),
        "peak_memory": memory.bytes,
        "work": work,
        "rate": rate,
        "floor_seconds": least_seconds(work, rate),
    }


def ratios(bench: Bench) -> dict[str, Ratio]:
    """Every ratio of `RATIOS` whose two contenders were measured."""
    by_name: Mapping[str, Measured] = {entry.name: entry for entry in bench.contenders}
    found = {}
    for name, (column, above, below) in RATIOS.items():
        if above in by_name and below in by_name:
            tops, bottoms = (
                value if isinstance(value := getattr(by_name[one], column), list) else [value]
                for one in (above, below)
            )
            each = [top / bottom for top, bottom in zip(tops, bottoms, strict=True)]
            found[name] = Ratio(statistics.median(each), quartiles(each))
    return found
