"""When the heart beats and which class each beat has: R-R intervals and runs of ectopic beats."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from ecglab.errors import SettingError

LOW_FREQUENCY: Final = 0.1  # Hz, Mayer waves
HIGH_FREQUENCY: Final = 0.25  # Hz, breathing
BAND: Final = 0.01  # Hz, standard deviation of each of the two Gaussians
SHORTEST: Final = 0.3  # s, no ventricle follows faster


def rr_intervals(
    count: int,
    *,
    mean: float = 1.0,
    deviation: float = 0.05,
    ratio: float = 0.5,
    rng: np.random.Generator,
) -> Float[np.ndarray, " beats"]:
    """R-R intervals (s) whose spectrum is two Gaussians, LF/HF power ``ratio``, random phases.

    McSharry et al. (2003): slow blood pressure waves at 0.1 Hz, breathing at 0.25 Hz.
    """
    if count < 1 or mean <= 0 or deviation < 0:
        raise SettingError(
            f"R-R intervals need a count of at least 1, a positive mean and no negative "
            f"deviation; found {count}, {mean} s and {deviation} s."
        )
    length = max(256, count)
    frequency = np.fft.rfftfreq(length, d=mean)
    low = ratio * np.exp(-((frequency - LOW_FREQUENCY) ** 2) / (2 * BAND**2))
    high = np.exp(-((frequency - HIGH_FREQUENCY) ** 2) / (2 * BAND**2))
    phase = rng.uniform(0, 2 * np.pi, len(frequency))
    series = np.fft.irfft(np.sqrt(low + high) * np.exp(1j * phase), length)
    series *= deviation / series.std()
    return np.maximum(mean + series[:count], SHORTEST)


def fibrillation_intervals(
    count: int, *, mean: float, deviation: float, rng: np.random.Generator
) -> Float[np.ndarray, " beats"]:
    """R-R intervals (s) of atrial fibrillation: independent of each other, skewed to the long."""
    shape = (mean / deviation) ** 2
    return np.maximum(rng.gamma(shape, mean / shape, count), SHORTEST)


@dataclass(frozen=True)
class Ectopy:
    """Beats of one kind that break into a rhythm.

    ``share`` of all beats; ``stay``: the chance that another of the kind follows at once;
    ``before`` and ``after``: the R-R intervals around such a beat, relative to the rhythm.
    """

    kind: str
    share: float
    stay: float
    before: float = 1.0
    after: float = 1.0


def runs(share: float, stay: float, count: int, rng: np.random.Generator) -> list[int]:
    """Lengths of runs that together make ``share`` of ``count`` beats (rounded by chance)."""
    wanted = int(share * count + rng.uniform())
    lengths: list[int] = []
    while (left := wanted - sum(lengths)) > 0:
        lengths.append(min(left, int(rng.geometric(1 - stay))))
    return lengths


def beat_kinds(
    base: str, ectopies: tuple[Ectopy, ...], count: int, rng: np.random.Generator
) -> list[str]:
    """The kind of each of ``count`` beats: runs of ectopic beats strewn over the base rhythm."""
    episodes = [
        [ectopy.kind] * length
        for ectopy in ectopies
        for length in runs(ectopy.share, ectopy.stay, count, rng)
    ]
    rng.shuffle(episodes)
    normal = max(count - sum(map(len, episodes)), len(episodes))
    slots = set(rng.choice(normal, len(episodes), replace=False).tolist())
    waiting = iter(episodes)
    kinds: list[str] = []
    for slot in range(normal):
        kinds.append(base)
        if slot in slots:
            kinds.extend(next(waiting))
    return kinds[:count]


def beat_times(
    kinds: list[str],
    ectopies: tuple[Ectopy, ...],
    base: Float[np.ndarray, " beats"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " beats"]:
    """R peak times (s) from the rhythm's intervals, shortened before and stretched after ectopy."""
    before = {ectopy.kind: ectopy.before for ectopy in ectopies}
    after = {ectopy.kind: ectopy.after for ectopy in ectopies}
    early = np.array([before.get(kind, 1.0) for kind in kinds[1:]])
    late = np.array([after.get(kind, 1.0) for kind in kinds[:-1]])
    # Inside a run the next early beat comes before the pause does.
    pause = np.where(early < 1, 1.0, late)
    shaken = np.exp(0.04 * rng.standard_normal(len(early)) * ((early != 1) | (late != 1)))
    intervals = np.maximum(base[: len(early)] * early * pause * shaken, SHORTEST)
    return np.concatenate([[0.0], np.cumsum(intervals)])
