"""Exercises of lesson 06: reading comparisons, and what a difference is worth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ecglab.data.splits import BALANCED_TEST
from ecglab.lessons.exercises.exercise import Exercise, near
from ecglab.lessons.published import REPORT_CONFUSION, accuracy_of_confusion
from ecglab.training.evaluate import macro_f1_of
from ecglab.training.runs import Run

always_normal_balanced = Exercise(
    question="Which accuracy has a classifier that always says N on the balanced test?",
    judge=near(BALANCED_TEST["N"] / sum(BALANCED_TEST.values()), within=0.002),
    hints=(
        "On the benchmark it is 0.828, the share of N there. What is the share of N here?",
        "The balanced test has 800 N, 800 S, 800 V, 300 F and 800 Q.",
    ),
    explanation="800 of 3,500 beats are N: 0.229. The same classifier, two tests, two very "
    "different accuracies: an accuracy means little without the mix of classes behind it.",
    expects="a number between 0 and 1, for example 0.5",
)


def judge_standard_error(answer: Any) -> bool | str:
    """Standard error of an accuracy of 0.986 on the benchmark's test part."""
    right = float(np.sqrt(0.986 * 0.014 / 21_892))
    value = float(answer)
    if abs(value - right**2) < 1e-8:
        return "That is the variance. The standard error is its square root."
    return abs(value - right) <= 0.05 * right


standard_error = Exercise(
    question="Accuracy 0.986 on 21,892 beats: how large is its standard error?",
    judge=judge_standard_error,
    hints=(
        "Each beat is right with probability p: the number of right ones is binomial.",
        "A mean of n draws that are 0 or 1 has variance p (1 - p) / n.",
    ),
    explanation="sqrt(0.986 x 0.014 / 21,892) = 0.0008. Two networks that differ by 0.001 are "
    "hardly told apart by this test, and the beats of one person are not even independent.",
    expects="a number, for example 0.01",
)


def judge_macro_f1(answer: Callable[[np.ndarray], float]) -> bool | str:
    """Whether a function computes macro-F1 from any confusion matrix."""
    table = np.array(REPORT_CONFUSION["odenet"])
    if abs(float(answer(table)) - accuracy_of_confusion("odenet")) < 1e-9:
        return "That is the accuracy. Macro-F1 is a mean over classes, each counted once."
    tables = [np.array(matrix) for matrix in REPORT_CONFUSION.values()]
    tables.append(
        np.array([[5, 1, 0, 0, 2], [1, 9, 0, 1, 0], [0, 3, 7, 0, 0]] + [[1, 0, 2, 4, 1]] * 2)
    )
    return all(abs(float(answer(t)) - float(macro_f1_of(t))) < 1e-6 for t in tables)


macro_f1_from_table = Exercise(
    question="Can you compute macro-F1 from a confusion matrix?",
    judge=judge_macro_f1,
    hints=(
        "The diagonal holds the hits; a row sum counts the true beats of a class, a column sum "
        "the beats that were called so.",
        "F1 of a class is 2 x hits / (row sum + column sum).",
        "Take the plain mean over the five classes.",
    ),
    explanation="REPORT prints no macro-F1, but its matrices hold it. A table of raw counts "
    "answers questions that its authors did not ask: always print one.",
    expects="a function of a 5 x 5 array that returns a number",
)


def lost_sensitivity(by_beat: Run, by_person: Run) -> Exercise:
    """By how much the sensitivity for class S falls from the split by beat to that by person."""
    here, there = by_beat.report.sensitivity[1], by_person.report.sensitivity[1]
    return Exercise(
        question="By how much does the ResNet's sensitivity for class S fall between the splits?",
        judge=near(here - there, within=0.006),
        hints=(
            "Sensitivity: the share of true S beats that were called S.",
            "Take the difference of the S rows of the ResNet (first seed) in the two tables.",
        ),
        explanation=f"From {here:.3f} by beat to {there:.3f} by person. An early beat is early "
        f"only against its own person's rhythm, and a row shows one beat of a stranger.",
        expects="a number between 0 and 1, for example 0.1",
    )
