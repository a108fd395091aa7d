"""Meters against blocks of known size, hand counts and the growth that theory predicts."""

import mmap
import time

import numpy as np
import pytest
import torch
from torch import nn

from ecglab.models import ODENet, ResNet
from ecglab.training.meters import PeakMemory, evaluations, parameter_count, saved_bytes


def test_the_peak_sees_a_block_that_is_gone_at_the_end():
    size = 200_000_000
    with PeakMemory() as idle:
        pass
    with PeakMemory() as memory:
        # Pages of its own: an array could take memory that an earlier test has freed and kept.
        block = mmap.mmap(-1, size)
        np.frombuffer(block, np.uint8)[:] = 1
        time.sleep(0.2)
        block.close()
    assert memory.bytes - idle.bytes == pytest.approx(size, rel=0.2)


def test_the_peak_is_kept_when_the_computation_fails():
    memory = PeakMemory()
    with pytest.raises(ZeroDivisionError), memory:
        1 / 0  # noqa: B018
    assert memory.bytes > 1e6
    assert not memory.thread.is_alive()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_peak_of_a_cuda_device():
    before = torch.cuda.memory_allocated()
    with PeakMemory("cuda") as memory:
        block = torch.ones(50_000_000, device="cuda")
        del block
    assert memory.bytes - before == pytest.approx(200_000_000, rel=0.02)


def test_saved_bytes_of_a_linear_chain_are_those_counted_by_hand():
    chain = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    x = torch.randn(7, 3)
    # The input and the hidden values, for the weights' gradients; the second weight, for theirs.
    assert saved_bytes(lambda: chain(x)) == 4 * (7 * 3 + 7 * 5 + 5 * 2)
    x.requires_grad_()
    assert saved_bytes(lambda: chain(x)) == 4 * (7 * 3 + 7 * 5 + 5 * 2 + 3 * 5)
    with torch.no_grad():
        assert saved_bytes(lambda: chain(x)) == 0


def test_a_tensor_that_is_saved_twice_counts_once():
    x = torch.randn(10, requires_grad=True)
    assert saved_bytes(lambda: (x * x, x * x, x.exp())) == 4 * (10 + 10)


def test_direct_memory_grows_with_the_steps_and_adjoint_memory_does_not():
    x = torch.randn(3, 1, 187)

    def kept(gradient):
        return [
            saved_bytes(lambda: ODENet(8, method="rk4", steps=n, gradient=gradient)(x))  # noqa: B023
            for n in (1, 2, 4, 8)
        ]

    direct, adjoint = kept("direct"), kept("adjoint")
    assert len(set(adjoint)) == 1
    a_step = direct[1] - direct[0]
    state = 3 * 8 * 92 * 4
    assert a_step > 4 * 4 * state  # four evaluations, each keeps several states
    assert direct[2] - direct[1] == pytest.approx(2 * a_step, rel=0.01)
    assert direct[3] - direct[2] == pytest.approx(4 * a_step, rel=0.01)
    assert adjoint[0] < direct[0]


def test_evaluations_are_those_of_the_last_solve():
    model, x = ODENet(4, method="euler", steps=3), torch.randn(2, 1, 187)
    assert evaluations(model) == (0, 0)
    model(x).sum().backward()
    assert evaluations(model) == (3, 3)
    assert evaluations(nn.Sequential(model, ResNet(4, 1))) == (3, 3)
    assert evaluations(ResNet(4, 1)) == (0, 0)


def test_frozen_parameters_are_not_counted():
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    assert parameter_count(model) == 20 + 12
    model[0].requires_grad_(False)
    assert parameter_count(model) == 12
