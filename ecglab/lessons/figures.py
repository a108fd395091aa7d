"""Figures and tables that also reach a reader who cannot see them.

Figures are made without pyplot, so that nothing is drawn twice and widgets can draw from
callbacks. Every figure and table carries a text alternative and, where it does not come from a
full run on real data, a label that says so.
"""

import base64
import html
import io
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from IPython.display import display
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ecglab.errors import SettingError

# As a table writes it, with a sign, an exponent, a percent sign; an empty cell may stand below.
NUMBER: Final = re.compile(r"(?:[-+−]?(?:\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|inf|nan)%?)?")
PLAIN: Final = FuncFormatter(lambda value, _: f"{value:g}")
DPI = 110
LABEL_HEIGHT = 0.24  # inch kept free below the axes for the label


def new_figure(
    rows: int = 1,
    cols: int = 1,
    *,
    width: float = 9.0,
    height: float | None = None,
    **subplots,
) -> tuple[Figure, np.ndarray]:
    """An empty figure and its axes as an array ``(rows, cols)``; sizes in inch.

    Further arguments (``sharex``, ``width_ratios`` ...) go to ``Figure.subplots``.
    """
    figure = Figure(figsize=(width, height or 1.2 + 2.4 * rows), layout="constrained")
    return figure, figure.subplots(rows, cols, squeeze=False, **subplots)


def plain_log_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 times a power of ten, written as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(PLAIN)
    axis.set_minor_locator(NullLocator())


def add_label(figure: Figure, label: str) -> None:
    """Write ``label`` into the lower right corner of the figure, once."""
    if label and label not in (text.get_text() for text in figure.texts):
        share = LABEL_HEIGHT / figure.get_figheight()
        if (engine := figure.get_layout_engine()) is not None:
            engine.set(rect=(0, share, 1, 1 - share))
        figure.text(0.995, 0.01, label, ha="right", va="bottom", fontsize=9, color="#444444")


def png(figure: Figure, *, label: str = "") -> bytes:
    """The figure as PNG bytes, with ``label`` in its lower right corner."""
    add_label(figure, label)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white")
    return buffer.getvalue()


def image_html(png: bytes, alt: str) -> str:
    """PNG bytes as an image with a text alternative; its room is kept while it is decoded."""
    width, height = struct.unpack(">II", png[16:24])  # from the header, that nothing jumps
    source = base64.b64encode(png).decode()
    return (
        f'<img alt="{html.escape(alt, quote=True)}" width="{width}" height="{height}" '
        f'decoding="sync" style="max-width:100%;height:auto;background:#fff" '
        f'src="data:image/png;base64,{source}">'
    )


def show(figure: Figure, alt: str, *, label: str = "") -> None:
    """Display the figure with its text alternative ``alt``, which says what is to be seen."""
    if not alt.strip():
        raise SettingError(
            "A figure needs a text alternative: say in alt, in a sentence or two with numbers "
            "from the data, what is to be seen."
        )
    text = f"{alt} ({label})" if label else alt
    image = image_html(png(figure, label=label), text)
    display({"text/html": image, "text/plain": f"[Figure] {text}"}, raw=True)


def cell_text(value: object) -> str:
    """How a table writes a value: integers with thousands separators, floats with 3 decimals."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    return str(value)


def headline_text(value: object, unit: str = "") -> str:
    """How a headline figure is written: four digits that count, and its unit."""
    text = f"{value:.4g}" if isinstance(value, float | np.floating) else cell_text(value)
    return f"{text} {unit}".strip()


def table(rows: Sequence[Mapping[str, object]], caption: str, *, label: str = "") -> None:
    """Display rows (all with the same keys) as an accessible table with a plain-text twin.

    The first column names the row. See `cell_text` for how numbers are written.
    """
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise SettingError(
            "A table needs at least one row, and the same column names in each row: found "
            f"{[list(row) for row in rows]}."
        )
    caption = f"{caption} ({label})" if label else caption
    body = [[cell_text(value) for value in row.values()] for row in rows]
    markup = table_html(rows, body, caption)
    display({"text/html": markup, "text/plain": table_text(list(rows[0]), body, caption)}, raw=True)


def table_html(rows: Sequence[Mapping[str, object]], body: list[list[str]], caption: str) -> str:
    """The table as HTML: a caption, column headers and row headers with their scope.

    Columns of numbers stand to the right, and their headers with them.
    """
    columns = list(zip(*body, strict=True))[1:]
    numeric = (all(NUMBER.fullmatch(text) for text in column) for column in columns)
    sides = ["left", *("right" if number else "left" for number in numeric)]

    def line(kinds: list[str], texts: Iterable[str]) -> str:
        cells = (
            f'<{kind} style="text-align:{side}">{html.escape(text)}</{kind[:2]}>'
            for kind, side, text in zip(kinds, sides, texts, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"

    head = line(['th scope="col"'] * len(sides), rows[0])
    kinds = ['th scope="row"', *["td"] * len(columns)]
    return (
        f'<table><caption style="text-align:left">{html.escape(caption)}</caption>'
        f"<thead>{head}</thead>"
        f"<tbody>{''.join(line(kinds, texts) for texts in body)}</tbody></table>"
    )


def table_text(names: list[str], body: list[list[str]], caption: str) -> str:
    """The table as aligned plain text under its caption."""
    columns = list(zip(names, *body, strict=True))
    widths = [max(len(text) for text in column) for column in columns]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [names, *body]
    ]
    return "\n".join([caption, *lines])
