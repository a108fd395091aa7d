"""Keep prepared beats on disk, keyed by the recipe and by the checksums of the records."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecglab.data.beats import RECIPE, Beats
from ecglab.data.database import RECORDS, SUFFIXES, cache_directory
from ecglab.errors import DataError
from ecglab.files import write_atomically

FIELDS = ("values", "labels", "records", "samples")


def fingerprint(directory: Path) -> str:
    """SHA-256 over all files of the database in ``directory`` (90 MB take about 0.1 s)."""
    digest = hashlib.sha256()
    for record in RECORDS:
        for suffix in SUFFIXES:
            digest.update((directory / f"{record}{suffix}").read_bytes())
    return digest.hexdigest()


def cached(key: str, make: Callable[[], Beats]) -> Beats:
    """Return the beats stored under ``key``; make and store them where they are not there yet."""
    name = hashlib.sha256(f"{RECIPE}:{key}".encode()).hexdigest()[:20]
    path = cache_directory() / f"beats-{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Beats(*(stored[field] for field in FIELDS), origin=str(stored["origin"]))
    except Exception:  # absent or damaged, for which zip and npy raise a dozen types
        pass  # made anew below, from the records
    beats = make()
    arrays = {field: getattr(beats, field) for field in FIELDS}

    def save(part: Path) -> None:
        np.savez(part, origin=np.array(beats.origin), **arrays)

    try:
        write_atomically(path, save)
    except OSError as error:
        raise DataError(
            f"The cache {path.parent} cannot be written to ({error.strerror}): free some space or "
            f"name another folder in ECGLAB_CACHE."
        ) from error
    return beats
