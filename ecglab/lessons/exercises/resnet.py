"""Exercises of lesson 02: depth, Euler steps, orders and tables."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ecglab.errors import DataError
from ecglab.lessons.convergence import BELL, LOGISTIC, observed_order
from ecglab.lessons.exercises.exercise import Exercise, choice, near
from ecglab.models.tableaus import MIDPOINT, Tableau, runge_kutta_step

ORDER_WITHIN: Final = 0.25
ROUNDING: Final = 1e-12

deep_and_plain = Exercise(
    question="Why is the loss of the deepest plain network so high?",
    judge=choice(
        "c",
        {
            "a": "An overfitted network is good on its training beats. Which panel of the figure "
            "of section 1 shows those?",
            "b": "Count: does it have fewer parameters than the residual network of equal depth?",
        },
    ),
    hints=("Answer with one letter: a, b or c.",),
    explanation="Its training loss is high too, so it is not overfitting; and it has as many "
    "parameters as its residual twin. The better weights exist, training does not find them.",
    expects="a letter in quotes, for example 'a'",
)

half_steps = Exercise(
    question="By which number must each residual be multiplied in twice as many blocks?",
    judge=near(0.5, within=1e-6),
    hints=(
        "Each block is an Euler step. The interval of time stays 6 long.",
        "What is the step length h of 12 equal steps on an interval of length 6?",
        "A step is y + h F(y).",
    ),
    explanation="12 steps of length 1/2 cover the same interval: y + F(y) / 2 in each block.",
    expects="a number, for example 2",
)


def judge_factor(answer: Any) -> bool | str:
    """The factor 2^4, with a hint for those who think of another order."""
    value = float(answer)
    if abs(value - 8) < 0.5 or abs(value - 4) < 0.5:
        return "The error is proportional to h to the power of the order. What is RK4's order?"
    return abs(value - 16) < 0.5


error_factor = Exercise(
    question="By which factor does RK4's error shrink when the step is halved?",
    judge=judge_factor,
    hints=(
        "The slope in the figure of section 3 is the exponent p in: error = C h^p.",
        "Replace h by h / 2: by which factor does h^p shrink?",
    ),
    explanation="RK4 has order 4, and 2 to the power of 4 is 16. Euler, of order 1, gains a "
    "factor of 2 for the same doubling of its work.",
    expects="a number, for example 3",
)

largest_step = Exercise(
    question="What is the longest step with which Euler does not explode on y' = -50 y?",
    judge=near(0.04, within=1e-4),
    hints=(
        "One Euler step turns y into y + h (-50 y). By which number is y multiplied?",
        "The size of that number, |1 - 50 h|, must not be above 1.",
        "It reaches 1 again where 1 - 50 h = -1.",
    ),
    explanation="1 - 50 h = -1 gives h = 2 / 50 = 0.04. The limit is set by the fastest decay in "
    "the system, even where nobody wants to see that decay.",
    expects="a step length, for example 0.1",
)


def judge_midpoint(answer: Callable) -> bool | str:
    """Whether a function makes the midpoint rule's step, with hints for three known slips."""
    t, h, y = 0.5, 0.25, np.array([0.3, -1.2])

    def f(t: float, y: np.ndarray) -> np.ndarray:
        return np.array([y[1] * t, np.sin(y[0]) - t])

    found = np.asarray(answer(f, t, y.copy(), h), dtype=float)
    if found.shape != y.shape:
        raise DataError(f"the step gave the shape {found.shape} for a state of shape {y.shape}")

    def like(expected: np.ndarray) -> bool:
        return bool(np.allclose(found, expected, rtol=0, atol=ROUNDING))

    half = y + h / 2 * f(t, y)
    if like(runge_kutta_step(MIDPOINT, f, t, y, h)):
        return True
    if like(y + h * f(t, y)):
        return "That is Euler's step: it uses the slope at the start, not the one half way."
    if like(y + h * f(t, half)):
        return "The state is that of half way, the time is not: where does f look at the clock?"
    if like(half) or like(half + h / 2 * f(t + h / 2, half)):
        return "The half step only looks ahead. The full step starts at y again, with length h."
    return False


midpoint_step = Exercise(
    question="Can you write one step of the midpoint rule?",
    judge=judge_midpoint,
    hints=(
        "First find where Euler would be after half a step.",
        "Then take the slope there, and go with it from the start y over the whole step h.",
    ),
    explanation="Two evaluations of f a step instead of one, and the order rises from 1 to 2.",
    expects="a function of (f, t, y, h) that returns the new state",
)


def judge_third_order(answer: Tableau) -> bool | str:
    """Whether a table is a consistent explicit method that shows third order twice."""
    if not isinstance(answer, Tableau):
        raise DataError(f"found {type(answer).__name__}")
    if not len(answer.a) == len(answer.b) == len(answer.c):
        return (
            f"The parts do not fit: {len(answer.a)} rows in a, {len(answer.b)} weights in b, "
            f"{len(answer.c)} nodes in c. Each stage needs one of each; the first row of a is ()."
        )
    if any(len(row) != stage for stage, row in enumerate(answer.a)):
        return "Row k of a has k numbers, counted from 0: (), (x,), (x, x). Mind the commas."
    if abs(sum(answer.b) - 1) > ROUNDING:
        return f"The weights b add up to {sum(answer.b):.3f}. A mean slope needs 1."
    for stage, (row, node) in enumerate(zip(answer.a, answer.c, strict=True)):
        if abs(sum(row) - node) > ROUNDING:
            return (
                f"Row {stage} of a adds up to {sum(row):.3f}, but its node in c is {node:.3f}: "
                f"state and clock must have moved equally far."
            )
    for problem in (LOGISTIC, BELL):
        found = observed_order(answer, problem)
        if found < 3 - ORDER_WITHIN:
            return f"A consistent method, but on {problem.formula} its slope is {found:.2f}."
    return True


third_order = Exercise(
    question="Does your table make a method of third order?",
    judge=judge_third_order,
    hints=("Compare it with the table, row by row.",),
    explanation="Slope 3 on both equations: three evaluations of f a step buy the third order.",
    expects="a Tableau, for example Tableau('mine', 1, a=((),), b=(1.0,), c=(0.0,))",
)


def judge_weights(answer: Any) -> bool | str:
    """The two weights of second order for the nodes 0 and 1/3."""
    first, second = (float(weight) for weight in answer)
    if abs(first + second - 1) > 1e-6:
        return f"The weights add up to {first + second:.3f}. A mean slope needs 1."
    return abs(second - 1.5) < 1e-6


weights_for_a_third = Exercise(
    question="Which weights b give second order with the nodes c = (0, 1/3)?",
    judge=judge_weights,
    hints=(
        "Try weights that add up to 1 in the cell of section 4, and watch the slope.",
        "On y' = t the step must give h^2 / 2 from t = 0. What does it give with your weights?",
        "From t = 0, h (b1 * 0 + b2 * h / 3) must be h^2 / 2.",
    ),
    explanation="b2 / 3 = 1/2 gives b2 = 3/2, and b1 = -1/2 so that they add up to 1. The "
    "midpoint rule (b2 = 1 at 1/2) and Ralston's (b2 = 3/4 at 2/3) obey the same rule b2 c2 = 1/2.",
    expects="two numbers in brackets, for example (0.5, 0.5)",
)
