"""What stands below an explorer's lists: its picture, its numbers, and a line that sums them up."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import ipywidgets as widgets

from ecglab.lessons.figures import cell_text, table_html

Rows = Sequence[Mapping[str, object]]
KEPT: Final = 256  # pictures that an explorer remembers, some 20 MB
AS_OUTPUT: Final = "jp-RenderedHTMLCommon"  # class by which JupyterLab styles the lessons' tables
STATUS: Final = "explorer-status"  # class of the box around the line
# No widget of ipywidgets takes a role. So an image that nobody sees gives it to the box when the
# page has loaded it; the box then stays while the line in it changes.
GIVE_ROLE: Final = (
    '<img alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==" '
    f"onload=\"this.closest('.{STATUS}').setAttribute('role', 'status')\">"
)


def numbers_html() -> widgets.HTML:
    """Room for tables that look like those in a lesson's outputs."""
    return widgets.HTML().add_class(AS_OUTPUT)


def live_box() -> widgets.VBox:
    """A line in a box that a browser knows as a status: screen readers read what changes in it."""
    giver = widgets.HTML(GIVE_ROLE, layout=widgets.Layout(display="none"))
    return widgets.VBox([widgets.HTML(), giver]).add_class(STATUS)


@dataclass(frozen=True)
class Panel:
    """Picture, table and status line of an explorer.

    The picture is an HTML widget: ipywidgets' own Image has no text alternative. The line changes
    last and says that all is done.
    """

    picture: widgets.HTML = field(default_factory=widgets.HTML)
    numbers: widgets.HTML = field(default_factory=numbers_html)
    status: widgets.VBox = field(default_factory=live_box)

    @property
    def parts(self) -> list[widgets.Widget]:
        """The three from top to bottom."""
        return [self.picture, self.numbers, self.status]

    @property
    def line(self) -> widgets.HTML:
        """The text of the status."""
        return self.status.children[0]

    def say(self, text: str) -> None:
        """Change the status line alone."""
        self.line.value = html.escape(text)

    def show(self, picture: str, text: str, tables: Mapping[str, Rows] | None = None) -> None:
        """Show a picture (see `image_html`) and tables, rows by caption, and say ``text``."""
        self.picture.value = picture
        markup = (
            table_html(
                rows, [[cell_text(value) for value in row.values()] for row in rows], caption
            )
            for caption, rows in (tables or {}).items()
        )
        # As wide as its table, which JupyterLab puts into the middle.
        self.numbers.value = "".join(f'<div style="width:fit-content">{t}</div>' for t in markup)
        self.say(text)
