"""Right and wrong answers to lesson 06 go through the checks."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ecglab.lessons.exercises import comparison


def macro_f1_by_library(table: np.ndarray) -> float:
    rows, cols = np.indices(table.shape)
    true, called = np.repeat(rows, table.ravel()), np.repeat(cols, table.ravel())
    return float(f1_score(true, called, average="macro"))


def lost():
    def run(sensitivity):
        return SimpleNamespace(report=SimpleNamespace(sensitivity=[0.9, sensitivity, 0, 0, 0]))

    return comparison.lost_sensitivity(run(0.85), run(0.15))


WRONG = {
    "always_normal_balanced": 0.828,
    "standard_error": 6.3e-7,
    "macro_f1_from_table": lambda table: np.trace(table) / table.sum(),
}


@pytest.mark.parametrize("name", WRONG)
def test_right_and_wrong_answers(name, answer_to):
    exercise = dataclasses.replace(getattr(comparison, name), wrong=[])
    assert exercise.check(...).state == "unanswered"
    assert exercise.check("nonsense").state in ("unreadable", "not yet")
    wrong = exercise.check(WRONG[name])
    assert wrong.state == "not yet"
    assert exercise.check(answer_to("comparison", name)).state == "correct"


def test_the_library_computes_macro_f1_alike():
    assert comparison.macro_f1_from_table.check(macro_f1_by_library).state == "correct"


def test_a_recognised_mistake_gets_its_own_hint():
    assert "variance" in comparison.standard_error.check(0.986 * 0.014 / 21_892).text
    accuracy = comparison.macro_f1_from_table.check(WRONG["macro_f1_from_table"])
    assert "accuracy" in accuracy.text


def test_lost_sensitivity_is_the_difference():
    assert lost().check(0.70).state == "correct"
    assert lost().check(0.15).state == "not yet"
