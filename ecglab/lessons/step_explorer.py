"""The step explorer: choose an equation, a method and the number of steps, see path and error."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import ipywidgets as widgets

from ecglab.errors import SettingError
from ecglab.lessons.convergence import PROBLEMS
from ecglab.lessons.figures import image_html
from ecglab.lessons.overlay import Background, background, overlaid_png
from ecglab.lessons.panel import KEPT, Panel
from ecglab.lessons.step_figure import draw_choice, step_axes, step_text
from ecglab.models.tableaus import TABLEAUS

MOST_STEPS = 64


@dataclass(frozen=True)
class StepChoice:
    """Names of a problem and of a method, and the number of equal steps."""

    problem: str = "logistic growth"
    method: str = "euler"
    steps: int = 8

    def __post_init__(self):
        for value, known in ((self.problem, PROBLEMS), (self.method, TABLEAUS)):
            if value not in known:
                raise SettingError(f"Unknown {value!r}: expected one of {', '.join(known)}.")
        if not 1 <= self.steps <= MOST_STEPS:
            raise SettingError(f"steps={self.steps} is not among 1 to {MOST_STEPS}.")


@cache
def behind(problem: str) -> Background:
    """What all pictures of one equation share."""
    return background(step_axes(PROBLEMS[problem]), label="")


@lru_cache(maxsize=KEPT)
def step_picture(choice: StepChoice) -> tuple[bytes, str]:
    """PNG and description of one choice; nothing but the choice decides them."""
    settings = PROBLEMS[choice.problem], TABLEAUS[choice.method], choice.steps
    drawn = overlaid_png(behind(choice.problem), lambda figure: draw_choice(figure, *settings))
    return drawn, step_text(*settings)


def step_explorer(
    picture: Callable[[StepChoice], tuple[bytes, str]] = step_picture,
) -> widgets.VBox:
    """Three labelled controls, a picture and a line that describes it."""
    start = StepChoice()
    equations = [(f"{name}: {problem.formula}", name) for name, problem in PROBLEMS.items()]
    wide = widgets.Layout(width="26em")
    problem = widgets.Dropdown(
        description="Equation", options=equations, value=start.problem, layout=wide
    )
    method = widgets.Dropdown(description="Method", options=[*TABLEAUS], value=start.method)
    steps = widgets.BoundedIntText(
        description="Steps", value=start.steps, min=1, max=MOST_STEPS
    )  # a field, not a slider: those have no name for screen readers
    panel = Panel()

    def redraw(_change: object = None) -> None:
        drawn, text = picture(StepChoice(problem.value, method.value, steps.value))
        panel.show(image_html(drawn, text), text)

    for control in (problem, method, steps):
        control.observe(redraw, "value")
    redraw()
    for name in PROBLEMS:
        behind(name)  # drawn ahead, so that another equation is quick as well
    controls = widgets.HBox([problem, method, steps], layout=widgets.Layout(flex_flow="row wrap"))
    box = widgets.VBox([controls, panel.picture, panel.status])
    return box.add_class("ecglab-step-explorer")
