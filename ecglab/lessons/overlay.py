"""Pictures that share a background: it is drawn once, and what differs is drawn upon it.

Axes, labels and legends take most of the time of a drawing. They are the same for every choice in
an explorer, so a change draws only what differs and answers in a few hundredths of a second. An
axis or a title that does differ is marked with ``set_animated(True)``, matplotlib's word for it.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ecglab.lessons.figures import DPI, add_label


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
    add_label(figure, label)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # all but what is animated
    return Background(figure, canvas.copy_from_bbox(figure.bbox))


def overlaid_png(behind: Background, draw: Callable[[Figure], None]) -> bytes:
    """PNG bytes of the background and of what ``draw`` adds to its axes, which is removed again.

    ``draw`` sets anew whatever is animated, each time.
    """
    figure, canvas = behind.figure, behind.figure.canvas
    known = [(ax, set(ax.get_children())) for ax in figure.axes]
    try:
        draw(figure)
        canvas.restore_region(behind.pixels)
        for ax, before in known:
            shown = [a for a in ax.get_children() if a.get_animated() or a not in before]
            for artist in sorted(shown, key=methodcaller("get_zorder")):
                ax.draw_artist(artist)
    finally:
        for ax, before in known:
            for artist in [artist for artist in ax.get_children() if artist not in before]:
                artist.remove()
    return flat_png(np.asarray(canvas.buffer_rgba()))


def flat_png(pixels: UInt8[np.ndarray, "height width channels"]) -> bytes:
    """Pixels (red, green and blue come first) as PNG bytes, the rows unfiltered.

    A figure is mostly flat colour: to search the best filter for each row, as Pillow does, takes
    two thirds of the time and makes it no smaller.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter, 0: none
    inside = rows[:, 1:].reshape(height, width, 3)
    for channel in range(3):
        inside[..., channel] = pixels[..., channel]
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    parts = (b"IHDR", size), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
