"""Right and wrong answers to lesson 02 go through the checks."""

import dataclasses

import numpy as np
import pytest

from ecglab.lessons.exercises import resnet
from ecglab.models.tableaus import CLASSIC_RK4, EULER, MIDPOINT

WRONG = {
    "deep_and_plain": "a",
    "half_steps": 2,
    "error_factor": 5,
    "largest_step": 0.02,
    "midpoint_step": lambda f, t, y, h: y,
    "third_order": MIDPOINT,
    "weights_for_a_third": (0.25, 0.75),
}


def fresh(name):
    return dataclasses.replace(getattr(resnet, name), wrong=[])


@pytest.mark.parametrize("name", WRONG)
def test_right_and_wrong_answers(name, answer_to):
    exercise = fresh(name)
    assert exercise.check(...).state == "unanswered"
    assert exercise.check({}).state in ("unreadable", "not yet")
    assert exercise.check(WRONG[name]).state == "not yet"
    assert exercise.check(answer_to("resnet", name)).state == "correct"


SLIPS = {
    "Euler": lambda f, t, y, h: y + h * f(t, y),
    "clock": lambda f, t, y, h: y + h * f(t, y + h / 2 * f(t, y)),
    "starts at y again": lambda f, t, y, h: y + h / 2 * f(t, y),
}


@pytest.mark.parametrize("told", SLIPS)
def test_slips_in_the_midpoint_rule_get_their_own_hint(told):
    assert told in fresh("midpoint_step").check(SLIPS[told]).text


def test_a_step_of_the_wrong_shape_is_unreadable():
    feedback = fresh("midpoint_step").check(lambda f, t, y, h: np.zeros(3))
    assert feedback.state == "unreadable"
    assert "shape" in feedback.text


TABLES = {  # Kutta's table with one part mistyped
    "do not fit": {"b": (1 / 6, 2 / 3)},
    "has k numbers": {"a": ((), (1 / 2,), (-1,))},
    "add up to 1.167": {"b": (1 / 6, 2 / 3, 1 / 3)},
    "state and clock": {"c": (0, 1 / 2, 1 / 2)},
    "slope is 1": dataclasses.asdict(EULER),
}


@pytest.mark.parametrize("told", TABLES)
def test_slips_in_the_table_get_their_own_hint(told, answer_to):
    mistyped = dataclasses.replace(answer_to("resnet", "third_order"), **TABLES[told])
    assert told in fresh("third_order").check(mistyped).text


def test_a_better_method_passes_as_third_order_too():
    assert fresh("third_order").check(CLASSIC_RK4).state == "correct"
    assert fresh("third_order").check("kutta").state == "unreadable"


def test_a_recognised_mistake_gets_its_own_hint():
    assert "training beats" in fresh("deep_and_plain").check("a").text
    assert "parameters" in fresh("deep_and_plain").check("b").text
    assert "order" in fresh("error_factor").check(4).text
    assert "add up to 1.500" in fresh("weights_for_a_third").check((0.5, 1.0)).text
