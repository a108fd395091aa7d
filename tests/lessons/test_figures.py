import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread

from ecglab.errors import SettingError
from ecglab.lessons import figures


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, caught as the notebook would get it."""
    caught = []
    monkeypatch.setattr(figures, "display", lambda data, raw: caught.append(data))
    return caught


class Reader(HTMLParser):
    """Collects the tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def drawn(label=""):
    figure, axes = figures.new_figure(1, 2, height=3)
    axes[0, 0].plot([0, 1], [1, 0])
    return figure, figures.png(figure, label=label)


def test_axes_are_always_an_array():
    assert figures.new_figure()[1].shape == (1, 1)
    assert figures.new_figure(2, 3)[1].shape == (2, 3)


def test_a_figure_does_not_pass_through_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    drawn()
    assert plt.get_fignums() == before


def test_png_holds_the_figure_on_white():
    picture = imread(io.BytesIO(drawn()[1]))
    assert picture.shape[:2] == (3 * figures.DPI, 9 * figures.DPI)
    np.testing.assert_array_equal(picture[0, 0, :3], 1)
    assert picture.min() < 0.5


def test_the_label_stands_in_the_lower_right_corner():
    plain, marked = (imread(io.BytesIO(drawn(label)[1])) for label in ("", "simulated data"))
    corner = (slice(-18, None), slice(-150, None))
    assert plain[corner].min() < 0.9  # the axes reach down there, and make room for the label
    top_of_corner = (slice(-26, -22), slice(-150, None))
    assert marked[top_of_corner].min() > 0.9
    assert marked[corner].min() < 0.5


def test_a_figure_drawn_twice_carries_its_label_once():
    figure, first = drawn("simulated data")
    assert figures.png(figure, label="simulated data") == first


def test_a_shown_figure_carries_picture_and_text(shown):
    figure, _ = drawn()
    figures.show(figure, 'A line from "1" to 0 & back', label="simulated data, quick run")
    (data,) = shown
    ((tag, attributes),) = Reader(data["text/html"]).tags
    assert tag == "img"
    assert attributes["alt"] == 'A line from "1" to 0 & back (simulated data, quick run)'
    kind, source = attributes["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(source).startswith(b"\x89PNG")
    assert data["text/plain"] == f"[Figure] {attributes['alt']}"


def test_an_image_carries_its_bytes_its_size_and_its_text():
    picture = figures.png(figures.new_figure(width=2.0, height=1.0)[0])
    markup = figures.image_html(picture, 'error < 0.1 & "small"')
    ((tag, attributes),) = Reader(markup).tags
    assert (tag, attributes["alt"]) == ("img", 'error < 0.1 & "small"')
    assert (attributes["width"], attributes["height"]) == ("220", "110")
    assert base64.b64decode(attributes["src"].split(",")[1]) == picture


def test_a_figure_without_text_is_refused(shown):
    with pytest.raises(SettingError, match="text alternative"):
        figures.show(figures.new_figure()[0], "  ")
    assert not shown


def test_columns_of_numbers_stand_to_the_right_however_they_are_written(shown):
    rows = [
        {"solver": "a", "MB": "41.9", "share": "1.7%", "error": "3.2e-01", "after": "22 (clock)"},
        {"solver": "2", "MB": "1,340", "share": "", "error": "-0.5", "after": "18"},
    ]
    figures.table(rows, "Costs")
    (data,) = shown
    styles = [tag["style"] for name, tag in Reader(data["text/html"]).tags if name in ("th", "td")]
    left, right = "text-align:left", "text-align:right"
    assert styles == [left, right, right, right, left] * 3


def test_a_table_names_its_columns_and_rows(shown):
    rows = [
        {"model": "ResNet <wide>", "parameters": 182_853, "accuracy": 0.97432},
        {"model": "ODENet", "parameters": np.int64(59_333), "accuracy": np.float32(0.5)},
    ]
    figures.table(rows, "Two models", label="MIT-BIH, quick run")
    (data,) = shown
    reader = Reader(data["text/html"])
    scopes = [attributes.get("scope") for tag, attributes in reader.tags if tag == "th"]
    assert scopes == ["col"] * 3 + ["row"] * 2
    styles = [attributes["style"] for tag, attributes in reader.tags if tag in ("th", "td")]
    assert styles == ["text-align:left", *["text-align:right"] * 2] * 3
    assert [text for text in reader.text if text.strip()] == [
        "Two models (MIT-BIH, quick run)",
        *("model", "parameters", "accuracy"),
        *("ResNet <wide>", "182,853", "0.974"),
        *("ODENet", "59,333", "0.500"),
    ]
    plain = data["text/plain"].splitlines()
    assert plain[0] == "Two models (MIT-BIH, quick run)"
    assert [re.split(r"\s{2,}", line) for line in plain[1:]] == [
        ["model", "parameters", "accuracy"],
        ["ResNet <wide>", "182,853", "0.974"],
        ["ODENet", "59,333", "0.500"],
    ]


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 1}]])
def test_a_table_with_ragged_rows_is_refused(rows):
    with pytest.raises(SettingError, match="same column names"):
        figures.table(rows, "Nothing")


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (np.False_, "no"), (1234567, "1,234,567"), (0.12345, "0.123"), ("V", "V")],
)
def test_values_are_written_alike_everywhere(value, text):
    assert figures.cell_text(value) == text
