"""dopri5 with its stages in a list against torchdiffeq's own: the same steps, the same numbers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchdiffeq import odeint, odeint_adjoint, odeint_event
from torchdiffeq._impl import rk_common
from torchdiffeq._impl.dopri5 import Dopri5Solver
from torchdiffeq._impl.odeint import SOLVERS

from ecglab.models import ODENet, Solver, dopri5, solve
from ecglab.models.dopri5 import LIST_DOPRI5, combine
from ecglab.models.odenet import Dynamics

METHODS = ("dopri5", LIST_DOPRI5)
DOUBLE = torch.float64


class Watched:
    """Dynamics that note every evaluation and every step tried."""

    def __init__(self, f):
        self.f = f
        self.times, self.steps, self.accepted = [], [], []

    def __call__(self, t, y):
        self.times.append(float(t))
        return self.f(t, y)

    def callback_accept_step(self, t, y, h):
        self.steps.append((float(t), float(h)))
        self.accepted.append(True)

    def callback_reject_step(self, t, y, h):
        self.steps.append((float(t), float(h)))
        self.accepted.append(False)


def agree(f, y0, times, *, bound=1e-11, **how):
    """Assert that both methods step and answer alike; return which of the steps were accepted."""
    watched = [Watched(f) for _ in METHODS]
    theirs, ours = (
        odeint(dynamics, y0, times, method=method, **how)
        for dynamics, method in zip(watched, METHODS, strict=True)
    )
    torch.testing.assert_close(ours, theirs, atol=bound * max(1, theirs.abs().max()), rtol=0)
    other, own = watched
    assert own.accepted == other.accepted
    assert own.times == pytest.approx(other.times, rel=1e-5, abs=1e-9)
    for one, two in zip(own.steps, other.steps, strict=True):
        assert one == pytest.approx(two, rel=1e-5, abs=1e-9)
    return own.accepted


@settings(deadline=None, max_examples=60)
@given(
    entries=st.lists(st.floats(-3, 3), min_size=9, max_size=9),
    start=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    powers=st.tuples(st.floats(-8, -1), st.floats(-8, -1)),
    end=st.floats(0.2, 3),
    backwards=st.booleans(),
)
def test_linear_systems_are_solved_in_the_same_steps(entries, start, powers, end, backwards):
    matrix = torch.tensor(entries, dtype=DOUBLE).reshape(3, 3)
    y0 = torch.tensor(start, dtype=DOUBLE)
    times = torch.tensor([0.0, -end if backwards else end], dtype=DOUBLE)
    rtol, atol = (10.0**power for power in powers)
    agree(lambda t, y: matrix @ y, y0, times, rtol=rtol, atol=atol)


def van_der_pol(t, y):
    return torch.stack([y[1], 8 * (1 - y[0] ** 2) * y[1] - y[0]])


def forced(t, y):
    return -20 * (y - torch.cos(10 * t))


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
@pytest.mark.parametrize("problem", [van_der_pol, forced])
def test_rejected_steps_and_interpolated_times_are_the_same(problem, tolerance):
    y0 = torch.tensor([2.0, 0.0], dtype=DOUBLE)
    times = torch.linspace(0, 5, 17, dtype=DOUBLE)  # more of them than steps, or fewer
    accepted = agree(problem, y0, times, bound=1e-9, rtol=tolerance, atol=tolerance)
    assert not all(accepted)


def test_prescribed_steps_jumps_and_limits_are_obeyed():
    def jumps(t, y):
        return torch.where(t < 0.4, y, -2 * y)

    times = torch.tensor([0.0, 1.0], dtype=DOUBLE)
    options = {
        "step_t": torch.tensor([0.25, 1.0], dtype=DOUBLE),
        "jump_t": torch.tensor([0.4], dtype=DOUBLE),
        "max_step": 0.2,
        "first_step": 0.01,
    }
    y0 = torch.ones(2, dtype=DOUBLE)
    agree(jumps, y0, times, rtol=1e-6, atol=1e-6, options=options)
    found = odeint(jumps, y0, times, rtol=1e-9, atol=1e-9, method=LIST_DOPRI5, options=options)
    assert float(found[-1, 0]) == pytest.approx(math.exp(0.4 - 2 * 0.6), rel=1e-7)


def test_complex_states_are_solved_too():
    y0 = torch.tensor([1.0 + 0.5j, 2.0j], dtype=torch.complex128)
    agree(lambda t, y: 3j * y, y0, torch.tensor([0.0, 2.0], dtype=DOUBLE), rtol=1e-7, atol=1e-7)


def test_several_tensors_can_be_one_state():
    def f(t, state):
        y, z = state
        return -z, y * t

    y0 = (torch.ones(2, dtype=DOUBLE), torch.full((2,), 0.5, dtype=DOUBLE))
    times = torch.tensor([0.0, 1.0, 2.5], dtype=DOUBLE)
    theirs, ours = (odeint(f, y0, times, method=method) for method in METHODS)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_a_solve_can_end_at_an_event():
    # A fall of 10 from rest, y'' = -9.8, ends at sqrt(20 / 9.8).
    y0, t0 = torch.tensor([10.0, 0.0], dtype=DOUBLE), torch.tensor(0.0, dtype=DOUBLE)
    when, _ = odeint_event(
        lambda t, y: torch.stack([y[1], torch.full_like(t, -9.8)]),
        y0,
        t0,
        event_fn=lambda t, y: y[0],
        method=LIST_DOPRI5,
    )
    assert float(when) == pytest.approx(math.sqrt(20 / 9.8), abs=1e-7)


def network(dtype):
    torch.manual_seed(0)
    dynamics = Dynamics(8, bias=True, last_norm=True).to(dtype)
    return dynamics, torch.randn(6, 8, 20, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("solver", [odeint, odeint_adjoint])
def test_gradients_are_the_same_for_state_parameters_and_times(solver):
    # In float64: near the kink of a ReLU the gradient would tell one rounding from another.
    dynamics, y0 = network(DOUBLE)
    found = []
    for method in METHODS:
        times = torch.tensor([0.1, 0.5, 1.2], dtype=DOUBLE, requires_grad=True)
        states = solver(dynamics, y0, times, rtol=1e-4, atol=1e-4, method=method)
        loss = (states.sin() * torch.arange(states[0].numel()).view_as(states[0])).mean()
        found.append([states, *torch.autograd.grad(loss, [y0, times, *dynamics.parameters()])])
    theirs, ours = found
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


def test_direct_gradients_agree_with_finite_differences():
    # The steps depend on the state; a tolerance this tight leaves nothing of that in the answer.
    matrix = torch.tensor([[-0.5, 2.0], [-2.0, -0.5]], dtype=DOUBLE, requires_grad=True)
    y0 = torch.tensor([1.0, 0.3], dtype=DOUBLE, requires_grad=True)
    times = torch.tensor([0.0, 1.0], dtype=DOUBLE)

    def solved(matrix, y0):
        f = lambda t, y: matrix @ y  # noqa: E731
        return odeint(f, y0, times, rtol=1e-10, atol=1e-10, method=LIST_DOPRI5)[-1]

    assert torch.autograd.gradcheck(solved, (matrix, y0), atol=1e-6)


@pytest.mark.parametrize("gradient", ["adjoint", "direct"])
def test_the_report_of_a_solve_is_the_same(gradient):
    reports = []
    for method in METHODS:
        dynamics, y0 = network(DOUBLE)
        y, report = solve(dynamics, y0, Solver(method=method, gradient=gradient))
        y.square().sum().backward()
        reports.append(report)
    theirs, ours = reports
    assert ours.evaluations_forward == theirs.evaluations_forward
    assert ours.evaluations_backward == theirs.evaluations_backward
    assert len(ours.accepted) == len(theirs.accepted) > 1
    for one, other in zip(ours.accepted, theirs.accepted, strict=True):
        assert one == pytest.approx(other, rel=1e-9)
    assert sum(h for _, h in ours.accepted) >= 1


def test_a_network_takes_it_by_its_name():
    torch.manual_seed(0)
    theirs, ours = ODENet(8), ODENet(8, method=LIST_DOPRI5)
    ours.load_state_dict(theirs.state_dict())
    beats = torch.randn(4, 1, 187)
    torch.testing.assert_close(ours(beats), theirs(beats), atol=1e-6, rtol=0)


def test_only_the_last_step_is_interpolated(monkeypatch):
    fits = []
    fit = dopri5._interp_fit
    monkeypatch.setattr(dopri5, "_interp_fit", lambda *a: fits.append(1) or fit(*a))
    y0, times = torch.ones(2, dtype=DOUBLE), torch.tensor([0.0, 5.0], dtype=DOUBLE)
    watched = Watched(forced)
    odeint(watched, y0, times, method=LIST_DOPRI5)
    assert sum(watched.accepted) > 10
    assert len(fits) == 1


def test_torchdiffeqs_own_method_is_left_as_it_is():
    assert SOLVERS["dopri5"] is Dopri5Solver
    controller = rk_common.RKAdaptiveStepsizeODESolver._adaptive_step
    assert Dopri5Solver._adaptive_step is controller
    assert controller.__globals__["_runge_kutta_step"] is rk_common._runge_kutta_step
    assert "_runge_kutta_step" in controller.__code__.co_names  # which is how ours comes in


def test_the_last_stage_is_the_solution():
    # `list_step` returns the last stage: true of the tableau that the method is registered with.
    tableau = Dopri5Solver.tableau
    assert tableau.c_sol[-1] == 0
    torch.testing.assert_close(tableau.c_sol[:-1], tableau.beta[-1], atol=0, rtol=0)


def test_slopes_are_combined_as_written():
    torch.manual_seed(0)
    y, slopes = torch.randn(3, 2), [torch.randn(3, 2) for _ in range(4)]
    factors = torch.tensor([0.5, 0.0, -2.0, 1e-3])
    total = sum(float(factor) * slope for factor, slope in zip(factors, slopes, strict=True))
    torch.testing.assert_close(combine(None, slopes, factors), total)
    torch.testing.assert_close(combine(y, slopes, factors), y + total)
