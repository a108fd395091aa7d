"""Data for the tests: simulated beats always, the real database where ECGLAB_DATA names it."""

import os
import shutil
from pathlib import Path

import pytest

from ecglab.data.beats import Beats
from ecglab.data.database import DATABASE_VARIABLE
from ecglab.data.load import database_beats
from ecglab.data.simulate import simulated_beats


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory) -> Path:
    """A cache of the tests' own: they neither use nor change the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLAB_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def simulated() -> Beats:
    """4,000 simulated beats of 48 persons."""
    return simulated_beats(4_000, seed=0)


@pytest.fixture(scope="session")
def compiler() -> None:
    """For tests that call torch.compile, which builds C++ on a CPU."""
    if not any(shutil.which(os.environ.get("CXX", name)) for name in ("g++", "c++", "clang++")):
        pytest.skip("torch.compile needs a C++ compiler")


@pytest.fixture(scope="session")
def mitdb() -> Path:
    """Folder of the real database; mark the test ``mitdb`` too."""
    named = os.environ.get(DATABASE_VARIABLE)
    if not named:
        pytest.skip(f"needs the MIT-BIH database: set {DATABASE_VARIABLE}")
    return Path(named)


@pytest.fixture(scope="session")
def mitdb_beats(mitdb, cache_folder) -> Beats:
    """The 109,446 real beats."""
    return database_beats(mitdb)
