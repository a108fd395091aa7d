"""The recording that a beat was cut from, real or simulated."""

from functools import lru_cache

import numpy as np

from ecglab.data.beats import Beats
from ecglab.data.database import Recording, find_database, read_recording
from ecglab.data.simulate import person_recording
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


simulated_recording = lru_cache(maxsize=4)(person_recording)


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
    return simulated_recording(record, beats=wanted, seed=seed)
