"""Lists that depend on each other: each offers what was measured for the choices before it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from ecglab.models.solve import Solver

Choice = Mapping[str, Any]  # names and values; None where a name has no meaning


def choice_of(solver: Solver, **others: Any) -> dict[str, Any]:
    """A solver as a choice: tolerances for an adaptive method, steps for a fixed one."""
    adaptive = solver.adaptive
    return {
        "method": solver.method,
        "rtol": solver.rtol if adaptive else None,
        "atol": solver.atol if adaptive else None,
        "steps": None if adaptive else solver.steps or 1,
        **others,
    }


def nearest(values: Sequence[Any], wanted: Any) -> Any:
    """``wanted`` where it is among the values, else the nearest number, else the first value.

    Numbers are compared by their ratio; where no number is wanted, the one in the middle is taken.
    """
    if wanted in values:
        return wanted
    if not all(isinstance(value, int | float) for value in values):
        return values[0]
    if not isinstance(wanted, int | float):
        return values[(len(values) - 1) // 2]
    return min(values, key=lambda value: abs(math.log(value / wanted)))


def narrow(
    choices: Sequence[Choice], wanted: Choice
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """What each name offers given those before it, and the choice nearest to ``wanted``.

    Numbers go from coarse to fine: tolerances fall, steps rise. Other values keep their order.
    """
    offered, chosen = {}, {}
    for name in choices[0]:
        values = list(dict.fromkeys(choice[name] for choice in choices))
        if all(isinstance(value, int | float) for value in values):
            values.sort(reverse=isinstance(values[0], float))
        offered[name] = values
        chosen[name] = nearest(values, wanted.get(name))
        choices = [choice for choice in choices if choice[name] == chosen[name]]
    return offered, chosen


def value_text(value: Any) -> str:
    """How a list writes a value."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def connect(
    lists: Mapping[str, widgets.Dropdown],
    choices: Callable[[], Sequence[Choice]],
    show: Callable[[Choice], None],
) -> Callable[[Choice], None]:
    """Let the lists offer the ``choices`` and ``show`` each one taken, once for each change.

    Returns the function that takes a choice, or the nearest there is. A list without meaning for
    it disappears.
    """

    def changed(_change: object) -> None:
        take({name: control.value for name, control in lists.items()})

    def take(wanted: Choice) -> None:
        offered, chosen = narrow(choices(), wanted)
        for name, control in lists.items():
            control.unobserve(changed, "value")
            options = tuple((value_text(value), value) for value in offered[name])
            if control.options != options:
                control.options = options
            control.value = chosen[name]
            control.layout.display = "none" if chosen[name] is None else ""
            control.observe(changed, "value")
        show(chosen)

    for control in lists.values():
        control.observe(changed, "value")
    return take
