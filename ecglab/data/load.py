"""One way to the beats: from the real database where there is one, else simulated, and said so."""

from pathlib import Path

import numpy as np

from ecglab.data.beats import Beats, extract_beats, join
from ecglab.data.cache import cached, fingerprint
from ecglab.data.database import RECORDS, find_database, missing_files, read_recording
from ecglab.data.simulate import SIMULATOR, simulated_beats
from ecglab.errors import DataError


def read_beats(directory: str | Path) -> Beats:
    """The beats of all records in ``directory``, read anew and without the cache (about 2 s)."""
    folder = Path(directory)
    return join(extract_beats(read_recording(folder, record)) for record in RECORDS)


def database_beats(directory: str | Path) -> Beats:
    """The 109,446 beats of the MIT-BIH records in ``directory``, in record and time order.

    The first call reads the records (about 2 s) and stores the beats in the cache; later calls
    load them (about 0.2 s).
    """
    folder = Path(directory)
    if missing := missing_files(folder):
        raise DataError(
            f"{len(missing)} of 144 files of the MIT-BIH database are missing in {folder} "
            f"(the first is {missing[0]}); run 'ecglab data fetch' to complete them."
        )
    return cached(fingerprint(folder), lambda: read_beats(folder))


def load_beats(directory: str | Path | None = None, *, seed: int = 0) -> Beats:
    """Beats of the MIT-BIH database where it is found, otherwise 20,000 simulated ones.

    ``beats.origin`` says which. See `find_database` for where the database is looked for.
    """
    folder = find_database(directory)
    if folder is not None:
        return database_beats(folder)
    return cached(f"{SIMULATOR}-{seed}", lambda: simulated_beats(20_000, seed=seed))


def subsample(beats: Beats, count: int, *, seed: int = 0) -> Beats:
    """A stratified part of at most ``count`` beats; every class that is there stays there."""
    if count < 1:
        raise DataError(f"A part of the beats needs at least one beat, found a count of {count}.")
    if count >= len(beats):
        return beats
    rng = np.random.default_rng(seed)
    share = count / len(beats)
    kept = []
    for label in np.unique(beats.labels):
        index = np.flatnonzero(beats.labels == label)
        kept.append(rng.permutation(index)[: max(1, round(share * len(index)))])
    return beats.take(np.sort(np.concatenate(kept)))
