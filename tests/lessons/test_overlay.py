"""What is drawn upon a background looks as if all had been drawn at once, and leaves no trace."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.figure import Figure
from PIL import Image

from ecglab.lessons.figures import png
from ecglab.lessons.overlay import background, flat_png, overlaid_png


def two_axes():
    """Left, frame, title and vertical axis change with the picture; right, a line stands still."""
    figure = Figure(figsize=(5, 3))
    left, right = (figure.add_axes((x, 0.2, 0.3, 0.6)) for x in (0.15, 0.6))
    left.set(xlabel="x", xlim=(0, 4), ylim=(0, 1))
    for moving in (left.yaxis, left.set_title(""), *left.spines.values()):
        moving.set_animated(True)
    left.grid(axis="y")
    right.plot([0, 4], [0, 1], color="grey")
    return figure


def draw(figure, height):
    left, right = figure.axes
    left.plot([1, 2, 3], [0.2 * height, 0.9 * height, 0.5 * height], "o-", color="purple")
    left.axvspan(1, 2, color="orange", alpha=0.3)
    left.set_ylim(-0.1 * height, 1.1 * height)
    left.set_title(f"up to {height:g}")
    right.plot([3], [0.2], "s", color="purple")


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture)))


def test_a_quick_picture_is_the_slow_one_to_the_pixel():
    behind = background(two_axes(), label="a label")
    for height in (1.0, 250.0, 1.0):
        quick = overlaid_png(behind, lambda figure, height=height: draw(figure, height))
        whole = two_axes()
        draw(whole, height)
        slow = Image.open(io.BytesIO(png(whole, label="a label"))).convert("RGB")
        np.testing.assert_array_equal(pixels(quick), np.asarray(slow))


def test_nothing_is_left_of_a_drawing_that_fails():
    behind = background(two_axes(), label="")
    clean = overlaid_png(behind, lambda figure: None)

    def fails(figure):
        draw(figure, 1.0)
        raise ZeroDivisionError

    before = [ax.get_children() for ax in behind.figure.axes]
    with pytest.raises(ZeroDivisionError):
        overlaid_png(behind, fails)
    assert [ax.get_children() for ax in behind.figure.axes] == before
    behind.figure.axes[0].set(ylim=(0, 1), title="")  # as they were
    assert overlaid_png(behind, lambda figure: None) == clean


@settings(deadline=None)
@given(
    arrays(
        np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 255)
    )
)
def test_pixels_come_back_from_a_png(shades):
    coloured = np.stack([shades, 255 - shades, shades // 2, np.full_like(shades, 255)], -1)
    picture = Image.open(io.BytesIO(flat_png(coloured)))
    assert picture.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(picture), coloured[..., :3])
