"""Exercises of lesson 04: where the adjoint starts, what it costs, and how to test a gradient."""

from collections.abc import Callable, Sequence
from math import exp
from typing import Any

from ecglab.errors import DataError
from ecglab.lessons.exercises.exercise import Exercise, choice, near
from ecglab.lessons.gradient_costs import Memory

CHANNELS, POSITIONS = 64, 46  # state of one beat in the wide ODE block
STIFFNESS, ERROR = 5.0, 1e-6

where_it_starts = Exercise(
    question="What is the adjoint at the end of the interval?",
    judge=choice(
        "b",
        {
            "a": "Zero is where the gradients of the parameters start. The adjoint would stay "
            "zero for ever: its equation multiplies it.",
            "c": "The equation would not notice the sign, but our formula for the parameters' "
            "gradient would.",
        },
    ),
    hints=("Answer with one letter: a, b or c.",),
    explanation="a(t) = +dL/dy(t) at every t, so also at t1, where the loss looks at the state. "
    "From there the equation carries it back.",
    expects="a letter in quotes, for example 'a'",
)


def judge_sensitivity(answer: Any) -> bool | str:
    """Numbers in the matrix of sensitivities of one beat's state."""
    states = CHANNELS * POSITIONS
    if float(answer) == states:
        return "That is the length of the adjoint. How many numbers has the matrix?"
    return float(answer) == states**2


sensitivity_size = Exercise(
    question="How many numbers has the matrix dy(t1)/dy(t0) for one beat in the wide ODE block?",
    judge=judge_sensitivity,
    hints=(
        "The state of one beat has 64 channels and 46 positions.",
        "The matrix has one row and one column for each number of the state.",
    ),
    explanation="2,944 numbers in the state, 2,944 x 2,944 = 8,667,136 in the matrix. The adjoint "
    "has 2,944.",
    expects="a whole number, for example 100",
)


def judge_right_side(answer: Callable[[float, float, float], Sequence[float]]) -> bool | str:
    """Whether a function gives y', a' and g' for y' = -k y^3."""
    for y, a, k in ((0.7, 1.3, 2.0), (-1.1, 0.4, 0.5), (1.7, -2.0, 1.0)):
        found = [float(value) for value in answer(y, a, k)]
        if len(found) != 3:
            raise DataError(f"found {len(found)} values")
        right = [-k * y**3, 3 * k * y**2 * a, a * y**3]
        same = [abs(p - q) < 1e-9 for p, q in zip(found, right, strict=True)]
        turned = [abs(p + q) < 1e-9 for p, q in zip(found, right, strict=True)]
        if not same[0]:
            return "The first value is y' itself: -k y**3."
        if turned[1] and turned[2]:
            return "Both signs are turned. Mind the minus in a' = -a df/dy, and that f = -k y**3."
        if turned[1] or turned[2]:
            which = "a'" if turned[1] else "g'"
            return f"The sign of {which} is turned: there is a minus in front, and one in f."
        if not all(same):
            return False
    return True


right_side = Exercise(
    question="Can you write the augmented equations of y' = -k y^3?",
    judge=judge_right_side,
    hints=(
        "a' = -a df/dy. What is the derivative of -k y**3 by y?",
        "g' = -a df/dk. What is the derivative of -k y**3 by k?",
    ),
    explanation="y' = -k y^3, a' = 3 k y^2 a, g' = a y^3. Solved backwards from y(t1), dL/dy(t1) "
    "and 0, they end with dL/dy(t0) and dL/dk.",
    expects="a function of y, a and k that returns three numbers: y', a' and g'",
)

slope_when_wrong = Exercise(
    question="Which slope has the Taylor remainder of a wrong gradient, for small steps?",
    judge=near(1, within=0.01),
    hints=(
        "The remainder is: change of the loss, minus step times forecast slope.",
        "If the forecast slope is wrong by e, the remainder holds step times e.",
    ),
    explanation="Step times error: that is linear in the step, slope 1. A right gradient leaves "
    "only the curvature, slope 2. So one line on a plot judges a gradient.",
    expects="a number, for example 3",
)


def judge_blown_up(answer: Any) -> bool | str:
    """The error after the way back along y' = -5 y."""
    value, right = float(answer), ERROR * exp(STIFFNESS)
    if abs(value - ERROR * exp(-STIFFNESS)) < 0.05 * ERROR * exp(-STIFFNESS):
        return "Forwards it would shrink like that. Which way does the backward solve go?"
    return abs(value - right) < 0.02 * right


blown_up = Exercise(
    question="How large is the error after the way back?",
    judge=judge_blown_up,
    hints=(
        "Two solutions of y' = -5 y differ by something that obeys y' = -5 y too.",
        "Forwards over one unit of time it shrinks by exp(-5). And backwards?",
    ),
    explanation="1e-6 x exp(5) = 1.5e-4. What forgets its start fast on the way there cannot "
    "remember it on the way back.",
    expects="a number, for example 1e-3",
)


def direct_growth(rows: Sequence[Memory]) -> Exercise:
    """By how many MB the bytes kept with direct gradients grow with every step."""

    def a_step(gradient: str) -> float:
        own = sorted((row for row in rows if row.gradient == gradient), key=lambda row: row.steps)
        return (own[-1].kept - own[0].kept) / (own[-1].steps - own[0].steps) / 1e6

    growth, checkpoint = a_step("direct"), a_step("checkpoint")

    def judge(answer: Any) -> bool | str:
        if abs(float(answer) - checkpoint) <= 0.05 * checkpoint:
            return "That is what a checkpoint adds: the state alone. Take the rows of direct."
        if abs(float(answer) - growth / 4) <= 0.05 * growth / 4:
            return "That is the growth for an evaluation. How many has a step of rk4?"
        return abs(float(answer) - growth) <= 0.05 * growth

    return Exercise(
        question="By how many MB does one more step of rk4 make the kept bytes of direct grow?",
        judge=judge,
        hints=(
            "memory holds the rows: row.gradient, row.steps and row.kept, in bytes.",
            "Take two rows of direct: difference of kept, divided by the difference of steps.",
        ),
        explanation=f"{growth:.2f} MB a step, against {checkpoint:.2f} MB with a checkpoint: all "
        f"that its four evaluations make, against the one state before it.",
        expects="a number of MB, for example 1.0",
    )
