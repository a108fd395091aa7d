"""Simulated persons: each has a rhythm, a conduction, ectopic beats and waves of their own.

The 24 cases follow what the records of the MIT-BIH database hold: a few paced hearts give nearly
all Q beats, two hearts nearly all S beats, two nearly all F beats, and half of them hardly any.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from ecglab.data.rhythm import Ectopy
from ecglab.errors import DataError

FIRST_PERSON: Final = 1001
PERSONS: Final = 48

# One row a wave: centre (s from the R peak), width (s), height (mV).
Shape = Float[np.ndarray, "waves 3"]


@dataclass(frozen=True)
class Case:
    """What sets a person apart: rhythm, conduction and the shares of the classes S, V and F."""

    rhythm: str = "sinus"  # sinus, fibrillation or paced
    conduction: str = "N"  # annotation symbol of the base beat: N, L, R or /
    s: float = 0.0
    v: float = 0.0
    f: float = 0.0


CASES: Final = (
    Case(s=0.012, v=0.002),
    Case(v=0.15),
    Case(conduction="L", v=0.05),
    Case(),
    Case("paced", "/", v=0.005),
    Case(s=0.38),
    Case(v=0.27, f=0.125),
    Case(s=0.004, v=0.01),
    Case("fibrillation", v=0.10),
    Case(conduction="R", s=0.02),
    Case(v=0.22),
    Case(s=0.01),
    Case(v=0.02, f=0.002),
    Case("fibrillation", s=0.03, v=0.17),
    Case(conduction="L", v=0.01),
    Case(v=0.08, f=0.045),
    Case("paced", "/", v=0.03),
    Case(),
    Case(s=0.10, v=0.04),
    Case(conduction="R", v=0.004),
    Case(v=0.25),
    Case("fibrillation", v=0.06),
    Case(s=0.03, v=0.12),
    Case(f=0.003, s=0.004),
)


@dataclass(frozen=True)
class Person:
    """One simulated person; ``shapes`` maps a kind of beat to its waves.

    ``interval`` and ``variability`` (s) set the rhythm, ``wander`` and ``tremor`` (mV, standard
    deviation) the noise, ``respiration`` (mV) how far breathing moves the baseline.
    """

    number: int
    case: Case
    interval: float
    variability: float
    ectopies: tuple[Ectopy, ...]
    shapes: dict[str, Shape]
    wander: float
    tremor: float
    respiration: float


def vary(rng: np.random.Generator, typical: float, spread: float) -> float:
    """A positive number around ``typical``, log-normal with relative ``spread``."""
    return float(typical * np.exp(spread * rng.standard_normal()))


def normal_shape(rng: np.random.Generator, conduction: str, size: float, pace: float) -> Shape:
    """Waves of the base beat; a bundle branch block widens and notches the QRS complex."""
    r = vary(rng, 1.42, 0.25) * size
    q = -r * rng.uniform(0.02, 0.15)
    s = -r * rng.uniform(0.05, 0.55)
    t = vary(rng, 0.25, 0.4) * size * (1 if rng.uniform() < 0.85 else -0.7)
    p = (-rng.uniform(0.14, 0.19), rng.uniform(0.018, 0.025), vary(rng, 0.11, 0.35))
    late = rng.uniform(0.25, 0.31) * pace
    narrow = rng.uniform(0.0085, 0.0115)
    if conduction == "L":
        qrs = [(-0.028, 0.014, 0.35 * r), (0.0, 0.014, r), (0.034, 0.015, 0.7 * r)]
        t = -abs(t) * 1.2
    elif conduction == "R":
        qrs = [(-0.024, narrow, q), (0.0, narrow, r), (0.046, 0.019, -0.6 * r)]
    else:
        qrs = [(-0.022, narrow, q), (0.0, narrow, r), (0.025, narrow, s)]
    return np.array([p, *qrs, (late - 0.05, 0.055 * pace, 0.45 * t), (late, 0.034 * pace, 0.8 * t)])


def ventricular_shape(rng: np.random.Generator, size: float, upright: bool, pace: float) -> Shape:
    """A beat born in the ventricle: no P wave, a wide QRS complex and a T wave against it."""
    sign = 1.0 if upright else -1.0
    r = sign * vary(rng, 1.82, 0.2) * size
    wide = rng.uniform(0.018, 0.027)
    late = rng.uniform(0.25, 0.31) * pace
    return np.array(
        [
            (-1.8 * wide, 0.9 * wide, r * rng.uniform(-0.2, 0.3)),
            (0.0, wide, r),
            (2.1 * wide, 1.1 * wide, r * rng.uniform(-0.55, 0.25)),
            (late - 0.12, 0.05, -r * rng.uniform(0.15, 0.3)),
            (late, 0.06, -r * rng.uniform(0.2, 0.45)),
        ]
    )


def paced_shape(rng: np.random.Generator, size: float, pace: float) -> Shape:
    """A beat set off by a pacemaker: a spike of 2 ms, then a wide complex and a tall T wave."""
    r = vary(rng, 1.0, 0.15) * size
    late = rng.uniform(0.31, 0.36) * pace
    return np.array(
        [
            (-rng.uniform(0.026, 0.034), 0.0018, rng.uniform(0.3, 0.6)),
            (0.0, rng.uniform(0.013, 0.017), r),
            (rng.uniform(0.05, 0.062), rng.uniform(0.019, 0.025), -r * rng.uniform(0.6, 1.1)),
            (late - 0.06, 0.055, r * rng.uniform(0.1, 0.3)),
            (late, 0.05, r * rng.uniform(0.3, 0.6)),
        ]
    )


def blend(
    first: Float[np.ndarray, "first 3"], second: Float[np.ndarray, "second 3"], weight: float
) -> Float[np.ndarray, "both 3"]:
    """Both beats at once: the first with ``1 - weight``, the second with ``weight``."""
    return np.concatenate([first * [1, 1, 1 - weight], second * [1, 1, weight]])


def early_shape(rng: np.random.Generator, normal: Shape) -> Shape:
    """A supraventricular early beat: a narrow QRS, its P wave altered, hidden or upended.

    The ventricles have not quite recovered: QRS and T change too, in each person differently.
    """
    shape = normal.copy()
    shape[0, 0] *= rng.uniform(0.5, 0.9)
    shape[0, 2] *= rng.choice([-0.8, 0.0, 0.5, 1.4])
    shape[1:4, :2] *= rng.uniform(0.75, 0.9)
    shape[1:4, 2] *= 1 + rng.choice([-1, 1], 3) * rng.uniform(0.2, 0.4, 3) - [0, 0.1, 0]
    shape[4:, 0] *= rng.uniform(0.82, 0.92)
    shape[4:, 2] *= 1 + rng.choice([-1, 1], 2) * rng.uniform(0.3, 0.7, 2)
    return shape


def draw_person(number: int, *, seed: int) -> Person:
    """The person of that number (1001, 1002 and so on); the same seed gives the same person."""
    if number < FIRST_PERSON:
        raise DataError(
            f"Simulated persons are numbered from {FIRST_PERSON}, found {number}: smaller numbers "
            f"are records of the MIT-BIH database."
        )
    rng = np.random.default_rng([seed, number])
    case = CASES[(number - FIRST_PERSON) % len(CASES)]
    paced = case.rhythm == "paced"
    interval = float(np.clip(vary(rng, 0.80, 0.15), 0.55, 1.15))
    pace = float(np.sqrt(interval / 0.8))
    # Hearts whose fusion beats count are large in the database; the paced ones are much alike.
    size = vary(rng, *((1.55, 0.1) if case.f > 0.01 else (1.0, 0.12 if paced else 0.25)))
    conduction = "N" if paced else case.conduction
    normal = normal_shape(rng, conduction, size, pace)
    if case.rhythm == "fibrillation":
        normal[0, 2] = 0.0
    if case.s > 0.05:  # as in the two records that hold most S beats
        normal[:, 2] *= 0.8
    upright = case.f > 0.01 or rng.uniform() < 0.6
    ventricular = ventricular_shape(rng, size, upright, pace)
    shapes = {
        case.conduction: normal,
        "A": early_shape(rng, normal),
        "V": ventricular,
        "F": blend(normal, ventricular, rng.uniform(0.4, 0.55)),
    }
    ectopies = [
        Ectopy("A", case.s, 0.3, before=rng.uniform(0.72, 0.86), after=rng.uniform(1.0, 1.12)),
        Ectopy("V", case.v, 0.14, before=rng.uniform(0.66, 0.82), after=rng.uniform(1.18, 1.36)),
        Ectopy("F", case.f, 0.38, after=0.98),
    ]
    if paced:
        shapes["N"] = normal
        shapes["/"] = paced_shape(rng, size, pace)
        shapes["f"] = blend(normal, shapes["/"], rng.uniform(0.4, 0.6))
        ectopies += [Ectopy("N", 0.10, 0.9, before=0.96), Ectopy("f", 0.08, 0.6)]
    variability = {"sinus": 0.04, "fibrillation": 0.18, "paced": 0.008}[case.rhythm]
    return Person(
        number=number,
        case=case,
        interval=interval,
        variability=interval * vary(rng, variability, 0.25),
        ectopies=tuple(ectopy for ectopy in ectopies if ectopy.share > 0),
        shapes=shapes,
        wander=float(np.clip(vary(rng, 0.116, 0.4), 0.05, 0.3)),
        tremor=vary(rng, 0.0095, 0.3),
        respiration=vary(rng, 0.05, 0.5),
    )
