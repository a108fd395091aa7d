"""The picture of the tolerance explorer: a background drawn once, and a solver drawn upon it.

Axes, labels and legends take most of the time of a drawing. They are the same for every solver,
so a change of solver draws only what differs and answers in a few hundredths of a second.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ecglab.lessons.figures import DPI, png
from ecglab.lessons.solve_figures import draw_against_evaluations, draw_steps
from ecglab.lessons.style import CLASS_COLOURS, CLASS_MARKERS, INK, QUIET
from ecglab.lessons.sweep import Sweep, SweepRow


@dataclass(frozen=True)
class Background:
    """What the pictures of one example beat share: the figure, and its pixels once drawn."""

    figure: Figure
    found: Sweep
    example: int
    pixels: object


def background(found: Sweep, example: int, *, label: str = "") -> Background:
    """Axes that hold every solver of the sweep, with the reference solve, and ``label``."""
    figure = Figure(figsize=(11, 3.6), dpi=DPI)
    places = (0.085, 0.4, 0.735)
    left, middle, right = (figure.add_axes((place, 0.2, 0.25, 0.64)) for place in places)
    name = found.examples[example]["class"]
    ends = [t + h for row in found.rows for t, h in row.accepted]
    points = np.concatenate([row.paths[example] for row in (*found.rows, found.reference)])
    true = np.array(found.reference.paths[example])
    left.plot(*points.T, linestyle="none")  # so that the axes hold them all
    left.plot(*true.T, color=QUIET, linewidth=4, alpha=0.5)
    left.set(xlabel="first coordinate", ylabel="second coordinate")
    left.set_title(f"A beat of class {name} (grey: reference)", fontsize=12)
    steps = found.reference
    draw_steps(middle, steps.accepted, steps.rejected, colour=QUIET, level=-1.0)
    middle.axvline(1.0, color=QUIET, linestyle="--", linewidth=1)
    middle.set_yticks([0, -1], ["this\nsolver", "refe-\nrence"], fontsize=9)
    middle.set(xlabel="t, the depth", title="Where it stepped")
    middle.set(xlim=(-0.05, max(ends) + 0.05), ylim=(-1.6, 0.9))
    middle.grid(axis="y", visible=False)
    draw_against_evaluations(right, found.rows, "error")
    right.set_yscale("log")
    right.set(ylabel="relative error of y(1)", title="Among the others")
    right.legend(fontsize=8, loc="lower left")  # free: errors fall to the right
    for ax in (left, middle, right):
        # Kept as they are: a solver drawn later must not move what is drawn already.
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    canvas = FigureCanvasAgg(figure)
    png(figure, label=label)  # adds the label and draws on the canvas
    return Background(figure, found, example, canvas.copy_from_bbox(figure.bbox))


def draw_solver(behind: Background, row: SweepRow) -> list[Artist]:
    """Add one solver to the background's axes: its path, its steps and a ring around its point."""
    left, middle, right = behind.figure.axes
    name = behind.found.examples[behind.example]["class"]
    before = [set(ax.get_children()) for ax in behind.figure.axes]
    path = np.array(row.paths[behind.example])
    left.plot(*path.T, color=CLASS_COLOURS[name], marker=".")
    left.plot(*path[-1], CLASS_MARKERS[name], color=CLASS_COLOURS[name], markersize=10)
    draw_steps(middle, row.accepted, row.rejected, colour=CLASS_COLOURS[name])
    right.plot(row.evaluations, row.error, "o", mfc="none", mec=INK, markersize=17, mew=2)
    return [
        artist
        for ax, known in zip(behind.figure.axes, before, strict=True)
        for artist in ax.get_children()
        if artist not in known
    ]


def explorer_png(behind: Background, row: SweepRow) -> bytes:
    """The picture of one solver as PNG bytes."""
    canvas = behind.figure.canvas
    canvas.restore_region(behind.pixels)
    artists = draw_solver(behind, row)
    for artist in artists:
        artist.axes.draw_artist(artist)
        artist.remove()
    buffer = io.BytesIO()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def explorer_figure(found: Sweep, row: SweepRow, example: int) -> tuple[Figure, str]:
    """One solver beside the reference: a beat's path, the steps, and its place among the others."""
    behind = background(found, example)
    draw_solver(behind, row)
    return behind.figure, explorer_text(found, row, example)


def explorer_text(found: Sweep, row: SweepRow, example: int) -> str:
    """What `explorer_figure` shows, in words and numbers."""
    name = found.examples[example]["class"]
    path, true = row.paths[example], found.reference.paths[example]

    def place(point: Sequence[float]) -> str:
        return f"({point[0]:.1f}, {point[1]:.1f})"

    return (
        f"Left: the hidden state of a beat of class {name} goes from {place(path[0])} to "
        f"{place(path[-1])}, the reference to {place(true[-1])}. Middle: {len(row.accepted)} "
        f"accepted and {len(row.rejected)} rejected steps on the axis of t. Right: relative error "
        f"{row.error:.1e} at {row.evaluations:.0f} evaluations a batch, among the other solvers."
    )
