"""Runge-Kutta tables: their conditions, their orders, and three other implementations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchdiffeq import odeint

from ecglab.errors import SettingError
from ecglab.models.tableaus import (
    CLASSIC_RK4,
    EULER,
    MIDPOINT,
    TABLEAUS,
    Tableau,
    integrate,
    runge_kutta_step,
    trajectory,
)

EVERY = pytest.mark.parametrize("tableau", TABLEAUS.values(), ids=lambda t: t.name)


def slope_of(tableau, f, exact, t1):
    """Slope of the error at t1 against the step length, from 20 to 160 steps."""
    steps = np.array([20, 40, 80, 160])
    errors = [abs(integrate(tableau, f, exact(0.0), t1=t1, steps=n) - exact(t1)) for n in steps]
    return np.polyfit(np.log(t1 / steps), np.log(errors), 1)[0]


@EVERY
def test_tables_are_consistent(tableau):
    assert len(tableau.a) == len(tableau.b) == len(tableau.c) == tableau.stages
    assert [len(row) for row in tableau.a] == list(range(tableau.stages))
    assert sum(tableau.b) == pytest.approx(1, abs=1e-15)
    assert [sum(row) for row in tableau.a] == pytest.approx(list(tableau.c), abs=1e-15)
    assert TABLEAUS[tableau.name] is tableau


@EVERY
def test_order_conditions_hold(tableau):
    """Hairer, Nørsett and Wanner, table II.2.2: the trees of up to four nodes."""
    s = tableau.stages
    a = np.array([[*row, *[0.0] * (s - len(row))] for row in tableau.a])
    b, c = np.array(tableau.b), np.array(tableau.c)
    trees = {
        1: [(b.sum(), 1)],
        2: [(b @ c, 1 / 2)],
        3: [(b @ c**2, 1 / 3), (b @ a @ c, 1 / 6)],
        4: [
            (b @ c**3, 1 / 4),
            ((b * c) @ a @ c, 1 / 8),
            (b @ a @ c**2, 1 / 12),
            (b @ a @ a @ c, 1 / 24),
        ],
    }
    for order, conditions in trees.items():
        met = all(found == pytest.approx(wanted, abs=1e-14) for found, wanted in conditions)
        assert met or order > tableau.order
        if order == tableau.order + 1:
            assert not met


@EVERY
def test_order_is_the_slope_on_an_autonomous_problem(tableau):
    slope = slope_of(tableau, lambda t, y: y * (1 - y), lambda t: 1 / (1 + 9 * math.exp(-t)), 4.0)
    assert slope == pytest.approx(tableau.order, abs=0.2)


@EVERY
def test_order_is_the_slope_on_a_non_autonomous_problem(tableau):
    slope = slope_of(tableau, lambda t, y: -t * y, lambda t: math.exp(-t * t / 2), 2.0)
    assert slope == pytest.approx(tableau.order, abs=0.2)


def test_a_wrong_clock_shows_on_the_non_autonomous_problem_only():
    stopped = Tableau("stopped", 2, a=MIDPOINT.a, b=MIDPOINT.b, c=(0.0, 0.0))
    free = slope_of(stopped, lambda t, y: y * (1 - y), lambda t: 1 / (1 + 9 * math.exp(-t)), 4.0)
    timed = slope_of(stopped, lambda t, y: -t * y, lambda t: math.exp(-t * t / 2), 2.0)
    assert free == pytest.approx(2, abs=0.2)
    assert timed == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("name", ["euler", "midpoint", "heun2", "rk4"])
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**16), steps=st.integers(1, 12), length=st.floats(0.1, 3.0))
def test_agrees_with_torchdiffeq(name, seed, steps, length):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    y0 = torch.randn(5, 3, generator=generator, dtype=torch.float64)

    def f(t, y):
        return torch.tanh(y @ matrix) + torch.sin(3 * torch.as_tensor(t, dtype=y.dtype)) * y

    grid = torch.linspace(0, length, steps + 1, dtype=torch.float64)
    theirs = odeint(f, y0, grid, method=name)
    ours = torch.stack([y for _, y in trajectory(TABLEAUS[name], f, y0, t1=length, steps=steps)])
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@EVERY
@settings(deadline=None, max_examples=30)
@given(z=st.floats(-3, 3), steps=st.integers(1, 10))
def test_linear_problem_has_a_closed_form(tableau, z, steps):
    """Orders 1 to 4 with as many stages: each step multiplies by the truncated exponential."""
    factor = sum(z**k / math.factorial(k) for k in range(tableau.order + 1))
    found = integrate(tableau, lambda t, y: z * y, 1.0, t1=float(steps), steps=steps)
    assert found == pytest.approx(factor**steps, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(
    coefficients=st.lists(st.floats(-5, 5), min_size=4, max_size=4),
    t0=st.floats(-2, 2),
    length=st.floats(0.01, 4),
)
def test_classic_rk4_is_simpsons_rule_where_the_state_does_not_matter(coefficients, t0, length):
    """y' = p(t) with a cubic p: Simpson's rule integrates it exactly."""
    cubic = np.polynomial.Polynomial(coefficients)
    exact = cubic.integ()(t0 + length) - cubic.integ()(t0)
    found = runge_kutta_step(CLASSIC_RK4, lambda t, y: cubic(t), t0, 0.0, length)
    assert found == pytest.approx(exact, rel=1e-10, abs=1e-9)


@EVERY
def test_float_array_and_tensor_states_agree(tableau):
    numbers = [0.3, -1.2, 2.0]

    def solved(y0):
        return integrate(tableau, lambda t, y: y * (1 - y) * t, y0, t1=0.9, steps=3)

    by_float = [solved(number) for number in numbers]
    assert solved(np.array(numbers)).tolist() == pytest.approx(by_float, rel=1e-15)
    tensor = torch.tensor(numbers, dtype=torch.float64)
    assert solved(tensor).tolist() == pytest.approx(by_float, rel=1e-15)


@EVERY
def test_counts_its_evaluations(tableau):
    seen = []
    integrate(tableau, lambda t, y: seen.append(t) or -y, 1.0, t0=1.0, t1=3.0, steps=4)
    assert len(seen) == 4 * tableau.stages
    assert min(seen) == 1.0
    assert max(seen) <= 3.0


@EVERY
def test_gradient_agrees_with_finite_differences(tableau):
    weight = torch.tensor([[0.5, -1.0], [0.7, 0.2]], dtype=torch.float64, requires_grad=True)
    y0 = torch.tensor([0.4, -0.6], dtype=torch.float64, requires_grad=True)

    def solved(y0, weight):
        return integrate(tableau, lambda t, y: torch.tanh(weight @ y) + t, y0, steps=2)

    assert torch.autograd.gradcheck(solved, (y0, weight))


def test_trajectory_yields_both_ends():
    path = list(trajectory(EULER, lambda t, y: 1.0, 5.0, t0=2.0, t1=4.0, steps=4))
    assert path == [(2.0, 5.0), (2.5, 5.5), (3.0, 6.0), (3.5, 6.5), (4.0, 7.0)]


@pytest.mark.parametrize("steps", [0, -3])
def test_needs_a_step(steps):
    with pytest.raises(SettingError, match="at least one step"):
        integrate(EULER, lambda t, y: y, 1.0, steps=steps)
