"""The heart as an ordinary differential equation: ECGSYN.

A point runs around the unit circle, one turn a beat; each wave of the heartbeat (P, Q, R, S, T)
pushes the third coordinate, the ECG, up and down as the point passes the wave's angle.

Source: P. E. McSharry, G. D. Clifford, L. Tarassenko and L. A. Smith, IEEE Trans. Biomed. Eng.
50(3):289-294, 2003.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

from ecglab.data.database import SAMPLING_RATE
from ecglab.errors import SettingError

RESPIRATION: Final = 0.25  # Hz, the paper's z0
RESPIRATION_HEIGHT: Final = 0.005


@dataclass(frozen=True)
class Wave:
    """One wave of a beat: its angle ``theta`` (rad), push ``a`` (1/s) and width ``b`` (rad)."""

    name: str
    theta: float
    a: float
    b: float

    @classmethod
    def from_shape(
        cls, name: str, *, centre: float, width: float, height: float, interval: float = 1.0
    ) -> "Wave":
        """The wave that is a bump of ``height`` at ``centre`` (s from the R peak).

        At the angular speed ``omega`` of one turn in ``interval`` seconds the push integrates to
        ``a b^2 / omega`` times a Gaussian of standard deviation ``width = b / omega``.
        """
        omega = 2 * np.pi / interval
        return cls(name, omega * centre, height / (omega * width**2), omega * width)


PQRST: Final = (
    Wave("P", np.deg2rad(-70.0), 1.2, 0.25),
    Wave("Q", np.deg2rad(-15.0), -5.0, 0.1),
    Wave("R", 0.0, 30.0, 0.1),
    Wave("S", np.deg2rad(15.0), -7.5, 0.1),
    Wave("T", np.deg2rad(100.0), 0.75, 0.4),
)


def at_heart_rate(waves: Sequence[Wave], rate: float) -> tuple[Wave, ...]:
    """Widen the waves for ``rate`` beats a minute: widths grow with the root of the rate."""
    if not rate > 0:
        raise SettingError(f"The heart rate must be positive, found {rate} beats a minute.")
    return tuple(replace(wave, b=wave.b * float(np.sqrt(rate / 60))) for wave in waves)


def vector_field(
    t: Any,
    state: Any,
    *,
    waves: Sequence[Wave] = PQRST,
    interval: float = 1.0,
    respiration: float = RESPIRATION_HEIGHT,
    lib: ModuleType = np,
) -> Any:
    """Right-hand side of ECGSYN: ``d(x, y, z)/dt`` for ``state`` of shape (..., 3).

    ``interval`` is the R-R interval in seconds. ``lib`` is the library that holds ``state``:
    numpy for SciPy's solvers, torch for torchdiffeq (``t`` is then a tensor).
    """
    x, y, z = state[..., 0], state[..., 1], state[..., 2]
    alpha = 1 - lib.sqrt(x * x + y * y)
    omega = 2 * np.pi / interval
    theta = lib.arctan2(y, x)
    push = 0.0
    for wave in waves:
        near = lib.remainder(theta - wave.theta + np.pi, 2 * np.pi) - np.pi
        push = push - wave.a * near * lib.exp(-(near**2) / (2 * wave.b**2))
    rest = respiration * lib.sin(2 * np.pi * RESPIRATION * t)
    return lib.stack([alpha * x - omega * y, alpha * y + omega * x, push - (z - rest)], -1)


def relax(
    force: Float[np.ndarray, " half_steps"], *, step: float, start: float = 0.0
) -> Float[np.ndarray, " steps"]:
    """Solve ``z' = force(t) - z`` with the classic Runge-Kutta method.

    ``force`` is sampled every half ``step``: the method asks for it at both ends and in the
    middle. The equation is linear in z, so all the steps together are one recursive filter.
    """
    h = step
    decay = 1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24
    gain = (
        (1 - h + h**2 / 2 - h**3 / 4) * force[:-2:2]
        + (4 - 2 * h + h**2 / 2) * force[1:-1:2]
        + force[2::2]
    ) * (h / 6)
    steps, _ = lfilter([1.0], [1.0, -decay], gain, zi=[decay * start])
    return np.concatenate([[start], steps])


def ecgsyn(
    intervals: Sequence[float] | Float[np.ndarray, " beats"],
    *,
    waves: Sequence[Wave] = PQRST,
    respiration: float = RESPIRATION_HEIGHT,
    sampling_rate: float = SAMPLING_RATE,
) -> tuple[Float[np.ndarray, " time"], Float[np.ndarray, "time 3"]]:
    """Solve ECGSYN over the R-R ``intervals`` (s), from one R peak to the last: ``(t, states)``.

    The point starts on the limit cycle, where the angle is known exactly: it turns once in each
    interval. Only z is left to solve, see `relax`. z is in the paper's own unit (R about 0.04).
    """
    intervals = np.asarray(intervals, float)
    if intervals.ndim != 1 or not len(intervals) or not np.all(intervals > 0):
        raise SettingError(
            f"ECGSYN needs a row of positive R-R intervals in seconds, found {intervals!r}."
        )
    peaks = np.concatenate([[0.0], np.cumsum(intervals)])
    count = int(np.floor(peaks[-1] * sampling_rate + 1e-9))
    half = np.arange(2 * count + 1) / (2 * sampling_rate)
    theta = np.interp(half, peaks, 2 * np.pi * np.arange(len(peaks)))
    force = respiration * np.sin(2 * np.pi * RESPIRATION * half)
    for wave in waves:
        near = np.remainder(theta - wave.theta + np.pi, 2 * np.pi) - np.pi
        force -= wave.a * near * np.exp(-(near**2) / (2 * wave.b**2))
    z = relax(force, step=1 / sampling_rate)
    whole = theta[::2]
    return half[::2], np.stack([np.cos(whole), np.sin(whole), z], axis=-1)
