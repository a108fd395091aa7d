"""Fetch the MIT-BIH records from PhysioNet and check them against the published SHA-256 sums."""

import hashlib
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import pooch
from tqdm import tqdm

from ecglab.data.database import cache_directory
from ecglab.errors import DataError

PHYSIONET: Final = "https://physionet.org/files/mitdb/1.0.0/"
AT_ONCE: Final = 4  # downloads side by side
PATIENCE: Final = 30  # s without an answer
CHUNK: Final = 1 << 16


@dataclass(frozen=True)
class Verification:
    """Outcome of `verify`: how many files were ``checked``, which are missing, which differ."""

    directory: Path
    checked: int
    missing: tuple[str, ...]
    differing: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every file is there and is the published one."""
        return not self.missing and not self.differing


@cache
def checksums() -> Mapping[str, str]:
    """SHA-256 of each of the 144 files, as PhysioNet publishes them."""
    table = files("ecglab.data").joinpath("mitdb_sha256.txt").read_text(encoding="ascii")
    return {name: digest for digest, name in map(str.split, table.splitlines())}


def verify(directory: str | Path, *, registry: Mapping[str, str] | None = None) -> Verification:
    """Compare every file of the database in ``directory`` with its published checksum."""
    folder = Path(directory).expanduser()
    registry = checksums() if registry is None else registry
    missing, differing = [], []
    for name, expected in registry.items():
        path = folder / name
        if not path.is_file():
            missing.append(name)
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            differing.append(name)
    return Verification(folder, len(registry), tuple(missing), tuple(differing))


def fetch(
    directory: str | Path | None = None,
    *,
    base_url: str = PHYSIONET,
    retries: int = 3,
    progress: bool = True,
) -> Path:
    """Bring the 48 records (about 90 MB) into ``directory`` and return it.

    Files that are already there and whole are kept, so that an interrupted fetch goes on where it
    stopped. A file gets its name only once its checksum is right. Without ``directory`` the
    records go where `find_database` looks for them. Raises DataError naming the first file that
    could not be had.
    """
    folder = cache_directory() / "mitdb" if directory is None else Path(directory).expanduser()
    return fetch_files(checksums(), folder, base_url=base_url, retries=retries, progress=progress)


def fetch_files(
    registry: Mapping[str, str], folder: Path, *, base_url: str, retries: int, progress: bool
) -> Path:
    """Bring the files of ``registry`` (name to SHA-256) from ``base_url`` into ``folder``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"The folder {folder} for the records cannot be made ({error.strerror}): name a folder "
            f"that can be written to."
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)  # the bar says what the log would
    store = pooch.create(
        path=folder,
        base_url=base_url.rstrip("/") + "/",
        registry=dict(registry),
        retry_if_failed=retries,
    )
    download = pooch.HTTPDownloader(chunk_size=CHUNK, timeout=PATIENCE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {pool.submit(store.fetch, name, downloader=download): name for name in registry}
        finished = as_completed(waiting)
        try:
            for done in tqdm(
                finished, total=len(waiting), desc="MIT-BIH", unit="file", disable=not progress
            ):
                done.result()
        except (OSError, ValueError) as error:  # pooch: ValueError for a checksum, else OSError
            raise DataError(explain(waiting[done], store.base_url, error)) from error
        finally:
            pool.shutdown(cancel_futures=True)
    return folder


def explain(name: str, base_url: str, error: Exception) -> str:
    """One sentence on why ``name`` could not be fetched and what to do about it."""
    response = getattr(error, "response", None)
    if response is not None:
        found = f"the server answered {response.status_code} {response.reason}"
        advice = "check the address or try again later"
    elif isinstance(error, OSError) and error.errno is not None:
        found = f"{error.strerror} ({error.filename})"
        advice = "free some space or name a folder that can be written to"
    elif isinstance(error, OSError):
        found = f"no whole answer from the server ({type(error).__name__})"
        advice = "check the connection and run the same command again, it goes on where it stopped"
    else:
        found = str(error).split(". Deleted")[0]
        advice = "the transfer or the server's copy is damaged; try again later"
    return (
        f"{name} could not be fetched from {base_url}: {found}; expected the published file; "
        f"{advice}."
    )
