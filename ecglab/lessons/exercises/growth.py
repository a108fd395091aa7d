"""Exercises of lesson 05: sizes and copies, when to grow, and what savings are worth."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ecglab.lessons.exercises.exercise import Exercise, choice
from ecglab.lessons.growth_runs import example_work
from ecglab.lessons.published import published_growth, published_saving
from ecglab.models.growing import grown_depth
from ecglab.models.growth import GrowthSettings, Trigger

START_DEPTH: Final = 20
COPIES: Final = 3
SPANS: Final = (22, 10)  # epochs of ResNet-14 and of ResNet-26 in the exercise on equal work
TOTAL_EPOCHS, LAST_EPOCHS = 64, 20


def judge_depth(answer: Any) -> bool | str:
    """The depth after one growth of a network of 20 layers."""
    if float(answer) == 2 * START_DEPTH:
        return "Not all layers are in blocks: the stem and the last layer are not doubled."
    return float(answer) == grown_depth(START_DEPTH)


next_depth = Exercise(
    question="A network of depth 20 grows once. How deep is it then?",
    judge=judge_depth,
    hints=(
        "Depth is 6n + 2, with n blocks a stage. What is n?",
        "Growth doubles n, so put 2n into 6n + 2.",
    ),
    explanation="20 = 6 x 3 + 2, and 6 x 6 + 2 = 38. The stem and the last layer stay single, so "
    "depth d becomes 2d - 2.",
    expects="a whole number, for example 14",
)


def judge_factor(answer: Any) -> bool | str:
    """The factor that keeps the sum of three equal residuals."""
    value = float(answer)
    if abs(value - 2 ** (-COPIES / 2)) < 0.005:
        return "That is the factor of the published code. What keeps the sum of the residuals?"
    if abs(value - 0.5) < 1e-6:
        return "Half would be right for two of them. How many are there?"
    return abs(value - 1 / COPIES) < 0.004


copy_factor = Exercise(
    question="By which number must the residual of each of three copies be multiplied?",
    judge=judge_factor,
    hints=(
        "Three equal steps shall lead as far as one did.",
        "y + cF + cF + cF = y + F, if F hardly changes on the way. What is c?",
    ),
    explanation="A third: three Euler steps of a third of the length. It is set by dividing gamma "
    "and beta of the last batch norm, which scale the whole residual.",
    expects="a number, for example 0.9",
)

jolt_in_evaluation = Exercise(
    question="Why does growth without scaling hurt so much more in evaluation mode?",
    judge=choice(
        "b",
        {
            "a": "The weights of the copies are the same numbers in both modes.",
            "c": "The loss was measured at once, before any step of the optimiser.",
        },
    ),
    hints=("Answer with one letter: a, b or c.",),
    explanation="In train mode every batch norm divides by the spread of what it is given now, and "
    "so it hides that the states have grown. In evaluation mode it divides by the spread that the "
    "smaller network had.",
    expects="a letter in quotes, for example 'a'",
)


def judge_first_epochs(answer: Any) -> bool | str:
    """Epochs of the first network from 2 t3 - t1 = 30 with t3 = 20."""
    if abs(float(answer) - (TOTAL_EPOCHS - LAST_EPOCHS)) < 0.5:
        return "Those are all epochs before the last network: two networks share them."
    return abs(float(answer) - 10) < 0.5


first_epochs = Exercise(
    question="2 t3 - t1 = 30, and the last network had t3 = 20 epochs. How many had the first?",
    judge=judge_first_epochs,
    hints=("Put 20 into the equation.", "2 x 20 - t1 = 30."),
    explanation="10 epochs, so the second network had 64 - 10 - 20 = 34. With a window of 10 the "
    "first comparison is made after 11 epochs, so even 10 would be too early: the rounding of "
    "0.46 leaves room for 11.",
    expects="a whole number, for example 20",
)


def judge_saving(answer: Any) -> bool | str:
    """The CO2 saving of grown ResNet-50 at one intensity: that of its energy."""
    value = float(answer)
    if value > 1:
        return "Give it as a share between 0 and 1."
    if abs(value - published_saving(50, "co2_g")) < 0.004:
        return "That is the published one, each run charged with the grid of its own hour."
    return abs(value - published_saving(50, "kwh")) < 0.004


same_intensity = Exercise(
    question="Which share of the CO2 does the grown ResNet-50 save if both arms are charged alike?",
    judge=judge_saving,
    hints=(
        "CO2 is energy times g/kWh. What is left of the comparison if g/kWh is the same?",
        "1 - 1.32 / 1.75.",
    ),
    explanation=f"The share of the energy: {published_saving(50, 'kwh'):.1%}, not "
    f"{published_saving(50, 'co2_g'):.1%}. The difference is "
    f"{published_growth('grown', 50).intensity:.0f} against "
    f"{published_growth('fixed', 50).intensity:.0f} g/kWh: the weather over the power grid.",
    expects="a number between 0 and 1, for example 0.1",
)


def judge_asks(answer: Callable[[Sequence[float], int, float], bool]) -> bool | str:
    """Whether a function decides as the trigger does, for estimates since the last growth."""

    def right(estimates: Sequence[float], window: int, r_tol: float) -> bool:
        settings = GrowthSettings(growths=1, window=window, reserve=1, r_tol=r_tol)
        trigger = Trigger(settings, epochs=1000)
        trigger.estimates = list(estimates)
        return trigger.risky

    rising = [10.0, 10.5, 11.0, 12.0, 13.0, 14.5]
    if answer([10.0], 3, 1.1) or answer([10.0, 20.0], 3, 1.1):
        return "Before the window is full there is nothing to compare: answer False."
    if answer([2.0, 2.0, 3.0, 3.0], 2, 1.5):
        return "The rise has to be more than r_tol: exactly r_tol is not enough."
    if answer([10.0, 10.0, 10.0, 10.0, 16.0], 5, 1.4) or answer([1.0, 9.0, 5.0, 5.0], 2, 1.4):
        return "Compare means over the window, not single estimates."
    cases = [
        (rising[:n], window, r_tol)
        for n in range(1, 7)
        for window in (1, 2, 3)
        for r_tol in (1.05, 1.2, 1.4)
    ]
    return all(bool(answer(*case)) == right(*case) for case in cases)


asks = Exercise(
    question="Can you write the trigger?",
    judge=judge_asks,
    hints=(
        "The first smoothed value is the mean of the first `window` estimates, the present one the "
        "mean of the last `window`.",
        "Return whether the present one divided by the first one is greater than r_tol.",
    ),
    explanation="Means over a window, so that one noisy epoch decides nothing; a ratio, so that "
    "the size of the estimate, which is only an upper bound, does not matter.",
    expects="a function of (estimates, window, r_tol) that returns True or False",
)


def judge_equal_work(answer: Any) -> bool | str:
    """Epochs of ResNet-14 that cost what a grown run costs."""
    if abs(float(answer) - sum(SPANS)) < 0.5:
        return "As many epochs are less work: an epoch of ResNet-26 costs more than one of 14."
    return abs(float(answer) - equal_work_epochs()) < 1


def equal_work_epochs(image: int = 16) -> float:
    """Epochs of ResNet-14 with the multiplications of 22 epochs of it and 10 of ResNet-26."""
    return SPANS[0] + SPANS[1] * example_work(26, image) / example_work(14, image)


equal_work = Exercise(
    question="For how many epochs can ResNet-14 train for the work of the grown network?",
    judge=judge_equal_work,
    hints=(
        "Express the epochs of ResNet-26 in epochs of ResNet-14.",
        "One epoch of depth 26 costs as much as 55.0 / 26.7 epochs of depth 14.",
    ),
    explanation="22 + 10 x 2.06 = 42.6 epochs. If those give the same accuracy, then the depth "
    "that was grown has bought nothing: at equal work the small network was enough.",
    expects="a number of epochs, for example 32",
)
