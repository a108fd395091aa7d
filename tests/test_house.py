"""The house itself: versions agree everywhere, the build works on a bare machine, rules hold."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import ecglab

ROOT = Path(ecglab.__file__).resolve().parents[1]
CONDA_NAMES = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "matplotlib-base": "matplotlib",
    "playwright-python": "playwright",
}
BINDER_ONLY = {"notebook"}  # its image starts through it; an older one would forbid our jupyterlab
NOT_PINNED = re.compile(r"nvidia-|cuda-|triton$")  # a CUDA build of torch names these itself


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    needs = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for need in needs:
        (only,) = need.specifier
        assert only.operator == "==", need
    return {
        canonicalize_name(need.name): Version(next(iter(need.specifier)).version) for need in needs
    }


def project_files() -> list[Path]:
    """Every text file of the project that a person wrote."""
    tops = ["ecglab", "tests", "notebooks", "docs", "binder", ".devcontainer", ".ci"]
    found = [path for path in ROOT.iterdir() if path.is_file() and path.name != "LICENSE"]
    found += [path for top in tops for path in (ROOT / top).rglob("*") if path.is_file()]
    endings = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ".ipynb", ".json", ""}
    return [path for path in found if path.suffix in endings and "__pycache__" not in path.parts]


def declared(project: dict) -> list[Requirement]:
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in groups for text in group]


def test_the_tested_versions_are_admitted(project, pins):
    for need in declared(project):
        assert need.specifier.contains(pins[canonicalize_name(need.name)]), need
    assert pins["torch"] == Version("2.13.0")
    assert pins["ipykernel"] < Version("7")


def test_constraints_hold_the_whole_closure(project, pins):
    waiting = [(need, "") for need in declared(project)]
    seen = set()
    while waiting:
        need, extra = waiting.pop()
        name = canonicalize_name(need.name)
        if need.marker and not need.marker.evaluate({"extra": extra}):
            continue
        if NOT_PINNED.match(name) or (name, *sorted(need.extras)) in seen:
            continue
        seen.add((name, *sorted(need.extras)))
        assert name in pins, f"{name} is needed but not pinned in constraints.txt"
        for text in importlib.metadata.requires(name) or ():
            waiting += [(Requirement(text), each) for each in ["", *need.extras]]


@pytest.mark.parametrize("file", ["environment.yml", "binder/environment.yml"])
def test_conda_environments_agree_with_the_constraints(file, project, pins):
    entries = yaml.safe_load((ROOT / file).read_text())["dependencies"]
    found = dict(
        entry.split("=", 1)
        for entry in entries
        if isinstance(entry, str) and re.search(r"\w=", entry)
    )
    pip = next((entry["pip"] for entry in entries if isinstance(entry, dict)), [])
    found |= dict(entry.split("==") for entry in pip if "==" in entry)
    python = found.pop("python", None)
    found = {CONDA_NAMES.get(name, name): version for name, version in found.items()}
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["lessons"]
    if file == "environment.yml":
        wanted = wanted + extras["test"]
        assert "python>=3.11,<3.14" in entries
        assert project["requires-python"] == ">=3.11,<3.14"
    else:
        assert python == "3.11"
        assert set(found) >= BINDER_ONLY
        wanted = wanted + sorted(BINDER_ONLY)
    assert set(found) == {Requirement(text).name for text in wanted}
    for name, version in found.items():
        assert Version(version) == pins[canonicalize_name(name)], name


def test_version_and_licence_are_the_same_everywhere(project):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == project["version"] == ecglab.__version__
    assert citation["license"] == project["license"] == "Apache-2.0"
    assert citation.get("repository-code") == project.get("urls", {}).get("Repository")
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_notebooks_hold_no_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_modules_hold_one_idea():
    long = {
        str(path.relative_to(ROOT)): count
        for path in (ROOT / "ecglab").rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 300
    }
    assert not long


def test_no_file_names_a_machine():
    beside, registry = "../" + "shared", "pypi" + ".org"
    for path in project_files():
        text = path.read_text(errors="replace")
        assert beside not in text or path == ROOT / ".ci" / "run", path
        assert registry not in text, path
        assert not re.search(r"(?<![\w.])/(work|root|home)/\w", text), path


def test_notebooks_are_stripped_alike_by_make_and_by_the_hook():
    flags = "metadata.papermill metadata.widgets cell.metadata.papermill cell.metadata.execution"
    for name in ("Makefile", ".pre-commit-config.yaml"):
        text = (ROOT / name).read_text()
        assert "--keep-id" in text
        assert f'--extra-keys "{flags}"' in text


def test_scripts_can_be_started():
    for name in (".ci/run", "binder/postBuild", "binder/start"):
        assert os.access(ROOT / name, os.X_OK), name
        subprocess.run(["bash", "-n", ROOT / name], check=True)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """The files that `make setup` looks at, in a checkout beside which there may be records."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    # Without the variables of an outer make, which would change what this one prints and does.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=inherited)


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_setup_costs_nothing_when_it_is_up_to_date(checkout):
    ready = checkout / ".venv" / ".ready"
    ready.parent.mkdir()
    ready.touch()
    os.utime(ready, (ready.stat().st_mtime + 10,) * 2)
    assert make(checkout, "--question", "setup").returncode == 0
    newer = ready.stat().st_mtime + 10
    os.utime(checkout / "constraints.txt", (newer, newer))
    assert make(checkout, "--question", "setup").returncode == 1


def test_setup_says_what_to_do_about_an_old_python(checkout, tmp_path):
    old = program(tmp_path / "python3.10", "exit 1")
    done = make(checkout, "setup", f"PYTHON={old}")
    assert done.returncode != 0
    assert "No Python 3.11, 3.12 or 3.13 found" in done.stderr
    assert str(old) in done.stderr
    assert not (checkout / ".venv").exists()


def test_setup_says_what_to_do_without_ensurepip(checkout, tmp_path):
    bare = program(
        tmp_path / "bare", f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
    )
    done = make(checkout, "setup", f"PYTHON={bare}")
    assert done.returncode != 0
    assert "python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_an_interrupted_setup_is_not_taken_for_a_whole_one(checkout):
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    fails = 'case "$*" in *install*) echo no network >&2; exit 1;; esac; exit 0'
    program(binaries / "python", fails)
    done = make(checkout, "setup")
    assert done.returncode != 0
    assert "no network" in done.stderr
    assert not (checkout / ".venv" / ".ready").exists()


@pytest.mark.parametrize("beside", [True, False])
def test_ci_uses_the_records_that_lie_beside_the_checkout(checkout, beside, monkeypatch):
    monkeypatch.delenv("ECGLAB_DATA", raising=False)
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    (checkout / "Makefile").write_text('test:\n\t@echo "data=$(ECGLAB_DATA)"\n')
    records = checkout.parent / "shared" / "mitdb"
    if beside:
        records.mkdir(parents=True)
    done = subprocess.run([checkout / ".ci" / "run"], capture_output=True, text=True, check=True)
    assert f"data={records if beside else ''}\n" in done.stdout
