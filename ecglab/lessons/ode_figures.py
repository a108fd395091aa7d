"""Figures of the simulated heart as a differential equation."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from ecglab.data.ecgsyn import Wave
from ecglab.lessons.figures import new_figure
from ecglab.lessons.style import INK, LINE_COLOURS, QUIET


def ecgsyn_figure(
    times: Float[np.ndarray, " time"],
    paths: Sequence[Float[np.ndarray, "time 3"]],
    waves: Sequence[Wave],
    *,
    interval: float,
) -> tuple[Figure, str]:
    """The point on its way to the unit circle from several starts, and the ECG that it draws.

    Beside it z over time; the first path carries the names of the waves where it passes them.
    """
    figure, axes = new_figure(1, 2, width=10, height=4.2, width_ratios=[2, 3])
    plane, trace = axes[0]
    lines = ["-", "--", ":", "-."]
    colours = LINE_COLOURS[:3] + LINE_COLOURS[4:]
    for number, path in enumerate(paths):
        start = path[0, :2]
        colour = colours[number]
        plane.plot(path[:, 0], path[:, 1], lines[number], color=colour)
        plane.plot(*start, "o", color=colour, label=f"from radius {np.hypot(*start):.1f}")
        trace.plot(times, path[:, 2], lines[number], color=colour)
    for wave in waves:
        x, y = np.cos(wave.theta), np.sin(wave.theta)
        plane.plot([0.9 * x, 1.1 * x], [0.9 * y, 1.1 * y], color=INK, linewidth=1.5)
        plane.annotate(wave.name, (1.24 * x, 1.24 * y), ha="center", va="center", weight="bold")
    plane.set(xlabel="x", ylabel="y", xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal")
    plane.set_title("Round and round")
    figure.legend(loc="outside upper right", ncols=len(paths))
    z = paths[0][:, 2]
    last = np.floor(times[-1] / interval - 0.5) * interval  # the last R peak shown whole
    for wave in waves:
        moment = last + wave.theta / (2 * np.pi) * interval
        height = float(np.interp(moment, times, z))
        trace.axvline(moment, color=QUIET, linewidth=0.8, linestyle=":")
        side = 10 if wave.a > 0 else -18
        trace.annotate(
            wave.name,
            (moment, height),
            xytext=(0, side),
            textcoords="offset points",
            ha={"Q": "right", "S": "left"}.get(wave.name, "center"),
            weight="bold",
        )
    trace.set(xlabel="time (s)", ylabel="z (the paper's unit)")
    trace.margins(y=0.15)
    trace.set_title("z is the ECG")
    radii = [f"{np.hypot(*path[-1, :2]):.2f}" for path in paths]
    alt = (
        f"Left: {len(paths)} paths in the plane that spiral onto the unit circle (final radii "
        f"{', '.join(radii)}), with the angles of the waves {', '.join(w.name for w in waves)}. "
        f"Right: z over {times[-1]:.1f} s; after some seconds all paths draw the same beat every "
        f"{interval:.1f} s, up to {z.max():.3f}, its waves named at their angles."
    )
    return figure, alt
