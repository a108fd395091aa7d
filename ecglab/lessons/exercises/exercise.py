"""One mechanism for every exercise: judge an answer, explain it, or lead on with a hint."""

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

State = Literal["correct", "not yet", "unanswered", "unreadable"]
SIGNS: Final = {"correct": "✓", "not yet": "→", "unanswered": "…", "unreadable": "?"}


@dataclass(frozen=True)
class Feedback:
    """What the learner reads after a check; a notebook shows it as the value of the cell."""

    question: str
    state: State
    text: str

    def __str__(self) -> str:
        return f"{SIGNS[self.state]} {self.state.capitalize()} - {self.question} {self.text}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (
            '<div role="status" style="border-left:4px solid currentColor;padding:.3em .8em">'
            f"<strong>{SIGNS[self.state]} {self.state.capitalize()}.</strong> "
            f"<em>{html.escape(self.question)}</em><br>{html.escape(self.text)}</div>"
        )


@dataclass(frozen=True)
class Exercise:
    """A question with a judge of answers, hints that lead on, and an explanation.

    ``judge`` returns True for a right answer, False for a wrong one (the next hint is shown), or
    a hint of its own for a mistake that it recognises. ``expects`` says what kind of answer is
    wanted, such as ``"a rate in Hz, for example 250"``.
    """

    question: str
    judge: Callable[[Any], bool | str]
    hints: tuple[str, ...]
    explanation: str
    expects: str
    wrong: list[str] = field(default_factory=list, compare=False, repr=False)

    def check(self, answer: object) -> Feedback:
        """Judge ``answer``; a check never stops the notebook, whatever it is given."""
        if answer is ... or answer is None:
            return Feedback(self.question, "unanswered", f"Expected: {self.expects}.")
        try:
            verdict = self.judge(answer)
        except Exception as error:  # the answer may be anything, and may be code that fails
            text = f"The answer could not be used ({error}): expected {self.expects}."
            return Feedback(self.question, "unreadable", text)
        if isinstance(verdict, str):
            return Feedback(self.question, "not yet", verdict)
        if verdict:
            return Feedback(self.question, "correct", self.explanation)
        return Feedback(self.question, "not yet", self.next_hint(answer))

    def next_hint(self, answer: object) -> str:
        """One hint further for each new wrong answer; running a cell again gives the same one."""
        if repr(answer) not in self.wrong:
            self.wrong.append(repr(answer))
        number = min(self.wrong.index(repr(answer)), len(self.hints) - 1)
        return f"Hint {number + 1} of {len(self.hints)}: {self.hints[number]}"


def near(expected: float, *, within: float) -> Callable[[Any], bool]:
    """A judge that accepts numbers at most ``within`` away from ``expected``."""
    return lambda answer: abs(float(answer) - expected) <= within


def choice(right: str, misconceptions: dict[str, str] | None = None) -> Callable[[Any], bool | str]:
    """A judge for one letter; ``misconceptions`` answers a wrong letter with its own hint."""

    def judge(answer: Any) -> bool | str:
        letter = str(answer).strip().lower().rstrip(".)")
        return letter == right or (misconceptions or {}).get(letter, False)

    return judge
