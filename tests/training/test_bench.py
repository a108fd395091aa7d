"""A benchmark times what it says, in turns, and divides what it says."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ecglab.models import ODENet, ResNet
from ecglab.training import costs
from ecglab.training.batches import to_tensors
from ecglab.training.bench import (
    RATIOS,
    STILL,
    Contender,
    Size,
    batch_loss,
    ratios,
    run_bench,
    scorer,
    trainer,
)
from ecglab.training.founding import founding_odenet
from ecglab.training.settings import TrainSettings

CPU = torch.device("cpu")
OURS = TrainSettings(schedule="constant", learning_rate=STILL)


def small_contenders() -> list[Contender]:
    torch.manual_seed(0)
    base = {"width": 8, "stem": "strided"}
    fast = ODENet(**base, method="rk4", steps=2, gradient="direct")
    return [
        Contender("odenet-founding", "founding", founding_odenet(ODENet(**base))),
        Contender("odenet-list-adjoint", "list", ODENet(**base, method="dopri5_list"), OURS),
        Contender("odenet-dopri5", "dopri5", ODENet(**base, gradient="direct"), OURS),
        Contender(
            "odenet-list", "list", ODENet(**base, method="dopri5_list", gradient="direct"), OURS
        ),
        Contender("odenet-ours", "ours", fast, replace(OURS, precision="bfloat16")),
        Contender("resnet-founding", "founding", ResNet(8, 2, stem="strided")),
        Contender("resnet-ours", "ours", ResNet(8, 2, stem="strided"), OURS),
    ]


@pytest.fixture
def clock(monkeypatch):
    """Every call takes a second more than the one before it; all are written down."""
    calls = []

    def seconds_of(compute, device):
        compute()
        calls.append(len(calls) + 1.0)
        return calls[-1]

    monkeypatch.setattr(costs, "seconds_of", seconds_of)
    return calls


def test_contenders_take_turns_and_keep_their_weights(train_beats, held_beats, clock):
    taking_part = small_contenders()
    before = [[p.detach().clone() for p in c.model.parameters()] for c in taking_part]
    size = Size(batches=2, test_beats=20, rounds=3)
    bench = run_bench(taking_part, train_beats, held_beats, size=size, batch_size=16)
    count = len(taking_part)
    for place, found in enumerate(bench.contenders):
        # Round 0 warms up; in the others each contender has its turn, and a turn has 2 batches.
        turns = [place + 1 + count * turn for turn in (1, 2, 3)]
        assert found.train_seconds == [turn / 2 for turn in turns]
        scored = [turn + 4 * count for turn in turns]
        assert found.evaluate_seconds == pytest.approx([s / bench.test_beats for s in scored])
    for contender, weights in zip(taking_part, before, strict=True):
        for parameter, weight in zip(contender.model.parameters(), weights, strict=True):
            torch.testing.assert_close(parameter.detach(), weight, atol=1e-9, rtol=0)
    found = ratios(bench)
    assert set(found) == set(RATIOS)
    seconds = {entry.name: entry.train_seconds for entry in bench.contenders}
    ratio = found["odenet_train_founding_over_ours"]
    top, bottom = seconds["odenet-founding"], seconds["odenet-ours"]
    each = sorted(a / b for a, b in zip(top, bottom, strict=True))
    assert ratio.value == each[1]
    assert each[0] <= ratio.quartiles[0] <= each[1] <= ratio.quartiles[1] <= each[2]
    by_name = {entry.name: entry for entry in bench.contenders}
    founding, ours = by_name["odenet-founding"], by_name["odenet-ours"]
    assert founding.evaluations_backward > 6
    assert (ours.evaluations_forward, ours.evaluations_backward) == (8, 0)
    assert founding.work.operations > 2 * ours.work.operations
    assert founding.floor_seconds > 0
    assert bench.epoch_batches == -(-len(train_beats) // 16)


def test_a_ratio_compares_within_a_turn(train_beats, held_beats, clock):
    """A slow turn is slow for both: the median of the turns' ratios, not the ratio of medians."""
    size = Size(batches=1, test_beats=10, rounds=3)
    bench = run_bench(small_contenders()[-2:], train_beats, held_beats, size=size, batch_size=16)
    seconds = {"resnet-founding": [4.0, 2.0, 9.0], "resnet-ours": [1.0, 2.0, 1.5]}
    made = [replace(entry, train_seconds=seconds[entry.name]) for entry in bench.contenders]
    found = ratios(replace(bench, contenders=made))["resnet_train_founding_over_ours"]
    assert (found.value, found.quartiles) == (4.0, (2.5, 5.0))


def test_whole_epochs_take_every_whole_batch(train_beats, held_beats, clock):
    taking_part = small_contenders()[-2:]
    size = Size(batches=None, test_beats=None, rounds=1)
    bench = run_bench(taking_part, train_beats, held_beats, size=size, batch_size=16)
    assert bench.batches == len(train_beats) // 16
    assert bench.test_beats == len(held_beats)
    assert set(ratios(bench)) == {name for name in RATIOS if name.startswith("resnet")}


@pytest.mark.parametrize("place", range(7))
def test_a_pass_trains_every_beat_once(place, train_beats):
    contender = small_contenders()[place]
    seen = []
    contender.model.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    part = to_tensors(train_beats, CPU)
    trainer(contender, part, 16, CPU)()
    assert [len(values) for values in seen[:-1]] == [16] * (len(part) // 16)
    found = torch.cat(seen).flatten(1)
    assert torch.equal(found.sum(1).sort().values, part.values.flatten(1).sum(1).sort().values)


def test_scores_are_those_of_the_network(held_beats):
    contender = small_contenders()[-2]
    part = to_tensors(held_beats, CPU)
    with torch.inference_mode():
        expected = contender.model.eval()(part.values).argmax(1)
    assert torch.equal(torch.cat(scorer(contender, part, CPU)()), expected)


def test_the_loss_of_a_batch_has_the_precision_of_training(held_beats):
    part = to_tensors(held_beats, CPU)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(187, 5))
    exact = batch_loss(Contender("a", "a", model), part)()
    settings = TrainSettings(precision="bfloat16")
    rounded = batch_loss(Contender("a", "a", model, settings), part)()
    assert exact.dtype == rounded.dtype == torch.float32
    assert 0 < abs(exact - rounded) < 0.02
