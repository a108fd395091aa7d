"""Where a number comes from."""

import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
import torch

from ecglab.training import provenance as origin

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    name = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository of its own that seems to hold the package."""
    module = tmp_path / "ecglab" / "training" / "provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("x = 1\n")
    git(tmp_path, "init", "-q")
    monkeypatch.setattr(origin, "__file__", str(module))
    return tmp_path, module


@needs_git
def test_the_commit_is_that_of_the_checkout(checkout):
    folder, module = checkout
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    head = git(folder, "rev-parse", "HEAD")
    assert head.startswith(origin.commit())
    assert len(origin.commit()) == 12
    module.write_text("x = 2\n")
    assert origin.commit() == head[:12] + "+changes"


@needs_git
def test_a_repository_that_only_surrounds_an_installed_package_is_not_named(checkout):
    folder, _ = checkout
    (folder / "other.py").write_text("")
    git(folder, "add", "other.py")
    git(folder, "commit", "-qm", "not the package")
    assert origin.commit() is None


def test_there_is_no_commit_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert origin.commit() is None


def test_a_record_is_complete():
    before = datetime.now(UTC).replace(microsecond=0)
    record = origin.provenance(command="ecglab train resnet")
    assert set(record) == {"command", "commit", "finished", "versions", "device"}
    assert record["command"] == "ecglab train resnet"
    assert datetime.fromisoformat(record["finished"]) >= before
    assert record["versions"]["torch"] == version("torch")
    assert record["versions"]["python"] == platform.python_version()
    assert f"{torch.get_num_threads()} of " in record["device"]


def test_a_package_that_is_not_there_is_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(origin, "PACKAGES", ("no-such-package-anywhere",))
    assert origin.versions()["no-such-package-anywhere"] == "not installed"


@pytest.mark.parametrize("program", ["/some/where/ecglab", "/some/where/ecglab/__main__.py"])
def test_the_command_of_a_process_names_no_folder_of_its_program(monkeypatch, program):
    monkeypatch.setattr(sys, "argv", [program, "run", "a lesson"])
    assert origin.provenance()["command"] == "ecglab run 'a lesson'"
