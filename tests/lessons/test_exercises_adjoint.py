"""Right and wrong answers to lesson 04 go through the checks."""

import dataclasses
import math

import pytest
import torch

from ecglab.lessons.exercises import adjoint
from ecglab.lessons.gradient_costs import Memory


def by_autograd(y, a, k):
    """The augmented equations of y' = -k y^3, differentiated by torch."""
    y, k = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (y, k))
    slope = -k * y**3
    of_y, of_k = torch.autograd.grad(slope, (y, k), torch.tensor(-a, dtype=torch.float64))
    return slope.item(), of_y.item(), of_k.item()


ROWS = [
    Memory(gradient, steps, 4 * steps, kept, 0)
    for gradient, steps, kept in (
        ("adjoint", 1, 3_000_000),
        ("adjoint", 5, 3_000_000),
        ("direct", 1, 6_000_000),
        ("direct", 5, 22_000_000),
        ("checkpoint", 1, 3_000_000),
        ("checkpoint", 5, 3_800_000),
    )
]
EXERCISES = {
    "where_it_starts": adjoint.where_it_starts,
    "sensitivity_size": adjoint.sensitivity_size,
    "right_side": adjoint.right_side,
    "slope_when_wrong": adjoint.slope_when_wrong,
    "blown_up": adjoint.blown_up,
    "direct_growth": adjoint.direct_growth(ROWS),
}
FOUND_OTHERWISE = {"right_side": by_autograd, "direct_growth": 4.0}
WRONG = {
    "where_it_starts": "a",
    "sensitivity_size": 128,
    "right_side": lambda y, a, k: (-k * y**3, 3 * y**2 * a, a * y**3),
    "slope_when_wrong": 2,
    "blown_up": 1e-6,
    "direct_growth": 16,
}


@pytest.mark.parametrize("name", WRONG)
def test_right_and_wrong_answers(name, answer_to):
    exercise = dataclasses.replace(EXERCISES[name], wrong=[])
    assert exercise.check(...).state == "unanswered"
    assert exercise.check("nonsense").state in ("unreadable", "not yet")
    assert exercise.check(WRONG[name]).state == "not yet"
    assert exercise.check(answer_to("adjoint", name, memory=ROWS)).state == "correct"


@pytest.mark.parametrize("name", FOUND_OTHERWISE)
def test_what_another_route_finds_is_right_too(name):
    assert EXERCISES[name].check(FOUND_OTHERWISE[name]).state == "correct"


@pytest.mark.parametrize(
    "name, answer, hint",
    [
        ("where_it_starts", "c", "sign"),
        ("sensitivity_size", 64 * 46, "length of the adjoint"),
        ("right_side", lambda y, a, k: (-k * y**3, -3 * k * y**2 * a, -a * y**3), "Both signs"),
        ("right_side", lambda y, a, k: (-k * y**3, -3 * k * y**2 * a, a * y**3), "sign of a'"),
        ("right_side", lambda y, a, k: (-k * y**3, 3 * k * y**2 * a, -a * y**3), "sign of g'"),
        ("right_side", lambda y, a, k: (k * y**3, 3 * k * y**2 * a, a * y**3), "y' itself"),
        ("blown_up", 1e-6 * math.e**-5, "Which way"),
        ("direct_growth", 0.2, "state alone"),
        ("direct_growth", 1.0, "for an evaluation"),
    ],
)
def test_a_recognised_mistake_gets_its_own_hint(name, answer, hint):
    feedback = EXERCISES[name].check(answer)
    assert feedback.state == "not yet"
    assert hint in feedback.text


def test_two_values_are_not_enough():
    assert adjoint.right_side.check(lambda y, a, k: (1.0, 2.0)).state == "unreadable"
