"""Solving: against torchdiffeq, against exact solutions, by counting, and by failing."""

import math
import sys
import warnings

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import nn
from torchdiffeq import odeint

from ecglab.errors import SettingError, SolverError
from ecglab.models import Solver, solve
from ecglab.models.solve import ADAPTIVE_METHODS, FIXED_METHODS, solve_with_torchdiffeq
from ecglab.models.tableaus import TABLEAUS

UNROLLED = tuple(method for method in FIXED_METHODS if method in TABLEAUS)
EVALUATIONS = {"dopri5": (2, 6), "bosh3": (2, 3), "fehlberg2": (2, 2), "adaptive_heun": (2, 1)}


class Field(nn.Module):
    """A smooth vector field that depends on time, state and parameters."""

    def __init__(self, size: int = 3):
        super().__init__()
        self.inner = nn.Linear(size, 8)
        self.outer = nn.Linear(8, size)

    def forward(self, t, y):
        return self.outer(torch.tanh(self.inner(y) + t))


class Scaled(nn.Module):
    """Any formula ``f(t, y)`` as dynamics with one parameter, a factor of 1."""

    def __init__(self, f):
        super().__init__()
        self.f = f
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, t, y):
        return self.f(t, self.factor * y)


def field(dtype=torch.float64):
    torch.manual_seed(0)
    return Field().to(dtype), torch.randn(4, 3, dtype=dtype, requires_grad=True)


def state_and_gradients(dynamics, y0, result):
    loss = (result * torch.arange(1, result.numel() + 1).reshape(result.shape)).sum()
    return result.detach(), *torch.autograd.grad(loss, [y0, *dynamics.parameters()])


def largest_difference(one, other):
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 5e-6)])
@pytest.mark.parametrize("steps", [1, 3, 8])
@pytest.mark.parametrize("method", UNROLLED)
def test_the_unrolled_solve_equals_torchdiffeq(method, steps, dtype, bound):
    dynamics, y0 = field(dtype)
    ours, _ = solve(dynamics, y0, Solver(method=method, steps=steps, gradient="direct"))
    grid = torch.linspace(0, 1, steps + 1, dtype=dtype)
    theirs = odeint(dynamics, y0, grid, method=method)[-1]
    ours, theirs = (state_and_gradients(dynamics, y0, y) for y in (ours, theirs))
    scale = max(float(part.abs().max()) for part in theirs)
    assert float((ours[0] - theirs[0]).abs().max()) <= min(bound, 1e-6)
    assert largest_difference(ours, theirs) <= bound * max(1.0, scale)


@pytest.mark.parametrize("gradient", ["adjoint", "direct"])
@pytest.mark.parametrize("method", ADAPTIVE_METHODS)
def test_a_linear_system_gives_the_matrix_exponential(method, gradient):
    # torchdiffeq steps past the end and interpolates, far less exactly than it steps with some.
    bound = {"dopri8": 5e-3, "fehlberg2": 5e-3, "bosh3": 5e-3}.get(method, 2e-5)
    matrix = torch.tensor([[-0.5, 2.0], [-2.0, -0.5]], dtype=torch.float64)
    y0 = torch.tensor([1.0, 0.3], dtype=torch.float64)
    solver = Solver(method=method, rtol=1e-5, atol=1e-5, gradient=gradient)
    y, _ = solve(Scaled(lambda t, y: matrix @ y), y0, solver)
    np.testing.assert_allclose(y.detach(), expm(matrix.numpy()) @ y0.numpy(), atol=bound)


@pytest.mark.parametrize("gradient", ["adjoint", "direct"])
@pytest.mark.parametrize("method", ["dopri5", "rk4", "heun3"])
def test_solving_backwards_in_time_undoes_solving_forwards(method, gradient):
    dynamics, y0 = field()
    steps = None if method == "dopri5" else 40
    solver = Solver(method=method, rtol=1e-8, atol=1e-8, steps=steps, gradient=gradient)
    there, forwards = solve(dynamics, y0, solver, t0=0.25, t1=1.5)
    back, backwards = solve(dynamics, there, solver, t0=1.5, t1=0.25)
    torch.testing.assert_close(back, y0, atol=1e-5, rtol=0)
    assert all(h > 0 for _, h in forwards.accepted + backwards.accepted)
    assert backwards.accepted[0][0] == pytest.approx(1.5)
    back.sum().backward()


def test_the_adjoint_gradient_tends_to_the_direct_one():
    dynamics, y0 = field()

    def gradients(tolerance, gradient):
        solver = Solver(rtol=tolerance, atol=tolerance, gradient=gradient)
        return state_and_gradients(dynamics, y0, solve(dynamics, y0, solver)[0])

    reference = gradients(1e-12, "direct")
    errors = [
        largest_difference(gradients(tolerance, "adjoint"), reference)
        for tolerance in (1e-3, 1e-6, 1e-9)
    ]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-6


@pytest.mark.parametrize("method", ["euler", "rk4", "heun3"])
def test_direct_gradients_agree_with_finite_differences(method):
    dynamics, y0 = field()
    solver = Solver(method=method, steps=2, gradient="direct")
    assert torch.autograd.gradcheck(lambda y: solve(dynamics, y, solver)[0], (y0,))


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
@pytest.mark.parametrize("method", EVALUATIONS)
def test_evaluations_follow_from_the_steps_taken(method, tolerance):
    calls = 0

    def steep(t, y):
        nonlocal calls
        calls += 1
        return -20 * (y - torch.cos(10 * t))

    solver = Solver(method=method, rtol=tolerance, atol=tolerance, gradient="direct")
    _, report = solve(Scaled(steep), torch.ones(2, dtype=torch.float64), solver)
    first, each = EVALUATIONS[method]
    tried = len(report.accepted) + len(report.rejected)
    assert report.evaluations_forward == calls == first + each * tried
    assert report.rejected
    assert report.evaluations_backward == 0


def test_accepted_steps_join_and_reach_the_end():
    dynamics, y0 = field()
    _, report = solve(dynamics, y0, Solver(rtol=1e-6, atol=1e-6))
    starts, lengths = np.array(report.accepted).T
    assert starts[0] == 0
    np.testing.assert_allclose(starts[1:], (starts + lengths)[:-1], rtol=1e-9)
    assert starts[-1] < 1 <= lengths.sum()


@pytest.mark.parametrize(
    ("solver", "backward"),
    [
        (Solver(), True),
        (Solver(gradient="direct"), False),
        (Solver(method="rk4", steps=3), True),
        (Solver(method="rk4", steps=3, gradient="direct"), False),
        (Solver(method="heun3", steps=3, gradient="direct"), False),
    ],
)
def test_backward_evaluations_are_the_adjoints(solver, backward):
    dynamics, y0 = field()
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1

    dynamics.register_forward_hook(count)
    y, report = solve(dynamics, y0, solver)
    assert report.evaluations_forward == calls
    assert report.evaluations_backward == 0
    y.sum().backward()
    assert report.evaluations_backward == calls - report.evaluations_forward
    assert (report.evaluations_backward > 0) is backward


@pytest.mark.parametrize("method", UNROLLED)
def test_a_fixed_solve_is_reported_the_same_by_both_loops(method):
    dynamics, y0 = field()
    solver = Solver(method=method, steps=4, gradient="direct")
    _, unrolled = solve(dynamics, y0, solver)
    _, theirs = solve_with_torchdiffeq(dynamics, y0, solver, 0.0, 1.0)
    assert unrolled.evaluations_forward == theirs.evaluations_forward
    np.testing.assert_allclose(unrolled.accepted, theirs.accepted)
    assert sum(h for _, h in unrolled.accepted) == pytest.approx(1)


def test_frozen_parameters_get_no_gradient():
    dynamics, y0 = field()
    dynamics.inner.requires_grad_(False)
    solve(dynamics, y0, Solver())[0].sum().backward()
    assert dynamics.inner.weight.grad is None
    assert dynamics.outer.weight.grad is not None


def test_a_direct_adaptive_solve_is_silent():
    dynamics, y0 = field()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(dynamics, y0, Solver(gradient="direct"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"method": "rk5"}, "method='rk5'.*dopri5.*rk4"),
        ({"rtol": -1e-3}, r"rtol=-0\.001.*positive"),
        ({"atol": 0}, "atol=0.*positive"),
        ({"rtol": math.nan}, "rtol=nan"),
        ({"atol": math.inf}, "atol=inf"),
        ({"gradient": "symplectic"}, "gradient='symplectic'.*adjoint, direct"),
        ({"steps": 4}, "steps=4.*'dopri5'.*rtol and atol"),
        ({"method": "rk4", "steps": 0}, "steps=0"),
        ({"method": "rk4", "steps": 2.5}, r"steps=2\.5.*whole number"),
    ],
)
def test_a_wrong_setting_names_its_argument(arguments, said):
    with pytest.raises(SettingError, match=said):
        Solver(**arguments)


def test_an_empty_interval_is_refused():
    dynamics, y0 = field()
    with pytest.raises(SettingError, match=r"t0=0\.5 to t1=0\.5"):
        solve(dynamics, y0, Solver(), t0=0.5, t1=0.5)


def test_underflow_says_where_and_what_to_loosen():
    # y' = 3 y^2 from 1 is infinite at t = 1/3.
    with pytest.raises(SolverError, match=r"rtol=0\.001.*underflow.*t=0\.3333.*loosen rtol"):
        solve(Scaled(lambda t, y: 3 * y**2), torch.ones(2), Solver())


def test_underflow_of_the_adjoint_is_explained_too():
    # y' = -100 y^3 forgets y0: solved backwards from a slightly wrong y(1) it is infinite at t > 0.
    y0 = torch.ones(2, dtype=torch.float64, requires_grad=True)
    y, _ = solve(Scaled(lambda t, y: -100 * y**3), y0, Solver(rtol=0.1, atol=0.1))
    with pytest.raises(SolverError, match=r"rtol=0\.1.*underflow.*t=0\.\d+.*loosen rtol"):
        y.sum().backward()


class BrokenGradient(torch.autograd.Function):
    @staticmethod
    def forward(context, y):
        return -y

    @staticmethod
    def backward(context, gradient):
        return gradient * math.nan


def test_an_adjoint_that_is_not_finite_is_explained():
    y0 = torch.ones(2, requires_grad=True)
    y, _ = solve(Scaled(lambda t, y: BrokenGradient.apply(y)), y0, Solver())
    with pytest.raises(SolverError, match=r"adjoint is no longer finite.*learning rate"):
        y.sum().backward()


def test_dynamics_that_chatter_do_not_run_for_ever(monkeypatch):
    monkeypatch.setattr(sys.modules[Solver.__module__], "MOST_STEPS", 100)
    with pytest.raises(SolverError, match=r"more than 100 steps.*loosen rtol"):
        solve(Scaled(lambda t, y: -1e5 * torch.sign(y)), torch.ones(2), Solver())


@pytest.mark.parametrize("gradient", ["adjoint", "direct"])
@pytest.mark.parametrize(("method", "advice"), [("dopri5", "loosen"), ("rk4", "more steps")])
@pytest.mark.parametrize("slope", [math.nan, math.inf])
def test_a_slope_that_is_not_finite_is_told_from_underflow(method, advice, gradient, slope):
    solver = Solver(method=method, gradient=gradient)
    with pytest.raises(SolverError, match=f"no longer finite.*{method}.*{advice}"):
        solve(Scaled(lambda t, y: y * slope), torch.ones(2), solver)
