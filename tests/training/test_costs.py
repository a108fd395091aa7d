"""Costs measured side by side: what must hold whatever the machine's speed is."""

import numpy as np
import pytest
import torch

from ecglab.data.beats import Beats
from ecglab.models import ODENet, ResNet
from ecglab.training import costs as costs_module
from ecglab.training.costs import measure_costs, quartiles
from ecglab.training.meters import parameter_count


@pytest.fixture
def beats() -> Beats:
    rng = np.random.default_rng(0)
    return Beats(
        rng.random((40, 187), np.float32),
        rng.integers(0, 5, 40).astype(np.uint8),
        np.full(40, 1, np.int32),
        np.arange(40, dtype=np.int32),
        "simulated",
    )


def test_models_take_turns_and_the_first_turn_does_not_count(beats, monkeypatch):
    order = []

    def clock(compute, device):
        compute()
        order.append(len(order))
        return float(len(order))

    monkeypatch.setattr(costs_module, "seconds_of", clock)
    models = {"a": ResNet(width=8, blocks=1), "b": ResNet(width=8, blocks=2)}
    first, second = measure_costs(models, beats, batch_size=16, repeats=3)
    # Calls alternate train a, score a, train b, score b; turns 2 to 4 count, the median is turn 3.
    assert (first.train_seconds, first.evaluate_seconds) == (9, 10)
    assert (second.train_seconds, second.evaluate_seconds) == (11, 12)
    assert first.batch_size == 16


def test_adjoint_keeps_less_than_direct_and_counts_backward(beats):
    options = {"width": 8, "stem": "strided", "method": "midpoint", "steps": 8}
    models = {
        "adjoint": ODENet(**options, gradient="adjoint"),
        "direct": ODENet(**options, gradient="direct"),
    }
    adjoint, direct = measure_costs(models, beats, batch_size=16, repeats=1)
    assert adjoint.saved < direct.saved / 2
    assert (direct.evaluations_forward, direct.evaluations_backward) == (16, 0)
    assert adjoint.evaluations_forward == 16
    assert adjoint.evaluations_backward > 0
    assert adjoint.parameters == parameter_count(models["adjoint"])


def test_weights_stay_as_they_are(beats):
    model = ResNet(width=8, blocks=1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measure_costs({"model": model}, beats, batch_size=8, repeats=1)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for p in model.parameters())


def test_quartiles_against_numpy():
    values = [3.0, 1.0, 4.0, 1.5, 9.0]
    assert quartiles(values) == pytest.approx(tuple(np.quantile(values, [0.25, 0.75])))
    assert quartiles([2.0]) == (2.0, 2.0)
