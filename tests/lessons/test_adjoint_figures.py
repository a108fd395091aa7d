"""Lesson 04's measurements against independent routes, and its figures against the rows."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from ecglab.lessons import adjoint_figures as figures
from ecglab.lessons.figures import png
from ecglab.lessons.gradient_checks import (
    Remainder,
    central_differences,
    gradients,
    measure_agreement,
    measure_directional,
    measure_remainders,
    random_direction,
    relative_difference,
)
from ecglab.lessons.gradient_costs import (
    Accuracy,
    Activated,
    Discretisation,
    Memory,
    measure_accuracy,
    measure_discretisation,
    measure_memory,
    measure_return,
    peak_bytes,
    there_and_back,
)
from ecglab.models import ODENet
from ecglab.models.tableaus import RK4


@pytest.fixture
def point():
    return torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)


@pytest.fixture(scope="module")
def block():
    """Dynamics of a small ODENet in float64 with a state and a weight for the loss."""
    torch.manual_seed(0)
    model = ODENet(8, stem="strided").double()
    state = model.downsampling(torch.rand(2, 1, 187, dtype=torch.float64)).detach()
    return model.block.dynamics, state, torch.randn_like(state)


def test_central_differences_of_a_cubic(point):
    found = central_differences(lambda: (point**3).sum(), point, size=1e-5)
    assert torch.allclose(found, 3 * point.detach() ** 2, atol=1e-8)
    assert point.tolist() == [1.0, -2.0, 0.5]  # put back exactly


def test_relative_difference_by_hand():
    assert relative_difference([torch.tensor([3.0, 4.0])], [torch.tensor([0.0, 4.0])]) == 0.75


def test_a_wrong_gradient_is_seen_by_every_check(point):
    def right():
        return point.square().sum()

    def wrong():  # the same number, half of its gradient
        return 0.5 * right() + 0.5 * right().detach()

    (row,) = measure_agreement(right, wrong, {"point": point})
    assert row.direct < 1e-8 and row.adjoint == pytest.approx(2.0)
    direction = random_direction([point])
    assert sum(d.square().sum() for d in direction) == pytest.approx(1)
    rows = measure_directional(
        {"right": right, "wrong": wrong}, [point], direction, reference="right"
    )
    assert [row.deviation for row in rows] == pytest.approx([0, 0, 0.5], abs=1e-7)
    sizes = [1e-2, 1e-3]
    for loss, power in ((right, 2), (wrong, 1)):
        left = measure_remainders(right, [point], gradients(loss, [point]), direction, sizes)
        observed = math.log10(left[0].linear / left[1].linear)
        assert observed == pytest.approx(power, abs=0.02)


def test_peak_counts_what_is_alive_together():
    def compute():
        x = torch.zeros(1000, dtype=torch.float64)
        y = x + 1
        del x
        z = y.view(10, 100) * 2  # y and z together; the view costs nothing
        del y
        return z + 1

    assert peak_bytes(compute) == 16_000
    weight = torch.ones(1000, dtype=torch.float64, requires_grad=True)
    assert peak_bytes(lambda: weight.exp().exp().sum().backward()) > 16_000


def test_memory_rows():
    values, labels = torch.rand(4, 1, 187), torch.tensor([0, 1, 2, 3])
    rows = measure_memory(values, labels, steps=[1, 4], width=32)
    found = {(row.gradient, row.steps): row for row in rows}
    assert found["direct", 4].evaluations == 16
    assert found["adjoint", 4].kept == found["adjoint", 1].kept
    for part in ("kept", "peak"):
        direct, adjoint, checkpoint = (
            getattr(found[gradient, 4], part) for gradient in ("direct", "adjoint", "checkpoint")
        )
        assert direct > 1.5 * max(adjoint, checkpoint)
    assert all(row.peak >= row.kept / 2 for row in rows)


def test_activated_with_relu_is_the_original(block):
    dynamics, state, _ = block
    assert torch.equal(Activated(dynamics, torch.relu)(0.3, state), dynamics(0.3, state))


def test_accuracy_improves_with_the_tolerance(block):
    dynamics, state, weight = block
    smooth = Activated(dynamics, softplus)
    loose, tight = measure_accuracy("smooth", smooth, state, weight, [1e-2, 1e-6])
    assert tight.error < 1e-4 < loose.error
    assert tight.evaluations_forward > loose.evaluations_forward
    assert loose.evaluations_forward % 6 == 2  # dopri5: two to begin with, six a step


def test_discretisation_falls_with_the_order_of_the_method(block):
    dynamics, state, weight = block
    smooth = Activated(dynamics, softplus)
    coarse, fine = measure_discretisation("smooth", smooth, state, weight, [4, 8])
    assert math.log2(coarse.difference / fine.difference) > 3.5


def test_the_way_back(block):
    dynamics, state, _ = block
    loose, tight = measure_return("smooth", Activated(dynamics, softplus), state, [1e-2, 1e-5])
    assert tight.home < loose.home and tight.forward < loose.forward
    there, back = there_and_back(RK4, lambda t, y: -y, np.array([1.0]), t1=2.0, steps=40)
    assert there[-1, 0] == pytest.approx(math.exp(-2), rel=1e-6)
    assert back[-1, 0] == pytest.approx(1.0, rel=1e-6)


def test_a_solver_that_gives_up_on_its_way_back():
    # Every start runs into y = 1; backwards from just above it, the state grows past every bound.
    class Pull(torch.nn.Module):
        def forward(self, t, y):
            return 10 * (1 - y**2)

    (row,) = measure_return("pull", Pull(), torch.tensor([3.0]), [1e-4])
    assert row.forward < 1e-3
    assert row.home is None


@pytest.mark.parametrize(
    "made",
    [
        lambda: figures.sign_figure(
            np.linspace(0, 2, 9),
            np.outer(np.linspace(0, 2, 9), [1.0, -2.0, 3.0]),
            np.array([0.5, 1.0]),
            np.outer([0.5, 1.0], [1.0, -2.0, 3.0]),
        ),
        lambda: figures.checks_figure(
            {"direct": [Remainder(s, s, s**2) for s in (1e-1, 1e-2, 1e-3)]},
            [Discretisation("ReLU", n, 1 / n) for n in (1, 2, 4)],
        ),
        lambda: figures.memory_figure(
            [
                Memory(gradient, n, 4 * n, 10**6 * n, 2 * 10**6 * n)
                for gradient in ("adjoint", "direct", "checkpoint")
                for n in (1, 2, 3)
            ]
        ),
        lambda: figures.accuracy_figure(
            [
                Accuracy(name, tolerance, 14, 40, tolerance)
                for name in ("ReLU", "Softplus")
                for tolerance in (1e-2, 1e-3)
            ]
        ),
        lambda: figures.return_figure(
            [(np.array([[0.3, 0], [1, 0]]), np.array([[1, 0], [0.1, 0]]))],
            [1, 2],
            {"16 steps a second": [1e-3, 3e-3]},
        ),
    ],
    ids=["sign", "checks", "memory", "accuracy", "return"],
)
def test_figures_have_axes_units_and_text(made):
    figure, alt = made()
    assert len(alt) > 80 and any(character.isdigit() for character in alt)
    for axes in figure.axes:
        assert axes.get_xlabel() and (axes.get_title(loc="left") or axes.get_title())
    assert png(figure).startswith(b"\x89PNG")


def test_the_text_of_a_figure_tells_its_numbers():
    _, alt = figures.checks_figure(
        {"direct": [Remainder(s, s, s**2) for s in (1e-1, 1e-2, 1e-3)]},
        [Discretisation("ReLU", n, n**-4.0) for n in (1, 2, 4)],
    )
    assert "direct 2.00" in alt and "order 4.0" in alt
