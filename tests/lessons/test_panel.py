"""The panel's picture has a text alternative and its room; its status is what changes last."""

import base64
import io
import re

import ipywidgets as widgets
from PIL import Image

from ecglab.lessons.figures import image_html, new_figure, png
from ecglab.lessons.panel import STATUS, Panel


def picture():
    return png(new_figure(width=2.0, height=1.0)[0])


def test_the_line_changes_last_and_is_escaped():
    panel = Panel()
    seen = []
    for name in ("picture", "numbers", "line"):
        getattr(panel, name).observe(lambda _, name=name: seen.append(name), "value")
    panel.show(image_html(picture(), "a"), "a < b", {"costs": [{"solver": "rk4", "error": 0.5}]})
    assert seen == ["picture", "numbers", "line"]
    assert panel.line.value == "a &lt; b"
    assert ">error</th>" in panel.numbers.value
    assert "0.500" in panel.numbers.value


def test_the_status_stays_while_its_line_changes():
    panel = Panel()
    panel.say("one")
    box, (line, giver) = panel.status, panel.status.children
    given = giver.value
    panel.say("two")
    assert panel.status is box and panel.status.children == (line, giver)
    assert line.value == "two" and giver.value == given
    # What gives the role: an image that loads, in the box it looks for, out of a reader's way.
    assert STATUS in box._dom_classes and f"closest('.{STATUS}').setAttribute('role'" in given
    assert giver.layout.display == "none" and 'alt=""' in given
    encoded = base64.b64decode(re.search(r"base64,([^\"]+)", given)[1])
    assert Image.open(io.BytesIO(encoded)).size == (1, 1)
    assert isinstance(box, widgets.Box)


def test_panels_share_no_widget():
    one, other = Panel(), Panel()
    parts = [{*panel.parts, *panel.status.children} for panel in (one, other)]
    assert not parts[0] & parts[1]
