"""Costs of gradients agree with other routes to the same numbers."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from ecglab.data.load import subsample
from ecglab.errors import SolverError
from ecglab.lessons.gradient_checks import central_differences
from ecglab.lessons.gradient_sweep import (
    gradient_sweep,
    measure_gradient,
    prepare_gradients,
    ways_of,
)
from ecglab.models import ODENet, Solver
from ecglab.training.meters import saved_bytes

OWN = Solver(method="midpoint", steps=1, gradient="direct")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return ODENet(8, stem="strided", method="midpoint", steps=1, gradient="direct")


@pytest.fixture(scope="module")
def batch(simulated):
    return subsample(simulated, 6)


@pytest.fixture(scope="module")
def smooth(model, batch):
    return prepare_gradients(model, batch, activation="Softplus", reference_steps=16)


def test_the_reference_is_what_central_differences_give(smooth):
    network = deepcopy(smooth.model).double()
    network.block.solver = Solver(method="rk4", steps=16, gradient="direct")
    bias = network.head[-1].bias
    with torch.no_grad():
        found = central_differences(
            lambda: cross_entropy(network(smooth.values.double()), smooth.labels), bias.data
        )
    place = [parameter is bias for parameter in network.parameters()].index(True)
    assert torch.allclose(found, smooth.reference[place], atol=1e-8)


def test_every_gradient_that_serves_the_method_is_asked():
    assert [way.gradient for way in ways_of(OWN)] == ["adjoint", "direct", "checkpoint"]
    assert [way.gradient for way in ways_of(Solver())] == ["adjoint", "direct"]


def test_errors_fall_with_the_tolerance_and_with_the_steps(smooth):
    for loose, tight in (
        (Solver(rtol=1e-1, atol=1e-1), Solver(rtol=1e-4, atol=1e-4)),
        (Solver(method="rk4", steps=1), Solver(method="rk4", steps=8)),
    ):
        assert measure_gradient(smooth, tight).error < 0.1 * measure_gradient(smooth, loose).error


def test_checkpoint_is_direct_with_less_memory(smooth):
    adjoint, direct, checkpoint = (
        measure_gradient(smooth, way) for way in ways_of(Solver(method="rk4", steps=4))
    )
    assert checkpoint.error == pytest.approx(direct.error, rel=1e-3)
    assert checkpoint.saved < 0.6 * direct.saved and adjoint.saved < 0.6 * direct.saved
    assert (direct.evaluations_forward, direct.evaluations_backward) == (16, 0)
    assert checkpoint.evaluations_backward == adjoint.evaluations_backward == 16
    smooth.model.block.solver = direct.solver
    assert direct.saved == saved_bytes(lambda: smooth.model(smooth.values))


def test_the_network_itself_stays_as_it_was(model, batch):
    before = [parameter.clone() for parameter in model.parameters()]
    probe = prepare_gradients(model, batch, reference_steps=2)
    measure_gradient(probe, Solver(method="euler", steps=2))
    assert model.block.solver == OWN
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_the_fastest_round_counts(model, batch):
    probe = prepare_gradients(model, batch, reference_steps=2)
    found = gradient_sweep([probe], [OWN], reference_steps=2, rounds=3)
    assert [cost.solver for cost in found.costs] == ways_of(OWN)
    assert found.beats == len(batch)
    assert all(cost.milliseconds > 0 and cost.activation == "ReLU" for cost in found.costs)


def test_a_callback_without_gradients_can_measure(smooth):
    with torch.no_grad():
        assert measure_gradient(smooth, OWN).error > 0


def test_a_solver_that_gives_up_says_so(smooth):
    probe = replace(smooth, values=torch.full_like(smooth.values, torch.nan))
    with pytest.raises(SolverError, match="no longer finite"):
        measure_gradient(probe, Solver())
