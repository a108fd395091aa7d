"""Following a solve changes nothing in it, and a solve with a known answer is followed rightly."""

import numpy as np
import pytest
import torch
from torch import nn

from ecglab.errors import SettingError, SolverError
from ecglab.lessons.follow import follow, motion
from ecglab.models import Solver, solve


class Spiral(nn.Module):
    """y' = A y with a closed-form solution: a rotation by 3 radians that shrinks by e^-0.5."""

    def forward(self, t, y):
        return y @ torch.tensor([[-0.5, -3.0], [3.0, -0.5]], dtype=y.dtype).T


def exact(t, y0):
    turn = torch.tensor([[np.cos(3 * t), -np.sin(3 * t)], [np.sin(3 * t), np.cos(3 * t)]])
    return np.exp(-0.5 * t) * y0 @ turn.T


START = torch.tensor([[1.0, 0.0], [0.3, -2.0]], dtype=torch.float64)
TIGHT = Solver(rtol=1e-9, atol=1e-9, gradient="direct")


@pytest.mark.parametrize(
    "solver",
    [
        Solver(method="dopri5", gradient="direct"),
        Solver(method="bosh3", rtol=1e-5, atol=1e-5, gradient="direct"),
        Solver(method="rk4", steps=3, gradient="direct"),
        Solver(method="euler", gradient="direct"),
    ],
    ids=lambda solver: solver.method,
)
def test_it_ends_where_the_solve_ends_and_keeps_its_record(solver):
    end, report = solve(Spiral(), START, solver)
    times, states, followed = follow(Spiral(), START, solver)
    assert torch.equal(states[-1], end)
    assert followed == report
    assert times[0] == 0 and times[-1] == 1
    assert len(times) == len(states)
    assert torch.equal(states[0], START)


def test_the_states_lie_on_the_exact_path():
    times, states, _ = follow(Spiral(), START, TIGHT)
    assert len(times) > 10
    for t, state in zip(times, states, strict=True):
        torch.testing.assert_close(state, exact(t, START), rtol=0, atol=1e-7)


def test_a_first_step_that_is_too_long_is_rejected():
    assert not follow(Spiral(), START, TIGHT)[2].rejected
    _, states, report = follow(Spiral(), START, TIGHT, first_step=1.0)
    assert report.rejected[0] == (0.0, 1.0)
    torch.testing.assert_close(states[-1], exact(1.0, START), rtol=0, atol=1e-7)


def test_a_field_that_explodes_is_reported_in_a_sentence():
    class Explodes(nn.Module):
        def forward(self, t, y):
            return 50 * y**3

    with pytest.raises(SolverError):
        follow(Explodes(), START, Solver(gradient="direct"))


def test_a_method_without_our_loop_is_refused():
    with pytest.raises(SettingError, match="heun3"):
        follow(Spiral(), START, Solver(method="heun3", gradient="direct"))


def test_motion_is_that_of_the_closed_form():
    times, speeds, turns = motion(Spiral(), START, steps=50)
    rate = np.hypot(0.5, 3.0)  # |A y| = rate |y| and |A A y| = rate^2 |y|
    size = float(START.square().mean().sqrt())
    expected = np.exp(-0.5 * np.array(times)) * size
    np.testing.assert_allclose(speeds, rate * expected, rtol=1e-4)
    np.testing.assert_allclose(turns, rate**2 * expected, rtol=0.01)
