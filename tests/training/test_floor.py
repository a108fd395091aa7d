"""The floor: operations and bytes against formulas, and what follows from them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv1d, relu

from ecglab.models import ResNet
from ecglab.models.growing import multiply_accumulates
from ecglab.training.floor import Rate, Work, least_seconds, measured_rate, work_of

SIZES = st.integers(1, 12)


@given(SIZES, SIZES, SIZES)
def test_a_matrix_product(rows, inner, columns):
    a, b = torch.ones(rows, inner), torch.ones(inner, columns)
    found = work_of(lambda: a @ b)
    assert found.operations == 2 * rows * inner * columns
    assert found.bytes == 4 * (rows * inner + inner * columns + rows * columns)


def test_a_convolution_and_its_backward_pass():
    y, weight = torch.ones(3, 4, 20), torch.ones(5, 4, 3, requires_grad=True)
    forward = 2 * 3 * 20 * 5 * 4 * 3
    assert work_of(lambda: conv1d(y, weight, padding=1)).operations == forward
    # Backward to the weights alone costs as much again, to the input too twice as much.
    assert work_of(lambda: conv1d(y, weight, padding=1).sum().backward()).operations == 2 * forward
    y.requires_grad_()
    assert work_of(lambda: conv1d(y, weight, padding=1).sum().backward()).operations == 3 * forward


def test_what_lies_between_products_is_free():
    assert work_of(lambda: relu(torch.ones(10) + 1)) == Work(0, 0)


def test_a_network_agrees_with_its_multiply_accumulates():
    model = ResNet(width=8, blocks=2)
    beats = torch.randn(1, 1, 187)
    counted = work_of(lambda: model(beats)).operations
    assert counted == 2 * multiply_accumulates(model, (1, 187))


def test_a_gradient_inside_a_backward_pass_is_counted():
    """torchdiffeq's adjoint calls autograd.grad while a backward pass runs."""
    layer = nn.Linear(4, 4, bias=False)

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return layer(x)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(layer(x), x, grad)[0]

    x = torch.ones(2, 4, requires_grad=True)
    assert work_of(lambda: Twice.apply(x).sum().backward()).operations == 3 * (2 * 2 * 4 * 4)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(1, 1e12), st.floats(1, 1e12))
def test_neither_arithmetic_nor_traffic_is_faster_than_the_floor(operations, moved, rate, width):
    floor = least_seconds(Work(operations, moved), Rate(rate, width))
    assert floor >= operations / rate
    assert floor >= moved / width
    assert floor in (operations / rate, moved / width)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_rate_is_that_of_a_product_and_of_a_copy(precision, monkeypatch):
    import ecglab.training.floor as module

    calls = []

    def clock(compute, device):
        calls.append(compute())
        return float(len(calls))

    monkeypatch.setattr(module, "seconds_of", clock)
    monkeypatch.setattr(module, "MATRIX", 8)
    monkeypatch.setattr(module, "COPIED", 4000)
    rate = measured_rate("cpu", precision)
    # The first product takes 1 s on this clock, the first copy 6 s; a copy reads and writes.
    assert rate == Rate(2 * 8**3 / 1, 2 * 4000 / 6)
    assert calls[0].dtype == getattr(torch, precision)
