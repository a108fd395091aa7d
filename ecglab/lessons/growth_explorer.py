"""The growth replay: walk through a training run epoch by epoch and see why it grows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import ipywidgets as widgets

from ecglab.errors import SettingError
from ecglab.lessons.figures import image_html
from ecglab.lessons.growth_replay import draw_replay, replay_axes, replay_text
from ecglab.lessons.growth_runs import Curve
from ecglab.lessons.overlay import Background, background, overlaid_png
from ecglab.lessons.panel import KEPT, Panel


@dataclass(frozen=True)
class Replay:
    """One run at one epoch, counted from 1."""

    curve: Curve
    epoch: int

    def __post_init__(self):
        if not 1 <= self.epoch <= len(self.curve.history):
            raise SettingError(
                f"{self.curve.name} has {len(self.curve.history)} epochs: number {self.epoch} is "
                f"not among them, expected one from 1."
            )


def replay_picture(behind: Background, shown: Replay) -> bytes:
    """PNG of one epoch upon the background of its run; nothing but the two decides it."""
    return overlaid_png(behind, lambda figure: draw_replay(figure, shown.curve, shown.epoch))


def epoch_row(curve: Curve, epoch: int) -> dict[str, object]:
    """The numbers of one epoch as a row of a table."""
    entry, ratio = curve.history[epoch - 1], curve.ratios[epoch - 1]
    return {
        "epoch": epoch,
        "depth": curve.depths[epoch - 1],
        "learning rate": f"{entry.learning_rate:.4f}",
        "Lipschitz estimate": "" if entry.lipschitz is None else f"{entry.lipschitz:.2f}",
        "over its first": "" if ratio is None else f"{ratio:.2f}",
        "training loss": f"{entry.train_loss:.4f}",
        "validation error": f"{100 * curve.errors[epoch - 1]:.2f} %",
        "seconds": f"{entry.seconds:.1f}",
        "grows then": entry.grown,
    }


def telling_epochs(curve: Curve) -> list[int]:
    """The first and the last epoch, and those before and after each growth."""
    around = [epoch for after in curve.growth_epochs for epoch in (after, after + 1)]
    return sorted({1, *around, len(curve.history)})


def next_growth(curve: Curve, epoch: int) -> int:
    """The next epoch after which the run grows; the last one where it does not grow any more."""
    ahead = [after for after in curve.growth_epochs if after > epoch]
    return ahead[0] if ahead else len(curve.history)


def growth_explorer(curves: Mapping[str, Curve], *, label: str) -> widgets.VBox:
    """A list of runs, an epoch, four buttons, and a picture with its numbers and a status line.

    ``curves`` are named as the list shall show them; ``label`` says where they come from.
    """
    behind = {name: background(replay_axes(curve), label=label) for name, curve in curves.items()}

    @lru_cache(maxsize=KEPT)
    def drawn(name: str, epoch: int) -> str:
        picture = replay_picture(behind[name], Replay(curves[name], epoch))
        return image_html(picture, f"{replay_text(curves[name], epoch)} ({label})")

    run = widgets.Dropdown(
        description="Training run",
        options=list(curves),
        style={"description_width": "initial"},
        layout=widgets.Layout(width="26em"),
    )
    epoch = widgets.BoundedIntText(
        description="Epoch", value=1, min=1, max=1, layout=widgets.Layout(width="12em")
    )
    panel = Panel()

    def redraw(_change: object = None) -> None:
        curve = curves[run.value]
        panel.show(
            drawn(run.value, epoch.value),
            replay_text(curve, epoch.value),
            {f"This epoch ({label})": [epoch_row(curve, epoch.value)]},
        )

    def new_run(_change: object = None) -> None:
        epoch.unobserve(redraw, "value")
        epoch.max = len(curves[run.value].history)  # a longer run's epoch is cut to the last
        epoch.observe(redraw, "value")
        redraw()

    def button(text: str, goal: Callable[[Curve, int], int]) -> widgets.Button:
        made = widgets.Button(description=text, layout=widgets.Layout(width="9em"))

        def go(_button: object) -> None:
            epoch.value = goal(curves[run.value], epoch.value)  # the field keeps within its ends

        made.on_click(go)
        return made

    buttons = [
        button("To the start", lambda curve, now: 1),
        button("One back", lambda curve, now: now - 1),
        button("One on", lambda curve, now: now + 1),
        button("To next growth", next_growth),
    ]
    run.observe(new_run, "value")
    new_run()
    row = widgets.Layout(flex_flow="row wrap")
    controls = [widgets.HBox([run, epoch], layout=row), widgets.HBox(buttons, layout=row)]
    return widgets.VBox([*controls, *panel.parts]).add_class("ecglab-growth-explorer")
