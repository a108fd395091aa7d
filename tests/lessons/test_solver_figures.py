"""Equations with known solutions, and what the figures of solvers show of them."""

import re

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ecglab.errors import SettingError
from ecglab.lessons import solver_figures
from ecglab.lessons.convergence import (
    BELL,
    DECAY,
    LOGISTIC,
    PROBLEMS,
    end_error,
    end_errors,
    growth_factor,
    observed_order,
    slope,
    stable_until,
)
from ecglab.models.tableaus import CLASSIC_RK4, EULER, HEUN, MIDPOINT, RK4, TABLEAUS


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda p: p.name)
def test_exact_solutions_agree_with_scipy(problem):
    solved = solve_ivp(
        problem.f, (0, problem.t1), problem.y0, method="DOP853", rtol=1e-11, atol=1e-13
    )
    assert solved.y[:, -1] == pytest.approx(problem.exact(problem.t1), abs=1e-9)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda p: p.name)
def test_autonomous_means_that_the_time_does_not_matter(problem):
    same = np.array_equal(problem.f(0.3, problem.y0), problem.f(1.1, problem.y0))
    assert same == problem.autonomous


def test_slope_is_the_exponent_of_a_power_law():
    x = np.array([0.1, 0.2, 0.5])
    assert slope(x, 7 * x**2.5) == pytest.approx(2.5)


@pytest.mark.parametrize("tableau", TABLEAUS.values(), ids=lambda t: t.name)
def test_observed_orders(tableau):
    for problem in (LOGISTIC, BELL):
        assert observed_order(tableau, problem) == pytest.approx(tableau.order, abs=0.2)


def test_one_point_has_no_slope():
    with pytest.raises(SettingError, match="at least two"):
        observed_order(EULER, LOGISTIC, steps=(8,))


def test_error_of_one_euler_step_by_hand():
    # y0 = 0.1, one step of 4: 0.1 + 4 * 0.09 = 0.46
    exact = 1 / (1 + 9 * np.exp(-4))
    assert end_error(EULER, LOGISTIC, 1) == pytest.approx(exact - 0.46)
    assert end_errors(EULER, LOGISTIC, [1])[0] == end_error(EULER, LOGISTIC, 1)


@pytest.mark.parametrize("z", [0.0, 0.3, 1.0, 2.5, 4.0])
def test_growth_factors_in_closed_form(z):
    assert growth_factor(EULER, z) == pytest.approx(abs(1 - z))
    for tableau in (MIDPOINT, HEUN):
        assert growth_factor(tableau, z) == pytest.approx(abs(1 - z + z**2 / 2))
    for tableau in (RK4, CLASSIC_RK4):
        exact = abs(1 - z + z**2 / 2 - z**3 / 6 + z**4 / 24)
        assert growth_factor(tableau, z) == pytest.approx(exact)


def test_stability_limits():
    assert stable_until(EULER) == pytest.approx(2, abs=2e-3)
    assert stable_until(MIDPOINT) == pytest.approx(2, abs=2e-3)
    # The real root of 1 - z + z^2/2 - z^3/6 + z^4/24 = 1.
    real = [r.real for r in np.roots([1 / 24, -1 / 6, 1 / 2, -1]) if abs(r.imag) < 1e-9]
    assert stable_until(CLASSIC_RK4) == pytest.approx(real[0], abs=2e-3)


def test_a_path_ends_where_it_leaves_the_bounds():
    times, states, within = solver_figures.method_path(RK4, DECAY, 1)
    assert not within or np.abs(states).max() < solver_figures.BOUND
    times, states, within = solver_figures.method_path(EULER, LOGISTIC, 4)
    assert within
    assert times.tolist() == [0, 1, 2, 3, 4]
    assert states.shape == (5, 1)


def test_paths_figure_draws_every_method_in_every_panel():
    figure, alt = solver_figures.paths_figure(LOGISTIC, (EULER, CLASSIC_RK4), (2, 4))
    assert len(figure.axes) == 2
    for panel, steps in zip(figure.axes, (2, 4), strict=True):
        assert [len(line.get_xdata()) for line in panel.lines[1:]] == [steps + 1] * 2
    assert f"{end_error(EULER, LOGISTIC, 4):.1e}" in alt
    for panel, steps in zip(figure.axes, (2, 4), strict=True):
        told = [text.get_text() for text in panel.get_legend().get_texts()]
        assert told == [
            f"{m.name}: {end_error(m, LOGISTIC, steps):.1e}" for m in (EULER, CLASSIC_RK4)
        ]


def test_order_figure_tells_the_slopes():
    steps = (16, 32, 64)
    figure, alt = solver_figures.order_figure((EULER, MIDPOINT), (LOGISTIC, BELL), steps)
    found = [float(number) for number in re.findall(r"slope (\d\.\d\d)", alt)]
    assert found == pytest.approx([1, 2, 1, 2], abs=0.2)
    drawn = figure.axes[1].lines[1].get_ydata()
    assert drawn == pytest.approx(end_errors(MIDPOINT, BELL, steps))


def test_stability_figure_tells_growth_and_limits():
    _, alt = solver_figures.stability_figure(DECAY, 10, EULER, (7, 30), (EULER, CLASSIC_RK4))
    assert "h = 0.214 multiplies it by 1.14" in alt
    assert "euler 2.00, classic rk4 2.79" in alt
