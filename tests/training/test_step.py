"""One batch through a network: the loss is the loss, however it is computed."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from ecglab.training.settings import TrainSettings
from ecglab.training.step import (
    compiled_for,
    fastest_precision,
    make_forward,
    make_logits,
    tensor_cores,
)

CPU = torch.device("cpu")


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(6, 1, 187), torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(187, 5))


def test_loss_and_hits_by_hand(model, batch):
    values, labels = batch
    adjustment = torch.tensor([0.0, 1.0, -1.0, 0.5, 0.0])
    forward = make_forward(model, TrainSettings(), CPU, adjustment=adjustment)
    loss, correct = forward(values, labels)
    adjusted = values.flatten(1) @ model[1].weight.T + model[1].bias + adjustment
    chosen = (adjusted * one_hot(labels, 5)).sum(1)
    torch.testing.assert_close(loss, (adjusted.exp().sum(1).log() - chosen).mean())
    assert correct == (adjusted.argmax(1) == labels).sum()


def test_under_bfloat16_the_logits_are_float32_and_rounded(model, batch):
    values, _ = batch
    exact = make_logits(model, batch_size=6, device=CPU)(values)
    rounded = make_logits(model, batch_size=6, precision="bfloat16", device=CPU)(values)
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, rounded.bfloat16().float())
    assert 0 < (rounded - exact).abs().max() < 0.02


def test_only_whole_batches_are_compiled_and_each_function_has_code_of_its_own(monkeypatch):
    compiled = []

    def compile(function, **options):
        compiled.append(function)
        return lambda values: ("compiled", len(values))

    monkeypatch.setattr(torch, "compile", compile)

    def compute(values):
        return "eager", len(values)

    runs = [compiled_for(compute, 4, CPU) for _ in range(2)]
    for run in runs:
        assert run(torch.zeros(4)) == ("compiled", 4)
        assert run(torch.zeros(3)) == ("eager", 3)
    first, second = compiled
    assert first.__code__ is not second.__code__
    assert first(torch.zeros(4)) == second(torch.zeros(4)) == ("eager", 4)


@pytest.mark.usefixtures("compiler")
def test_compiled_and_eager_loss_train_to_the_same_weights(model, batch):
    """A last batch that is smaller among them; tests of the ODENet compile the whole network."""
    values, labels = batch
    found = []
    for compile in (False, True):
        network = copy.deepcopy(model)
        forward = make_forward(network, TrainSettings(batch_size=4, compile=compile), CPU)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        hits = []
        for index in ([0, 1, 2, 3], [4, 5], [5, 2, 0, 1], [3, 4, 1, 5], [0, 2]):
            loss, correct = forward(values[index], labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            hits.append(int(correct))
        found.append((hits, [p.detach() for p in network.parameters()]))
    (eager_hits, eager), (hits, compiled) = found
    assert hits == eager_hits
    for one, other in zip(compiled, eager, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("own", "amx", "expected"),
    [(True, False, "bfloat16"), (False, True, "bfloat16"), (False, False, "float32")],
)
def test_a_processor_rounds_only_where_it_multiplies_so(own, amx, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: own)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert fastest_precision("cpu") == expected


@pytest.mark.parametrize(("own", "expected"), [(True, "bfloat16"), (False, "tf32")])
def test_a_gpu_without_bfloat16_takes_tf32(own, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: own)
    assert fastest_precision("cuda") == expected


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_tensor_cores_are_left_as_they_were_also_after_an_error(precision):
    def state():
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32

    before = state()
    with pytest.raises(ZeroDivisionError), tensor_cores(precision):
        allowed = precision != "float32"
        assert state() == ("high" if allowed else "highest", allowed)
        raise ZeroDivisionError
    assert state() == before
