"""Right and wrong answers to lesson 03 go through the checks."""

import dataclasses

import pytest
import torch

from ecglab.data.load import subsample
from ecglab.lessons.exercises import odenet
from ecglab.lessons.probe import prepare
from ecglab.models import ODENet


def asked_twice(f, h):
    return torch.equal(f(0.5, h), f(0.5, h))


def looked_for_averages(f, h):
    return not any(True for _ in f.buffers())


WRONG = {
    "parameters_of_steps": [50_944, 297_984, 1],
    "evaluations_of_steps": [26, 30, 35, 37, 1],
    "batch_mates": ["a", "b", "d"],
    "one_field": [asked_twice, looked_for_averages, lambda f, h: True, lambda f, h: False],
    "augmented": [
        lambda h: torch.nn.functional.pad(h, (0, 5)),
        lambda h: torch.nn.functional.pad(h, (0, 0, 5, 0)),
        lambda h: torch.cat([h, h[:, :5]], 1),
        lambda h: h,
    ],
}


def fresh(name):
    return dataclasses.replace(getattr(odenet, name), wrong=[])


@pytest.mark.parametrize("name", WRONG)
def test_a_right_answer_is_explained(name, answer_to):
    exercise = fresh(name)
    assert exercise.check(...).state == "unanswered"
    feedback = exercise.check(answer_to("odenet", name))
    assert (feedback.state, feedback.text) == ("correct", exercise.explanation)


def test_what_another_route_finds_is_right_too():
    padded = fresh("augmented").check(lambda h: torch.nn.functional.pad(h, (0, 0, 0, 5)))
    assert padded.state == "correct"
    assert fresh("parameters_of_steps").check(25_472).state == "correct"


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_get_a_hint(name):
    exercise = fresh(name)
    texts = [exercise.check(answer) for answer in WRONG[name]]
    assert {feedback.state for feedback in texts} == {"not yet"}
    assert exercise.explanation not in {feedback.text for feedback in texts}
    assert exercise.check(object()).state in ("unreadable", "not yet")


def test_recognised_mistakes_get_hints_of_their_own():
    assert "rejected" in fresh("evaluations_of_steps").check(26).text
    assert "twelve blocks" in fresh("parameters_of_steps").check(12 * 24_832).text
    assert "BatchNorm" in fresh("one_field").check(asked_twice).text
    assert "Dropout" in fresh("one_field").check(looked_for_averages).text
    assert "time axis" in fresh("augmented").check(WRONG["augmented"][0]).text


@pytest.mark.parametrize("training", [True, False])
def test_within_one_mode_batch_norm_answers_alike(training):
    """Why the exercise asks in both modes: a test within one cannot find what it looks for."""
    y, other = torch.randn(2, 8, 32, 16)
    f = odenet.OfOneLayer(torch.nn.BatchNorm1d(32)).train(training)
    first = f(0.5, y)
    f(0.5, 1 + 3 * other)
    assert torch.equal(first, f(0.5, y))


def test_a_solver_is_judged_by_solving(simulated, answer_to):
    torch.manual_seed(3)
    model = ODENet(16, stem="strided")
    probe, _ = prepare(model, subsample(simulated, 80), batch_size=64)
    exercise = odenet.thrifty_solver(probe)
    fine = answer_to("odenet", "thrifty_solver")
    assert exercise.check(fine).state == "correct"
    dear = exercise.check(dataclasses.replace(fine, steps=8))
    assert dear.state == "not yet" and "32 evaluations" in dear.text
    assert exercise.check("rk4").state == "unreadable"
    probe = dataclasses.replace(
        probe,
        reference=dataclasses.replace(probe.reference, classes=(probe.reference.classes + 1) % 5),
    )
    moved = odenet.thrifty_solver(probe).check(fine)
    assert moved.state == "not yet" and "100.0%" in moved.text
