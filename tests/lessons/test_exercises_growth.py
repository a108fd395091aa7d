"""Right and wrong answers to lesson 05 go through the checks."""

import dataclasses

import numpy as np
import pytest

from ecglab.lessons.exercises import growth
from ecglab.models.growing import GrowingResNet
from ecglab.models.growing import grow as grow_network
from ecglab.models.growth import parameters_per_epoch

WRONG = {
    "next_depth": 26,
    "copy_factor": 3,
    "jolt_in_evaluation": "a",
    "first_epochs": 20,
    "same_intensity": 0.9,
    "asks": lambda estimates, window, r_tol: True,
    "equal_work": 20,
}


@pytest.mark.parametrize("name", WRONG)
def test_right_and_wrong_answers(name, answer_to):
    exercise = dataclasses.replace(getattr(growth, name), wrong=[])
    assert exercise.check(...).state == "unanswered"
    assert exercise.check("nonsense").state in ("unreadable", "not yet")
    assert exercise.check(WRONG[name]).state == "not yet"
    assert exercise.check(answer_to("growth", name)).state == "correct"


def by_convolution(estimates, window, r_tol):
    means = np.convolve(estimates, np.ones(window) / window, mode="valid")
    return len(estimates) >= window and means[-1] / means[0] > r_tol


def ratio_of_last_to_first(estimates, window, r_tol):
    return len(estimates) >= window and estimates[-1] / estimates[0] > r_tol


def at_least(estimates, window, r_tol):
    means = np.convolve(estimates, np.ones(window) / window, mode="valid")
    return len(estimates) >= window and means[-1] / means[0] >= r_tol


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("next_depth", 40, "stem"),
        ("copy_factor", 2**-1.5, "published code"),
        ("copy_factor", 0.5, "How many"),
        ("jolt_in_evaluation", "c", "before any step"),
        ("first_epochs", 44, "two networks share"),
        ("same_intensity", 0.327, "its own hour"),
        ("same_intensity", 24.6, "between 0 and 1"),
        ("asks", lambda estimates, window, r_tol: estimates[-1] > r_tol, "nothing to compare"),
        ("asks", ratio_of_last_to_first, "means over the window"),
        ("asks", at_least, "exactly r_tol"),
        ("equal_work", 32, "less work"),
    ],
)
def test_a_recognised_mistake_gets_its_own_hint(name, answer, hint):
    feedback = getattr(growth, name).check(answer)
    assert feedback.state == "not yet"
    assert hint in feedback.text


def test_what_another_route_finds_is_right_too():
    model = GrowingResNet(20)
    grow_network(model)
    assert growth.next_depth.check(model.depth).state == "correct"
    assert growth.asks.check(by_convolution).state == "correct"
    assert growth.equal_work.check(43).state == growth.equal_work.check(42).state == "correct"


def test_eleven_epochs_also_round_to_the_published_number():
    """What the explanation of the first epochs says."""
    counts = (174_933, 369_365, 758_229)
    assert round(parameters_per_epoch(counts, (11, 33, 20)) / 1e6, 2) == 0.46
