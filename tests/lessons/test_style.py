"""The class colours under simulated colour blindness and in grey, by formulas from the literature.

Colour vision deficiency: Machado, Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph.
15(6):1291-1298, 2009, severity 1.0, on linear RGB. Colour difference: CIE76 in CIELAB (D65).
"""

import ast
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import is_color_like, to_rgb

from ecglab.data.classes import CLASSES
from ecglab.lessons import style
from ecglab.lessons.figures import DPI
from ecglab.lessons.growth_replay import CLONED
from ecglab.lessons.style import (
    CLASS_COLOURS,
    CLASS_HATCHES,
    CLASS_MARKERS,
    INK,
    LINE_COLOURS,
    QUIET,
    apply_style,
)

VISION = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour):
    encoded = np.array(to_rgb(colour))
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def cielab(rgb):
    ratio = TO_XYZ @ rgb / WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def seen(colour, vision):
    return cielab(np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1))


def contrast_with_white(colour):
    return 1.05 / (TO_XYZ[1] @ linear(colour) + 0.05)


def test_the_formulas_know_white_and_black():
    np.testing.assert_allclose(cielab(linear("white")), [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(cielab(linear("black")), [0, 0, 0], atol=0.01)
    # A red and a green that a deutan eye confuses stay apart for a normal one.
    red, green = "#bf4040", "#6b6b1f"
    apart = {v: np.linalg.norm(seen(red, v) - seen(green, v)) for v in ("normal", "deutan")}
    assert apart["deutan"] < 0.6 * apart["normal"]


# Computed by colorspacious 1.1.2: sRGB1, with full protan-, deuter- and tritanomaly, to CIELab.
KNOWN = {
    ("#399ede", "protan"): (65.57, 6.33, -36.77),
    ("#399ede", "deutan"): (59.88, 8.73, -43.57),
    ("#399ede", "tritan"): (64.61, -34.08, -13.9),
    ("#c02107", "protan"): (32.31, -3.29, 40.74),
    ("#c02107", "deutan"): (46.55, -4.61, 52.72),
    ("#c02107", "tritan"): (44.43, 70.15, 46.8),
}


@pytest.mark.parametrize(("colour", "vision"), KNOWN)
def test_simulated_colours_are_those_of_another_library(colour, vision):
    np.testing.assert_allclose(seen(colour, vision), KNOWN[colour, vision], atol=0.03)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "palette", [tuple(CLASS_COLOURS.values()), LINE_COLOURS], ids=["classes", "lines"]
)
def test_colours_keep_apart_for_every_eye(palette, vision):
    for one, other in combinations(palette, 2):
        assert np.linalg.norm(seen(one, vision) - seen(other, vision)) > 28, (one, other)


@pytest.mark.parametrize(
    "palette", [tuple(CLASS_COLOURS.values()), LINE_COLOURS], ids=["classes", "lines"]
)
def test_colours_keep_apart_in_grey(palette):
    lightness = sorted(cielab(linear(colour))[0] for colour in palette)
    assert min(np.diff(lightness)) > 9


def test_a_line_that_is_no_class_does_not_look_like_one():
    for line in LINE_COLOURS[:-1]:
        for colour in CLASS_COLOURS.values():
            assert np.linalg.norm(seen(line, "normal") - seen(colour, "normal")) > 20


@pytest.mark.parametrize("colour", [*CLASS_COLOURS.values(), *LINE_COLOURS])
def test_colours_stand_out_from_the_white_page(colour):
    assert contrast_with_white(colour) > 2


@pytest.mark.parametrize("colour", [INK, QUIET])
def test_text_is_readable(colour):
    assert contrast_with_white(colour) > 4.5  # WCAG 2.2, level AA


def test_shape_repeats_what_colour_says():
    for marks in (CLASS_COLOURS, CLASS_MARKERS, CLASS_HATCHES):
        assert tuple(marks) == CLASSES
        assert len(set(marks.values())) == len(CLASSES)


def test_the_style_reaches_matplotlib():
    with mpl.rc_context():
        apply_style()
        assert mpl.rcParams["axes.labelsize"] >= 12
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(LINE_COLOURS)


def drawn() -> list[tuple[str, str, ast.expr]]:
    """Module, name and value of every keyword argument in the modules that draw."""
    return [
        (path.name, keyword.arg, keyword.value)
        for path in sorted(Path(style.__file__).parent.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg
    ]


PAINT = {"c", "color", "colors", "ec", "ecolor", "edgecolor", "edgecolors", "fc", "facecolor"}
PAINT |= {"facecolors", "markeredgecolor", "markerfacecolor", "mec", "mfc"}


def test_colours_come_from_the_style_or_are_grey():
    for module, name, value in drawn():
        if name in PAINT and isinstance(value, ast.Constant) and is_color_like(value.value):
            if value.value == "none":
                continue
            red, green, blue = to_rgb(value.value)
            assert red == green == blue, f"{module}: {name}={value.value!r}"


def test_text_on_a_cloned_block_is_readable():
    lightness = TO_XYZ[1] @ linear(CLONED), TO_XYZ[1] @ linear(INK)
    assert (max(lightness) + 0.05) / (min(lightness) + 0.05) > 4.5
    assert cielab(linear("white"))[0] - cielab(linear(CLONED))[0] > 9


def colour_maps() -> set[str]:
    """Every colour map that the course names."""
    named = {value.value for _, name, value in drawn() if name == "cmap"}
    return named | {style.STYLE["image.cmap"]}


@pytest.mark.parametrize("vision", VISION)
def test_colour_maps_grow_lighter_or_darker_all_the_way(vision):
    for name in colour_maps():
        steps = mpl.colormaps[name](np.linspace(0, 1, 65))
        lightness = np.array([seen(step[:3], vision)[0] for step in steps])
        assert np.ptp(lightness) > 60, name
        change = np.diff(lightness)
        assert (change > 0.4).all() or (change < -0.4).all(), name


def test_figures_fit_a_projector_and_their_text_can_be_read():
    sizes = {"width": 1400, "height": 850}  # pixels that JupyterLab leaves of 1920 x 1080
    found = 0
    for module, name, value in drawn():
        if not (isinstance(value, ast.Constant) and isinstance(value.value, int | float)):
            continue
        if name in sizes and value.value > 2:  # inches of a figure; below, widths of bars
            found += 1
            assert value.value * DPI <= sizes[name], f"{module}: {name}={value.value}"
        if name == "fontsize":
            assert value.value >= 8, f"{module}: {name}={value.value}"
    assert found > 40
