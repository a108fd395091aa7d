"""The panel's picture has a text alternative and its room; its status is what changes last."""

import base64
import re

from ecglab.lessons.figures import new_figure, png
from ecglab.lessons.panel import Panel, image_html


def picture():
    return png(new_figure(width=2.0, height=1.0)[0])


def test_an_image_carries_its_bytes_its_size_and_its_text():
    drawn = picture()
    markup = image_html(drawn, 'error < 0.1 & "small"')
    assert base64.b64decode(re.search(r"base64,([^\"]+)", markup)[1]) == drawn
    assert 'width="220" height="110"' in markup
    assert 'alt="error &lt; 0.1 &amp; &quot;small&quot;"' in markup


def test_the_status_changes_last_and_is_escaped():
    panel = Panel()
    seen = []
    for name in ("picture", "numbers", "status"):
        getattr(panel, name).observe(lambda _, name=name: seen.append(name), "value")
    panel.show(image_html(picture(), "a"), "a < b", {"costs": [{"solver": "rk4", "error": 0.5}]})
    assert seen == ["picture", "numbers", "status"]
    assert panel.status.value == '<span role="status">a &lt; b</span>'
    assert '<th scope="col">error</th>' in panel.numbers.value
    assert "0.500" in panel.numbers.value


def test_panels_share_no_widget():
    assert not {id(part) for part in Panel().parts} & {id(part) for part in Panel().parts}
