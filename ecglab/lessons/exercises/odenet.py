"""Exercises of lesson 03: the vector field, the solver's work, and choosing a solver."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ecglab.errors import DataError
from ecglab.lessons.exercises.exercise import Exercise, choice
from ecglab.lessons.probe import Probe
from ecglab.lessons.sweep import measure
from ecglab.models import Solver
from ecglab.models.odenet import Dynamics
from ecglab.training.meters import parameter_count

FIELD = parameter_count(Dynamics(64, bias=True, last_norm=True))


def judge_parameters(answer: Any) -> bool | str:
    """Parameters of the wide ODE block, whatever the number of steps."""
    value = float(answer)
    if value == 2 * FIELD:
        return "The second half of the steps evaluates the same f. Which new weights would it use?"
    if value == 12 * 24_832:
        return "That would be a ResNet of twelve blocks, each with weights of its own."
    return value == FIELD


parameters_of_steps = Exercise(
    question="How many parameters has the ODE block when its solver takes 12 steps instead of 6?",
    judge=judge_parameters,
    hints=(
        "What is learnt is f. What does a step do with it?",
        "The table of section 1 has the number for any number of steps.",
    ),
    explanation=f"Still {FIELD:,}: steps cost time, not parameters. The depth of an ODENet is the "
    f"solver's business.",
    expects="a whole number, for example 1000",
)


def judge_evaluations(answer: Any) -> bool | str:
    """Evaluations of dopri5 with 4 accepted and 1 rejected step."""
    value = float(answer)
    if value == 2 + 6 * 4:
        return "A rejected step has been computed, too, before it was found too long."
    if value in (7 * 5, 2 + 7 * 5):
        return "The last of the 7 stages is the first of the next step: it is not computed twice."
    if value == 6 * 5:
        return "Before the first step the solver evaluates f to guess how long it may be."
    return value == 2 + 6 * 5


evaluations_of_steps = Exercise(
    question="How often does dopri5 evaluate f when it accepts 4 steps and rejects 1?",
    judge=judge_evaluations,
    hints=(
        "Each attempt costs 6 new evaluations. How many attempts were there?",
        "Two more evaluations are spent before the first step. Test your rule on section 6.",
    ),
    explanation="2 + 6 x 5 = 32: two to choose the first step, six for each attempt.",
    expects="a whole number, for example 10",
)

batch_mates = Exercise(
    question="Why does the answer for one beat depend on the other beats of its batch?",
    judge=choice(
        "c",
        {
            "a": "GroupNorm computes its means within one beat. Section 7 has a solver for which "
            "no beat depends on the others, with the same GroupNorm.",
            "b": "The weights are fixed when the network is evaluated.",
        },
    ),
    hints=("Answer with one letter: a, b or c.",),
    explanation="One error norm over the whole batch decides on each step. A beat that is hard to "
    "follow shortens the steps for all; easy ones hide the error of a hard one.",
    expects="a letter in quotes, for example 'a'",
)


class OfOneLayer(nn.Module):
    """Dynamics that are one layer, whatever the time."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.layer(y)


def judge_field_test(answer: Callable[[nn.Module, Tensor], bool]) -> bool | str:
    """Whether a function tells dynamics of one field from those with another in evaluation mode."""
    y = 1 + 3 * torch.randn(8, 32, 16, generator=torch.Generator().manual_seed(0))
    for mode in (True, False):  # a network comes from training, or from an evaluation
        if not bool(answer(Dynamics(32, bias=False, last_norm=False).train(mode), y)):
            return "Dynamics with GroupNorm are the same in both modes: say True for them."
        if bool(answer(OfOneLayer(nn.BatchNorm1d(32)).train(mode), y)):
            return (
                "It missed BatchNorm. Within one mode that answers alike each time; ask once in "
                "each mode."
            )
        if bool(answer(OfOneLayer(nn.Dropout()).train(mode), y)):
            return "It missed Dropout, which acts in training mode alone. Compare what f answers."
    return True


one_field = Exercise(
    question="Can you test whether dynamics are the same field in training as in evaluation mode?",
    judge=judge_field_test,
    hints=(
        "f.train() and f.eval() set the mode and return f.",
        "Ask f in each mode with the same t and y, and compare with torch.allclose.",
    ),
    explanation="Same t, same y, same answer in both modes: then the field that was trained is "
    "the field that is used. Within one mode BatchNorm passes every test.",
    expects="a function of f and a state y that returns True or False",
)


def judge_augment(answer: Callable[[Tensor], Tensor]) -> bool | str:
    """Whether a function appends five channels of zeros to a state."""
    y = torch.randn(2, 32, 46, generator=torch.Generator().manual_seed(0))
    larger = answer(y)
    if not isinstance(larger, Tensor):
        raise DataError(f"found {type(larger).__name__}")
    if larger.shape == (2, 32, 51):
        return "The zeros were appended to the time axis. Channels are axis 1."
    if larger.shape != (2, 37, 46):
        return f"From (2, 32, 46) the shape became {tuple(larger.shape)}: expected (2, 37, 46)."
    if not torch.equal(larger[:, :32], y):
        return "The first channels should be the state as it was."
    return bool((larger[:, 32:] == 0).all())


augmented = Exercise(
    question="Can you augment a state with five channels of zeros?",
    judge=judge_augment,
    hints=(
        "y.new_zeros(...) gives zeros of the right type and on the right device.",
        "torch.cat([y, zeros], dim=1) appends channels. What is the shape of the zeros?",
    ),
    explanation="That is all an augmented neural ODE is (Dupont et al. 2019): room in which paths "
    "can pass each other that would have to meet in the smaller space.",
    expects="a function of a state (batch, channels, time) that returns the augmented one",
)


def thrifty_solver(probe: Probe) -> Exercise:
    """Find a solver with few evaluations that hardly changes what the network says."""
    budget, allowed = 16, 0.005

    def judge(answer: Solver) -> bool | str:
        if not isinstance(answer, Solver):
            raise DataError(f"found {type(answer).__name__}")
        row = measure(probe, answer)
        if row.evaluations > budget:
            return f"That took {row.evaluations:.0f} evaluations a batch, of {budget} allowed."
        if row.changed > allowed:
            return (
                f"Only {row.evaluations:.0f} evaluations, but {row.changed:.1%} of the beats got "
                f"another class than from the reference; {allowed:.1%} are allowed."
            )
        return True

    return Exercise(
        question=f"Which solver needs at most {budget} evaluations and changes the class of at "
        f"most {allowed:.1%} of the beats?",
        judge=judge,
        hints=("The table of section 9 shows what each solver costs and changes.",),
        explanation="After training, the solver is yours to choose. Where this network runs often, "
        "each evaluation saved is time saved, at a price that you have measured.",
        expects="a Solver, for example Solver(method='euler', steps=2, gradient='direct')",
    )
