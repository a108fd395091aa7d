"""Pictures that share a background: it is drawn once, and what differs is drawn upon it.

Axes, labels and legends take most of the time of a drawing. They are the same for every choice in
an explorer, so a change draws only what differs and answers in a few hundredths of a second.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ecglab.lessons.figures import DPI, png


@dataclass(frozen=True)
class Background:
    """A figure with the axes and lines that several pictures share, and its pixels."""

    figure: Figure
    pixels: object


def background(figure: Figure, *, label: str) -> Background:
    """Draw the figure with its ``label`` and keep it: what is drawn later moves nothing."""
    for ax in figure.axes:
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    figure.set_dpi(DPI)  # that of every saved figure: canvas and picture have the same pixels
    canvas = FigureCanvasAgg(figure)
    png(figure, label=label)  # adds the label and draws on the canvas
    return Background(figure, canvas.copy_from_bbox(figure.bbox))


def overlaid_png(behind: Background, draw: Callable[[Figure], None]) -> bytes:
    """PNG bytes of the background and of what ``draw`` adds to its axes, which is removed again."""
    figure, canvas = behind.figure, behind.figure.canvas
    before = [set(ax.get_children()) for ax in figure.axes]
    draw(figure)
    canvas.restore_region(behind.pixels)
    for ax, known in zip(figure.axes, before, strict=True):
        for artist in [artist for artist in ax.get_children() if artist not in known]:
            ax.draw_artist(artist)
            artist.remove()
    buffer = io.BytesIO()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()
