"""The heart's equation, checked against SciPy's solvers and closed forms."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from ecglab.data.ecgsyn import PQRST, Wave, at_heart_rate, ecgsyn, relax, vector_field
from ecglab.errors import SettingError


def test_trajectory_agrees_with_scipy_on_the_three_dimensional_system():
    t, states = ecgsyn([0.8] * 4)
    reference = solve_ivp(
        lambda t, y: vector_field(t, y, interval=0.8),
        (0, t[-1]),
        [1.0, 0.0, 0.0],
        t_eval=t,
        rtol=1e-9,
        atol=1e-11,
        max_step=0.01,
    )
    assert states.shape == (len(t), 3)
    assert np.abs(states - reference.y.T).max() < 1e-6


def test_changing_intervals_agree_with_scipy_interval_by_interval():
    intervals = [0.9, 0.6, 1.2]
    t, states = ecgsyn(intervals)
    start, begin = [1.0, 0.0, 0.0], 0.0
    for interval in intervals:
        inside = t[(t >= begin) & (t <= begin + interval)]
        solution = solve_ivp(
            lambda t, y, interval=interval: vector_field(t, y, interval=interval),
            (begin, begin + interval),
            start,
            dense_output=True,
            rtol=1e-9,
            atol=1e-11,
            max_step=0.01,
        )
        found = states[np.searchsorted(t, inside)]
        assert np.abs(found - solution.sol(inside).T).max() < 1e-5
        start, begin = solution.y[:, -1], begin + interval


def test_every_start_reaches_the_unit_circle():
    for radius in (0.1, 2.0):
        end = solve_ivp(vector_field, (0, 12), [radius, 0, 0], rtol=1e-8, atol=1e-8).y[:, -1]
        assert np.hypot(*end[:2]) == pytest.approx(1, abs=1e-4)


def test_vector_field_is_the_same_in_torch_and_takes_batches():
    states = np.random.default_rng(0).normal(size=(5, 3))
    expected = np.array([vector_field(0.3, state) for state in states])
    found = vector_field(torch.tensor(0.3), torch.tensor(states), lib=torch)
    assert np.allclose(vector_field(0.3, states), expected)
    assert np.allclose(found.numpy(), expected, atol=1e-6)


def test_vector_field_by_hand_at_the_r_wave():
    # On the circle at angle 0, without waves: x' = 0, y' = omega, z' = -z.
    assert np.allclose(
        vector_field(0.0, np.array([1.0, 0.0, 2.0]), waves=(), interval=0.5), [0, 4 * np.pi, -2]
    )


def test_relax_is_the_classic_runge_kutta_method_step_by_step():
    rng = np.random.default_rng(0)
    force, h = rng.normal(size=21), 0.3
    z, expected = 0.7, [0.7]
    for n in range(10):
        left, middle, right = force[2 * n : 2 * n + 3]
        k1 = left - z
        k2 = middle - (z + h / 2 * k1)
        k3 = middle - (z + h / 2 * k2)
        k4 = right - (z + h * k3)
        z += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        expected.append(z)
    assert np.allclose(relax(force, step=h, start=0.7), expected, rtol=0, atol=1e-14)


def test_relax_converges_with_order_four():
    errors = []
    for steps in (20, 40, 80):
        half = np.linspace(0, 2, 2 * steps + 1)
        z = relax(np.cos(half), step=2 / steps, start=0.0)
        exact = (np.cos(half[::2]) + np.sin(half[::2]) - np.exp(-half[::2])) / 2
        errors.append(np.abs(z - exact).max())
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(slopes - 4) < 0.2)


def test_a_wave_from_its_shape_draws_that_shape():
    # Height, width and centre in time, whatever the interval; the slow return to rest bends a
    # bump by no more than its own duration over the time constant of 1 s.
    for interval in (0.6, 1.0):
        wave = Wave.from_shape("T", centre=0.25, width=0.02, height=1.5, interval=interval)
        t, states = ecgsyn([interval], waves=(wave,), respiration=0.0)
        bump = 1.5 * np.exp(-((t - 0.25) ** 2) / (2 * 0.02**2))
        assert np.abs(states[:, 2] - bump).max() < 1.5 * 0.06
        assert t[states[:, 2].argmax()] == pytest.approx(0.25, abs=0.004)


def test_published_waves_draw_the_heartbeat_in_order():
    t, states = ecgsyn([1.0] * 3)
    beat = states[(t >= 1.5) & (t < 2.5), 2]
    phase = t[(t >= 1.5) & (t < 2.5)] - 2.0
    assert abs(phase[beat.argmax()]) < 0.01
    assert [wave.name for wave in PQRST] == list("PQRST")
    q, s = beat[np.abs(phase + 0.045).argmin()], beat[np.abs(phase - 0.045).argmin()]
    p, t_wave = beat[np.abs(phase + 0.194).argmin()], beat[np.abs(phase - 0.278).argmin()]
    assert max(q, s) < min(p, t_wave) < max(p, t_wave) < beat.max()


def test_widths_grow_with_the_root_of_the_heart_rate():
    fast = at_heart_rate(PQRST, 120)
    assert fast[2].b == pytest.approx(PQRST[2].b * np.sqrt(2))
    assert fast[2].theta == PQRST[2].theta


@pytest.mark.parametrize("intervals", [[], [0.8, -0.1], [[0.8]], [0.8, float("nan")]])
def test_intervals_that_cannot_be(intervals):
    with pytest.raises(SettingError, match="positive R-R intervals"):
        ecgsyn(intervals)


@pytest.mark.parametrize("rate", [0, -60, float("nan")])
def test_heart_rates_that_cannot_be(rate):
    with pytest.raises(SettingError, match="heart rate"):
        at_heart_rate(PQRST, rate)
