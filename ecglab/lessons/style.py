"""The course's look: one style for all figures, one colour for each heartbeat class everywhere.

The colours keep apart for readers with protan, deutan and tritan colour vision, and in grey:
their lightness differs by at least 9 of 100. Hatches and markers repeat the distinction.
"""

from typing import Final

import matplotlib as mpl

CLASS_COLOURS: Final = {
    "N": "#399ede",  # blue
    "S": "#f9a615",  # orange
    "V": "#c02107",  # red
    "F": "#145041",  # dark green
    "Q": "#380660",  # dark violet
}
CLASS_MARKERS: Final = {"N": "o", "S": "^", "V": "s", "F": "D", "Q": "X"}
CLASS_HATCHES: Final = {"N": "", "S": "//", "V": "..", "F": "xx", "Q": "\\\\"}

# For whatever is not a class: methods, models, splits. Apart from each other and from the classes.
LINE_COLOURS: Final = ("#831d6d", "#11c4b2", "#745e1c", "#858aca", "#1a1a1a")

INK: Final = "#1a1a1a"
QUIET: Final = "#767676"  # beside the point: grids, earlier beats, bands

STYLE: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.prop_cycle": mpl.cycler(color=LINE_COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.unicode_minus": True,
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 12,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "image.cmap": "cividis",
    "legend.fontsize": 11,
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.8,
    "lines.markersize": 7,
    "text.color": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
}


def apply_style() -> None:
    """Set the course's style for every figure drawn from now on."""
    mpl.rcParams.update(STYLE)
