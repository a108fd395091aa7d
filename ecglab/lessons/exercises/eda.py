"""Exercises of lesson 01: the beats, the split, and the simulator."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ecglab.data.beats import BEAT_RATE, Beats
from ecglab.data.classes import CLASSES
from ecglab.data.ecgsyn import PQRST, Wave
from ecglab.data.splits import Split, leak
from ecglab.errors import DataError
from ecglab.lessons.exercises.exercise import Exercise, choice, near

SAME_PERSON = (201, 202)

whose_p_wave = Exercise(
    question="Whose P wave does a row of the benchmark show?",
    judge=choice(
        "b",
        {
            "a": "A P wave comes before its R peak. Where in the heartbeat does a row begin?",
            "c": "The beat before lies to the left of the R peak. Which side does a row show?",
        },
    ),
    hints=("Answer with one letter: a, b or c.",),
    explanation="A row begins at its own R peak, so its own P wave is already over; the P wave "
    "that it shows, shortly before the second peak, belongs to the next beat.",
    expects="a letter in quotes, for example 'a'",
)

interval_from_length = Exercise(
    question="Which R-R interval has a steady rhythm whose rows hold 108 values before the zeros?",
    judge=near(108 / 1.2 / BEAT_RATE, within=0.004),
    hints=(
        "How many seconds are 108 values at the true rate of the rows?",
        "A row reaches a fifth of an interval beyond the next R peak: in a steady rhythm, how "
        "many intervals is that?",
        "Length in seconds, divided by the number of intervals that it spans.",
    ),
    explanation="108 values / 120 Hz = 0.9 s, and a row spans 1.2 intervals: 0.75 s, or 80 beats "
    "a minute. The padding tells the rhythm, although nobody meant it to.",
    expects="a time in seconds, for example 1.0",
)


def always_normal(beats: Beats) -> Exercise:
    """Macro-F1 of a classifier that always says N, on these beats."""
    share = beats.counts()["N"] / len(beats)
    f1_normal = 2 * share / (1 + share)

    def judge(answer: Any) -> bool | str:
        if abs(float(answer) - share) <= 0.004:
            return "That is its accuracy. Macro-F1 is the mean of the five classes' F1."
        if abs(float(answer) - f1_normal) <= 0.004:
            return "That is F1 of class N alone. What is F1 of a class that is never predicted?"
        return abs(float(answer) - f1_normal / len(CLASSES)) <= 0.004

    return Exercise(
        question="What is the macro-F1 of a classifier that always says N?",
        judge=judge,
        hints=(
            "For class N: the sensitivity is 1, the positive predictivity is the share of N.",
            "F1 is 2 p s / (p + s). The other four classes have F1 = 0.",
            "Macro-F1 is the plain mean of five numbers, four of which are 0.",
        ),
        explanation=f"F1 of N is {f1_normal:.3f}; the mean with four zeros is "
        f"{f1_normal / len(CLASSES):.3f}. Accuracy praises this classifier, macro-F1 does not.",
        expects="a number between 0 and 1, for example 0.5",
    )


def own_split(beats: Beats) -> Exercise:
    """A function of the learner's own that splits the beats by person."""

    def judge(answer: Callable[[Beats], np.ndarray]) -> bool | str:
        tested = np.asarray(answer(beats))
        if tested.dtype != bool or tested.shape != beats.labels.shape:
            raise DataError(f"found {tested.dtype} of shape {tested.shape}")
        share = float(tested.mean())
        if not 0.1 <= share <= 0.5:
            return f"The test part holds {share:.0%} of the beats: take between 10 % and 50 %."
        split = Split("own", beats.take(~tested), beats.take(tested), "the learner's own")
        shared = leak(split).shared_records
        if shared:
            return (
                f"{len(shared)} records are in both parts, record {shared[0]} for one. Decide by "
                f"record, not by beat: np.isin(beats.records, [...])."
            )
        sides = np.isin(SAME_PERSON, split.test.records)
        if sides.any() and not sides.all() and np.isin(SAME_PERSON, beats.records).all():
            return "No record is in both parts, but one man is. Two records are his: see section 1."
        for part, where in ((split.train, "training"), (split.test, "test")):
            if lacking := [name for name, count in part.counts().items() if not count]:
                return f"The {where} part has no beat of class {lacking[0]}. Choose other records."
        return True

    return Exercise(
        question="Can you split the beats by person, with all five classes in both parts?",
        judge=judge,
        hints=("Return one True or False for each beat.",),
        explanation="Nobody is in both parts, and each class can be learnt and tested. Your test "
        "part now says how a model does on people it has never met.",
        expects="a function of the beats that returns a mask, one True (test) or False (train) "
        "for each beat",
    )


onto_the_circle = Exercise(
    question="How long does the point take from radius 0.5 to radius 0.99?",
    judge=near(float(np.log(99)), within=0.05),
    hints=(
        "In polar coordinates the rotation drops out: r' = r (1 - r).",
        "That is the logistic equation: separate the variables, 1/(r (1 - r)) = 1/r + 1/(1 - r).",
        "ln(r / (1 - r)) grows by 1 each second. What is it at 0.5, and what at 0.99?",
    ),
    explanation="ln(0.99/0.01) - ln(0.5/0.5) = ln 99 = 4.60 s, whatever the heart rate.",
    expects="a time in seconds, for example 1.0",
)


def judge_ventricular(answer: Callable[[Sequence[Wave]], Sequence[Wave]]) -> bool | str:
    """Whether a function turns the waves of a normal beat into those of a ventricular one."""
    before = {wave.name: wave for wave in PQRST}
    after = {wave.name: wave for wave in answer(PQRST)}
    if "P" in after and abs(after["P"].a) > 0.1 * before["P"].a:
        return "There is still a P wave, but this beat does not begin in the atria."
    if "R" not in after or after["R"].a <= 0:
        return "The R wave is gone or upside down: widen the QRS complex, keep it upright."
    if not all(name not in after or after[name].b >= 1.8 * before[name].b for name in "QRS"):
        return "The QRS complex is still too narrow: section 4 says how much wider V is than N."
    if "T" not in after or after["T"].a >= 0:
        return "After a ventricular beat the T wave points the other way than the QRS complex."
    return True


ventricular = Exercise(
    question="Can you turn ECGSYN's normal beat into a ventricular one?",
    judge=judge_ventricular,
    hints=("dataclasses.replace(wave, a=..., b=...) gives a changed copy of a wave.",),
    explanation="No P wave, a QRS complex about twice as wide, and a T wave the other way: the "
    "simulator makes its V beats so. The equation is the same, only its numbers change.",
    expects="a function that takes a tuple of waves and returns the changed ones",
)
