"""What stands below an explorer's lists: its picture, its numbers, and a line that sums them up."""

import base64
import html
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ipywidgets as widgets

from ecglab.lessons.figures import cell_text, table_html

Rows = Sequence[Mapping[str, object]]


def image_html(png: bytes, alt: str) -> str:
    """PNG bytes as an image with a text alternative; its room is kept while it is decoded."""
    width, height = struct.unpack(">II", png[16:24])  # from the header, that nothing jumps
    source = base64.b64encode(png).decode()
    return (
        f'<img alt="{html.escape(alt, quote=True)}" width="{width}" height="{height}" '
        f'decoding="sync" style="max-width:100%;height:auto;background:#fff" '
        f'src="data:image/png;base64,{source}">'
    )


@dataclass(frozen=True)
class Panel:
    """Picture, table and status line of an explorer.

    The picture is an HTML widget: ipywidgets' own Image has no text alternative. The line is a
    status that screen readers read when it changes; it changes last and says that all is done.
    """

    picture: widgets.HTML = field(default_factory=widgets.HTML)
    numbers: widgets.HTML = field(default_factory=widgets.HTML)
    status: widgets.HTML = field(default_factory=widgets.HTML)

    @property
    def parts(self) -> list[widgets.HTML]:
        """The three widgets from top to bottom."""
        return [self.picture, self.numbers, self.status]

    def say(self, text: str) -> None:
        """Change the status line alone."""
        self.status.value = f'<span role="status">{html.escape(text)}</span>'

    def show(self, picture: str, text: str, tables: Mapping[str, Rows] | None = None) -> None:
        """Show a picture (see `image_html`) and tables, rows by caption, and say ``text``."""
        self.picture.value = picture
        self.numbers.value = "".join(
            table_html(
                rows, [[cell_text(value) for value in row.values()] for row in rows], caption
            )
            for caption, rows in (tables or {}).items()
        )
        self.say(text)
