"""The recording that a beat was cut from, real or simulated."""

from functools import lru_cache

import numpy as np

from ecglab.data.beats import Beats, extract_beats
from ecglab.data.database import Recording, find_database, read_recording
from ecglab.data.persons import draw_person
from ecglab.data.simulate import simulate_recording
from ecglab.errors import DataError


@lru_cache(maxsize=4)  # a recording holds 5 MB
def real_recording(record: int) -> Recording:
    """One record of the MIT-BIH database, wherever `find_database` finds it."""
    folder = find_database()
    if folder is None:
        raise DataError(
            f"Record {record} cannot be read: no MIT-BIH database found; run 'ecglab data fetch'."
        )
    return read_recording(folder, record)


@lru_cache(maxsize=4)
def simulated_recording(person: int, *, wanted: int, seed: int) -> Recording:
    """The recording that `simulated_beats` cuts the ``wanted`` beats of ``person`` from."""
    seconds = 10 + 1.15 * wanted * draw_person(person, seed=seed).interval
    recording = simulate_recording(person, seed=seed, seconds=seconds)
    while len(extract_beats(recording, "simulated")) < wanted:
        seconds *= 1.2
        recording = simulate_recording(person, seed=seed, seconds=seconds)
    return recording


def recording_of(beats: Beats, record: int, *, seed: int) -> Recording:
    """The recording of one record among ``beats``; raise DataError where there is none."""
    wanted = int(np.sum(beats.records == record))
    if beats.origin == "CSV" or not wanted:
        raise DataError(
            f"Record {record} has no recording here: these {beats.origin} beats come from "
            f"records {np.unique(beats.records).tolist()}."
        )
    if beats.origin == "MIT-BIH":
        return real_recording(record)
    return simulated_recording(record, wanted=wanted, seed=seed)
