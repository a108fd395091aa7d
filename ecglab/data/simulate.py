"""Simulated recordings and heartbeats, for a machine without the MIT-BIH database.

Every beat comes out of the ECGSYN equation (see `ecglab.data.ecgsyn`), is measured as the real
ones were (11 bits, 360 Hz, 200 units a millivolt) and cut by the same `extract_beats`.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import butter, sosfilt

from ecglab.data.beats import Beats, extract_beats, join
from ecglab.data.classes import LABEL_OF_SYMBOL
from ecglab.data.database import SAMPLING_RATE, Recording
from ecglab.data.ecgsyn import RESPIRATION, relax
from ecglab.data.persons import CASES, FIRST_PERSON, PERSONS, Person, draw_person
from ecglab.data.rhythm import beat_kinds, beat_times, fibrillation_intervals, rr_intervals
from ecglab.errors import SettingError

SIMULATOR: Final = "ecgsyn-persons-1"  # count up with every change of the simulated beats
GAIN: Final = 200.0  # ADC units a millivolt
ZERO: Final = 1024
HIGHEST: Final = 2047  # 11 bits
LEAD: Final = "MLII simulated"
REACH: Final = 4.5  # standard deviations; beyond them a wave pushes less than 3e-4 of its most
HALF_STEPS: Final = 2 * SAMPLING_RATE  # a second
COARSE_RATE: Final = 8  # Hz, enough for baseline wander below 0.5 Hz
FEWEST: Final = 50  # beats of a person, for the rare classes to show
WHITE_ABOVE_45: Final = float(np.sqrt(0.75))  # share of white noise up to 180 Hz above 45 Hz


def beat_waves(
    person: Person, kinds: list[str], rng: np.random.Generator
) -> Float[np.ndarray, "beats waves 3"]:
    """Centre, width and height of every wave of every beat, with the small change beat by beat."""
    most = max(len(shape) for shape in person.shapes.values())
    padded = {}
    for kind, shape in person.shapes.items():
        padded[kind] = np.zeros((most, 3))
        padded[kind][:, 1] = 0.01
        padded[kind][: len(shape)] = shape
    waves = np.stack([padded[kind] for kind in kinds])
    beats = len(kinds)
    waves[..., 0] *= 1 + 0.012 * rng.standard_normal((beats, most))
    waves[..., 1] *= np.exp(0.03 * rng.standard_normal((beats, most)))
    # The whole beat breathes and drifts together, its waves a little on their own.
    drift = np.cumsum(rng.standard_normal(beats)) * 0.05 / np.sqrt(beats)
    together = np.exp(drift + 0.03 * rng.standard_normal(beats))
    waves[..., 2] *= together[:, None] * np.exp(0.05 * rng.standard_normal((beats, most)))
    return waves


def push(
    peaks: Float[np.ndarray, " beats"], waves: Float[np.ndarray, "beats waves 3"], count: int
) -> Float[np.ndarray, " half_steps"]:
    """The waves' part of ECGSYN's z' on ``count`` half steps, each wave on its own stretch.

    In the turn of a beat the angle from a wave is ``omega (t - centre)``, so that
    ``-a dtheta exp(-dtheta^2 / 2 b^2)`` is, in time, minus the slope of a bump of the wave's
    height and width (see `Wave.from_shape`). A beat keeps its own waves.
    """
    total = np.zeros(count)
    for centre, width, height in waves.transpose(1, 2, 0):
        shown = height != 0
        if not shown.any():
            continue
        middle = (peaks + centre)[shown]
        sigma, size = width[shown, None], height[shown, None]
        reach = int(np.ceil(REACH * width[shown].max() * HALF_STEPS))
        place = np.rint(middle * HALF_STEPS).astype(np.int64)[:, None] + np.arange(
            -reach, reach + 1
        )
        distance = (place / HALF_STEPS - middle[:, None]) / sigma
        slope = -(size / sigma) * distance * np.exp(-0.5 * distance**2)
        inside = (place >= 0) & (place < count)
        total += np.bincount(place[inside], slope[inside], count)
    return total


def solve_ecg(
    person: Person,
    peaks: Float[np.ndarray, " beats"],
    waves: Float[np.ndarray, "beats waves 3"],
    count: int,
) -> Float[np.ndarray, " time"]:
    """ECGSYN's z in millivolts at ``count`` samples of 360 Hz."""
    half = np.arange(2 * count - 1) / HALF_STEPS
    rest = person.respiration * np.sin(2 * np.pi * RESPIRATION * half)
    return relax(push(peaks, waves, len(half)) + rest, step=1 / SAMPLING_RATE)


def noise(
    person: Person, count: int, bursts: list[tuple[int, int]], rng: np.random.Generator
) -> Float[np.ndarray, " time"]:
    """Baseline wander below 0.5 Hz and tremor (mV); tremor is eight times stronger in a burst."""
    coarse = rng.standard_normal(count * COARSE_RATE // SAMPLING_RATE + 80)
    slow = sosfilt(butter(2, 0.4, fs=COARSE_RATE, output="sos"), coarse)[64:]
    slow *= person.wander / slow.std()
    wander = np.interp(np.arange(count) / SAMPLING_RATE, np.arange(len(slow)) / COARSE_RATE, slow)
    tremor = rng.standard_normal(count) * (person.tremor / WHITE_ABOVE_45)
    for start, stop in bursts:
        tremor[start:stop] *= 8
    return wander + tremor


def other_annotations(
    kinds: list[str], samples: Int[np.ndarray, " beats"], bursts: list[tuple[int, int]]
) -> list[tuple[int, str]]:
    """Marks that are no beats: ``+`` where the rhythm changes, ``~`` where the noise does."""
    marks = [(18, "+")]
    rhythm = kinds[0]
    for i in range(1, len(kinds) - 2):
        if kinds[i] != rhythm and kinds[i] == kinds[i + 1] == kinds[i + 2]:
            rhythm = kinds[i]
            marks.append((int(samples[i]) - 40, "+"))
    return marks + [(place, "~") for burst in bursts for place in burst]


def simulate_recording(person: int, *, seed: int, seconds: float = 1800.0) -> Recording:
    """Record one simulated person (1001, 1002 and so on) for ``seconds``.

    Number and seed settle who the person is: rhythm, classes, shape of every wave, noise.
    """
    who = draw_person(person, seed=seed)
    count = int(seconds * SAMPLING_RATE)
    if seconds < 10:
        raise SettingError(f"A simulated recording lasts at least 10 s, found {seconds} s.")
    rng = np.random.default_rng([seed, person, 1])
    beats = int(seconds / who.interval * 1.4) + 8
    kinds = beat_kinds(who.case.conduction, who.ectopies, beats, rng)
    draw = fibrillation_intervals if who.case.rhythm == "fibrillation" else rr_intervals
    rhythm = draw(beats, mean=who.interval, deviation=who.variability, rng=rng)
    peaks = rng.uniform(0.3, 0.9) + beat_times(kinds, who.ectopies, rhythm, rng)
    peaks = peaks[peaks < seconds - 0.1]
    kinds = kinds[: len(peaks)]
    starts = rng.integers(0, count, rng.poisson(seconds / 300))
    bursts = [(int(start), int(min(start + 1500, count - 1))) for start in np.sort(starts)]
    millivolts = solve_ecg(who, peaks, beat_waves(who, kinds, rng), count)
    millivolts += noise(who, count, bursts, rng)
    samples = np.rint(peaks * SAMPLING_RATE).astype(np.int64)
    extra = other_annotations(kinds, samples, bursts)
    # A mark on the very sample of a beat stands before it, as a row ends at the next annotation.
    places = np.concatenate([[place for place, _ in extra], samples])
    symbols = [symbol for _, symbol in extra] + kinds
    order = np.argsort(places, kind="stable")
    return Recording(
        record=person,
        lead=LEAD,
        sampling_rate=SAMPLING_RATE,
        gain=GAIN,
        zero=ZERO,
        signal=np.clip(np.rint(ZERO + GAIN * millivolts), 0, HIGHEST).astype(np.int64),
        samples=places[order],
        symbols=tuple(symbols[i] for i in order),
    )


def person_recording(person: int, *, beats: int, seed: int) -> Recording:
    """The recording that `simulated_beats` cuts the first ``beats`` beats of ``person`` from."""
    seconds = 10 + 1.15 * beats * draw_person(person, seed=seed).interval
    recording = simulate_recording(person, seed=seed, seconds=seconds)
    while sum(symbol in LABEL_OF_SYMBOL for symbol in recording.symbols) <= beats:
        seconds *= 1.2
        recording = simulate_recording(person, seed=seed, seconds=seconds)
    return recording


def simulated_beats(count: int, *, seed: int) -> Beats:
    """``count`` beats of 48 simulated persons (24 for fewer than 2,400), equally many of each.

    20,000 beats take about 3 s on one core. The same seed gives the same beats.
    """
    persons = PERSONS if count >= FEWEST * PERSONS else len(CASES)
    if count < persons:
        raise SettingError(
            f"Simulated beats are shared among {persons} persons: found a count of {count}, "
            f"expected at least {persons}, and some 500 for every class to be there."
        )
    parts = []
    for i in range(persons):
        wanted = count // persons + (i < count % persons)
        recording = person_recording(FIRST_PERSON + i, beats=wanted, seed=seed)
        parts.append(extract_beats(recording, "simulated").take(np.arange(wanted)))
    return join(parts)
