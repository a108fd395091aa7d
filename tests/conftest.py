"""For all tests: beats (real ones where ECGLAB_DATA names the database), a compiler, a site."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ecglab.data.beats import Beats
from ecglab.data.database import DATABASE_VARIABLE
from ecglab.data.load import database_beats
from ecglab.data.simulate import simulated_beats
from ecglab.lessons.gallery import kept_page, write_site


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


@pytest.fixture(scope="session")
def lesson_result() -> Callable[..., dict[str, Any]]:
    """What the runner records of a lesson; what is named differs from a lesson that went well."""

    def result(name: str, **changes: Any) -> dict[str, Any]:
        record = {
            "lesson": name,
            "title": f"{name} & more",
            "about": "Why $y'$.",
            "error": None,
            "page": True,
            "seconds": 3.0,
            "peak_memory": 2**28,
            "load": 1.2,
            "profile": "quick",
            "data": "simulated",
            "headlines": [{"name": "slope", "value": 4.0312, "unit": "", "data": "quick run"}],
            "finished": "2026-11-21T12:00:00+00:00",
            "versions": {"torch": "2.13.0"},
            "device": "a CPU",
        }
        return record | changes

    return result


@pytest.fixture(scope="session")
def make_site(lesson_result) -> Callable[[Path, Mapping[str, nbformat.NotebookNode]], Path]:
    """Write the site of some notebooks into a folder, as after a run of them."""

    def make(out: Path, notebooks: Mapping[str, nbformat.NotebookNode]) -> Path:
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
        for name, notebook in notebooks.items():
            nbformat.write(notebook, out / "notebooks" / f"{name}.ipynb")
        results = [lesson_result(name) for name in notebooks]
        (out / "results.json").write_text(json.dumps(results))
        write_site(out, results, {each["lesson"]: kept_page(out, each) for each in results})
        return out

    return make
