"""Where a number comes from: command, commit, versions and device of a run."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("ecglab", "torch", "torchdiffeq", "numpy", "scikit-learn", "wfdb")


def commit() -> str | None:
    """The commit of the checkout this package runs from, with "+changes" where it was edited."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(Path(__file__).resolve()))  # not a venv's folder
        code = (".", ":(exclude)ecglab/lessons/recorded")  # results are not code
        changed = git("status", "--porcelain", "--untracked-files=no", "--", *code)
        return git("rev-parse", "--short=12", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def device_name(device: torch.device | str = "cpu") -> str:
    """The accelerator's name, or the processor's with the threads that torch uses."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    threads = torch.get_num_threads()
    return f"{name}, {threads} of {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def command_line() -> str:
    """The command that started this process, without the folder of its program."""
    program = Path(sys.argv[0]).name
    return shlex.join(["ecglab" if program == "__main__.py" else program, *sys.argv[1:]])


def provenance(device: torch.device | str = "cpu", *, command: str | None = None) -> dict[str, Any]:
    """Command (that of this process unless given), commit, time, versions and device."""
    return {
        "command": command_line() if command is None else command,
        "commit": commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "device": device_name(device),
    }
