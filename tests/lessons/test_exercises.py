from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from sklearn.metrics import f1_score

from ecglab.data.beats import Beats
from ecglab.data.ecgsyn import PQRST
from ecglab.lessons.exercises import Exercise, choice, eda, near


@pytest.fixture
def exercise():
    return Exercise(
        question="How many?",
        judge=near(12, within=0.5),
        hints=("First.", "Second."),
        explanation="Because.",
        expects="a number, for example 3",
    )


def fresh(exercise):
    """The same exercise with nothing answered yet."""
    return replace(exercise, wrong=[])


@pytest.mark.parametrize("answer", [..., None])
def test_an_unanswered_exercise_says_what_it_expects(exercise, answer):
    feedback = exercise.check(answer)
    assert feedback.state == "unanswered"
    assert "a number, for example 3" in feedback.text


def test_a_right_answer_is_explained(exercise):
    feedback = exercise.check(12.3)
    assert (feedback.state, feedback.text) == ("correct", "Because.")


def test_hints_lead_on_and_stay_at_the_last(exercise):
    texts = [exercise.check(answer).text for answer in (1, 1, 2, 1, 3)]
    assert texts == [
        "Hint 1 of 2: First.",
        "Hint 1 of 2: First.",
        "Hint 2 of 2: Second.",
        "Hint 1 of 2: First.",
        "Hint 2 of 2: Second.",
    ]


@given(st.one_of(st.text(), st.lists(st.integers()), st.binary(), st.complex_numbers()))
def test_a_check_never_stops_the_notebook(answer):
    exercise = Exercise("How many?", near(12, within=0.5), ("Hint.",), "Because.", "a number")
    assert exercise.check(answer).state in ("not yet", "unreadable", "correct")


def test_a_failing_function_is_reported_with_its_message(exercise):
    failing = replace(exercise, judge=lambda answer: answer())
    feedback = failing.check(lambda: 1 / 0)
    assert feedback.state == "unreadable"
    assert "division by zero" in feedback.text


def test_a_misconception_gets_its_own_hint():
    judge = choice("b", {"a": "Think of the sign."})
    assert judge(" B) ") is True
    assert judge("a") == "Think of the sign."
    assert judge("c") is False


def test_feedback_is_text_and_html(exercise):
    feedback = replace(exercise, question="Is 1 < 2?").check(12)
    assert str(feedback) == "✓ Correct - Is 1 < 2? Because."
    assert "Is 1 &lt; 2?" in feedback._repr_html_()
    assert 'role="status"' in feedback._repr_html_()


@pytest.fixture
def beats(simulated) -> Beats:
    return simulated


def states(exercise, *answers):
    return [fresh(exercise).check(answer).state for answer in answers]


def test_whose_p_wave(answer_to):
    right = answer_to("eda", "whose_p_wave")
    assert states(eda.whose_p_wave, right, "a", "c", "z", 3) == ["correct"] + ["not yet"] * 4


def test_interval_from_length():
    rows_of_a_steady_rhythm = [round(1.2 * rr * 120) for rr in (0.75, 0.9, 0.72)]
    assert rows_of_a_steady_rhythm[0] == 108
    assert states(eda.interval_from_length, 0.75, 0.9, 0.72) == ["correct", "not yet", "not yet"]


def test_always_normal(beats):
    exercise = eda.always_normal(beats)
    by_sklearn = f1_score(
        beats.labels, np.zeros_like(beats.labels), average="macro", zero_division=0
    )
    share = float((beats.labels == 0).mean())
    assert states(exercise, by_sklearn, share, 0.5) == ["correct", "not yet", "not yet"]
    assert "its accuracy" in exercise.check(share).text
    assert "F1 of class N alone" in exercise.check(2 * share / (1 + share)).text


def test_own_split(beats, answer_to):
    exercise = eda.own_split(beats)
    rng = np.random.default_rng(0)
    cases = {
        "in both parts": lambda b: rng.random(len(b)) < 0.2,
        "take between": lambda b: b.records == b.records[0],
        "no beat of class": lambda b: b.records < np.unique(b.records)[6],
        "expected a function": lambda b: np.unique(b.records),
    }
    for said, answer in cases.items():
        assert said in exercise.check(answer).text
    assert exercise.check(answer_to("eda", "own_split")).state == "correct"


@pytest.mark.mitdb
def test_own_split_on_real_beats(mitdb_beats, answer_to):
    exercise = eda.own_split(mitdb_beats)
    assert exercise.check(answer_to("eda", "own_split")).state == "correct"
    half = [100, 102, 104, 114, 118, 200, 205, 207, 208, 209, 223]
    assert exercise.check(lambda b: np.isin(b.records, half)).state == "correct"
    with_one_of_two = exercise.check(lambda b: np.isin(b.records, [*half, 201]))
    assert "but one man is" in with_one_of_two.text
    both = exercise.check(lambda b: np.isin(b.records, [*half, 201, 202]))
    assert both.state == "correct"


def test_onto_the_circle():
    event = lambda t, r: r[0] - 0.99  # noqa: E731
    solved = solve_ivp(lambda t, r: r * (1 - r), (0, 10), [0.5], events=event, rtol=1e-9)
    seconds = float(solved.t_events[0][0])
    assert states(eda.onto_the_circle, seconds, 2.3, 0.99) == ["correct", "not yet", "not yet"]


def test_ventricular(answer_to):
    ventricular = answer_to("eda", "ventricular")

    def without(name):
        return lambda waves: [
            old if old.name == name else new
            for old in waves
            for new in [next((w for w in ventricular(waves) if w.name == old.name), None)]
            if new or old.name == name
        ]

    assert eda.ventricular.check(ventricular).state == "correct"
    assert "still a P wave" in eda.ventricular.check(lambda waves: waves).text
    assert "still a P wave" in eda.ventricular.check(without("P")).text
    assert "too narrow" in eda.ventricular.check(without("Q")).text
    assert "T wave" in eda.ventricular.check(without("T")).text
    assert "R wave is gone" in eda.ventricular.check(lambda waves: ventricular(waves)[2:]).text
    assert eda.ventricular.check(PQRST).state == "unreadable"
