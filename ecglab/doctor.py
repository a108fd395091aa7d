"""Look at the machine: what is there, what is missing, what to do about it."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import psutil
from packaging.requirements import Requirement

from ecglab.data.database import cache_directory, find_database, missing_files
from ecglab.errors import DataError
from ecglab.files import write_atomically
from ecglab.training.energy import label
from ecglab.training.energy_sources import energy_parts

Status = Literal["ok", "note", "problem"]
MEMORY_NEEDED: Final = 1.0  # GB for a lesson on the quick profile
DISK_NEEDED: Final = 0.3  # GB for records and prepared beats


@dataclass(frozen=True)
class Finding:
    """One thing looked at: a note is good to know, a problem keeps a lesson from running."""

    subject: str
    status: Status
    found: str
    remedy: str = ""


def examine(data: Path | None = None) -> list[Finding]:
    """Every finding on this machine; nothing here raises for a foreseeable fault."""
    return [
        Finding("ecglab", "ok", version("ecglab")),
        python(),
        *packages(),
        device(),
        memory(),
        energy(),
        database(data),
        cache(),
    ]


def python() -> Finding:
    """The version of Python, and whether a virtual environment is in use."""
    found = f"{platform.python_version()} ({sys.executable})"
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "problem", found, "use Python 3.11, 3.12 or 3.13")
    return Finding("Python", "ok", found)


def packages() -> list[Finding]:
    """Whether what ecglab and its lessons need is installed and new enough."""
    findings = []
    wanted = [Requirement(text) for text in requires("ecglab") or ()]
    for group, extra in (("packages", None), ("lessons", "lessons")):
        needs = [need for need in wanted if extra_of(need) == extra]
        remedy = f"pip install 'ecglab[{extra}]'" if extra else "pip install ecglab"
        faults = [fault for need in needs if (fault := fault_of(need))]
        findings += [Finding(group, "problem", fault, remedy) for fault in faults]
        if not faults:
            found = ", ".join(f"{need.name} {version(need.name)}" for need in needs)
            findings.append(Finding(group, "ok", found))
    return findings


def extra_of(need: Requirement) -> str | None:
    """The extra that a requirement of ecglab belongs to, None for what is always needed."""
    return str(need.marker).split('"')[1] if need.marker else None


def fault_of(need: Requirement) -> str:
    """What is wrong with an installed package, "" where it is as required."""
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return f"{need.name} is not installed"
    if need.specifier.contains(found, prereleases=True):
        return ""
    return f"{need.name} {found} is installed, {need.name} {need.specifier} is needed"


def device() -> Finding:
    """Where networks are trained."""
    if find_spec("torch") is None:
        return Finding("device", "problem", "torch is not installed", "pip install ecglab")
    import torch

    cores = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        found = f"cuda: {name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free; CPU: {cores}"
        return Finding("device", "ok", found)
    remedy = "enough for the profiles quick and classroom; a GPU shortens the profile full"
    return Finding("device", "note", f"CPU: {cores}", remedy)


def memory() -> Finding:
    """Memory that can be had now."""
    state = psutil.virtual_memory()
    found = f"{state.available / 1e9:.1f} of {state.total / 1e9:.1f} GB available"
    if state.available < MEMORY_NEEDED * 1e9:
        remedy = f"close other programs: a lesson needs up to {MEMORY_NEEDED:g} GB"
        return Finding("memory", "problem", found, remedy)
    return Finding("memory", "ok", found)


def energy() -> Finding:
    """Whether the energy of a run would be measured or estimated, and from what."""
    cuda = False
    if find_spec("torch") is not None:
        import torch

        cuda = torch.cuda.is_available()
    parts = energy_parts("cuda" if cuda else "cpu")
    how, source = label(parts)
    remedy = "; ".join(part.remedy for part in parts if part.remedy)
    return Finding("energy", "ok" if how == "measured" else "note", f"{how}: {source}", remedy)


def database(data: Path | None) -> Finding:
    """The MIT-BIH database, without which the lessons run on simulated heartbeats."""
    try:
        folder = find_database(data)
    except DataError as error:
        return Finding("data", "problem", str(error), "correct --data or ECGLAB_DATA, or unset it")
    if folder is None:
        return Finding(
            "data",
            "note",
            "no MIT-BIH database: the lessons run on simulated heartbeats",
            "'ecglab data fetch' brings the real ones (about 90 MB)",
        )
    if missing := missing_files(folder):
        remedy = f"'ecglab data fetch --data {folder}' completes them"
        return Finding(
            "data", "problem", f"{len(missing)} of 144 files missing in {folder}", remedy
        )
    remedy = "'ecglab data verify' compares every file with its checksum"
    return Finding("data", "ok", f"MIT-BIH database in {folder} (48 records)", remedy)


def cache() -> Finding:
    """Whether fetched records and prepared beats can be kept."""
    folder = cache_directory()
    try:
        probe = folder / "probe"
        write_atomically(probe, lambda path: path.write_text("ecglab"))
        probe.unlink()
        free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        found = f"{folder} cannot be written to ({error.strerror})"
        return Finding("cache", "problem", found, "set ECGLAB_CACHE to a folder of your own")
    if free < DISK_NEEDED:
        found = f"{folder}, {free:.1f} GB free"
        return Finding("cache", "problem", found, f"free {DISK_NEEDED:g} GB or set ECGLAB_CACHE")
    return Finding("cache", "ok", f"{folder}, {free:.1f} GB free")
