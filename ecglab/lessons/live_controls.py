"""Fields for a solver of one's own, and the button that runs it."""

from collections.abc import Callable
from typing import Final

import ipywidgets as widgets

from ecglab.errors import EcglabError
from ecglab.lessons.gradient_sweep import ways_of
from ecglab.models.solve import METHODS, Solver
from ecglab.models.tableaus import TABLEAUS

# Those whose steps can be followed: adaptive ones, and those of a table.
FOLLOWED: Final = tuple(m for m in METHODS if m in TABLEAUS or Solver(method=m).adaptive)


def live_controls(run: Callable[[Solver], None], say: Callable[[str], None]) -> widgets.HBox:
    """Fields and a button; ``run`` gets the solver, ``say`` the sentence on what went wrong.

    The button stays enabled while it solves: a disabled one would lose the keyboard's focus.
    """
    tolerance = {"value": 3e-3, "min": 1e-6, "max": 1.0}
    method = widgets.Dropdown(description="Own method", options=FOLLOWED)
    rtol = widgets.BoundedFloatText(description="Own rtol", **tolerance)
    atol = widgets.BoundedFloatText(description="Own atol", **tolerance)
    steps = widgets.BoundedIntText(description="Own steps", value=3, min=1, max=200)
    gradient = widgets.Dropdown(description="Own gradient")
    button = widgets.Button(
        description="Run", tooltip="Solve now, on this machine, with the fields beside the button"
    )
    fields = [method, rtol, atol, steps, gradient]
    for field in fields:
        field.style.description_width = "8em"
        field.layout.width = "18em"

    def offer(_change: object = None) -> None:
        """Show the fields that have a meaning for the method."""
        adaptive = Solver(method=method.value).adaptive
        for field, meant in ((rtol, adaptive), (atol, adaptive), (steps, not adaptive)):
            field.layout.display = "" if meant else "none"
        gradient.options = [way.gradient for way in ways_of(Solver(method=method.value))]
        gradient.value = gradient.options[0]

    def solver() -> Solver:
        common = {"method": method.value, "gradient": gradient.value}
        if Solver(method=method.value).adaptive:
            return Solver(**common, rtol=rtol.value, atol=atol.value)
        return Solver(**common, steps=steps.value)

    def clicked(_button: object) -> None:
        try:
            run(solver())
        except EcglabError as error:
            say(str(error))

    method.observe(offer, "value")
    offer()
    button.on_click(clicked)
    return widgets.HBox([*fields, button], layout=widgets.Layout(flex_flow="row wrap"))
