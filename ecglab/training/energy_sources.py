"""Where joules come from: the counters of GPU and CPU, or an assumption that is named.

Counters (NVML, RAPL) count whatever runs on the chip, this program or another; an estimate counts
this process. Nothing here uses the network, writes a file or prints.
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from ecglab.errors import SettingError

How = Literal["measured", "estimated"]
# A busy virtual core of the large clouds takes 3.5 to 4.3 W (Cloud Carbon Footprint, Methodology);
# codecarbon assumes the same 4 W for a CPU that it does not know.
CORE_WATTS: Final = 4.0
GPU_RATED_WATTS: Final = 300.0  # of which half is taken, as carbontracker does
POWERCAP: Final = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Part:
    """One share of the energy: a count of joules that only grows, and what it rests on."""

    joules: Callable[[], float]
    how: How
    source: str
    remedy: str = ""  # how to have it measured, or known better
    wraps: bool = False  # the counter starts again from zero and must be read now and then


def energy_parts(device: object = "cpu", *, powercap: Path = POWERCAP) -> list[Part]:
    """What an ``EnergyMeter`` adds up for a ``torch.device`` or its name: the GPU, and the CPU."""
    kind = str(device).partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise SettingError(f"device={device} has no energy meter: give cpu, cuda or cuda:1.")
    return [gpu(device), cpu(powercap)] if kind == "cuda" else [cpu(powercap)]


def gpu(device: object) -> Part:
    """The GPU's own counter (Volta or newer), else half of an assumed rated power."""
    import torch

    def assumed(why: str, remedy: str) -> Part:
        watts = GPU_RATED_WATTS / 2
        source = f"{watts:g} W a GPU, half of an assumed {GPU_RATED_WATTS:g} W ({why})"
        return Part(lambda: time.perf_counter() * watts, "estimated", source, remedy)

    try:
        import pynvml
    except ImportError:
        remedy = "pip install 'ecglab[energy]' reads the GPU's own energy counter"
        return assumed("nvidia-ml-py is not installed", remedy)
    # By its UUID: NVML does not know how CUDA_VISIBLE_DEVICES numbers the devices.
    uuid = str(torch.cuda.get_device_properties(torch.device(str(device))).uuid)
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid.removeprefix('GPU-')}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        remedy = "needs a whole NVIDIA GPU, Volta or newer, that no MIG setting divides"
        return assumed(f"NVML: {error}", remedy)
    return Part(
        lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000,
        "measured",
        "NVML total energy counter",
    )


def cpu(powercap: Path) -> Part:
    """The counters of the CPU where they can be read, else CPU time times the watts of a core."""
    found = rapl(powercap)
    if isinstance(found, Part):
        return found
    watts, basis, remedy = core_watts()
    if found == "RAPL not readable":
        remedy = f"'sudo chmod a+r {powercap}/intel-rapl:*/energy_uj' has it measured until reboot"
    source = f"CPU time x {watts:.3g} W a core ({basis}; {found})"
    return Part(lambda: cpu_seconds() * watts, "estimated", source, remedy)


def rapl(powercap: Path) -> Part | Literal["no RAPL", "RAPL not readable"]:
    """Counters of all CPU packages and of the memory beside them, or why there are none."""

    def read(zones: list[Path], file: str) -> list[int]:
        return [int((zone / file).read_text()) for zone in zones]

    try:
        names = {z: (z / "name").read_text().strip() for z in sorted(powercap.glob("intel-rapl:*"))}
        # The zones core and uncore lie within a package, and psys holds the packages.
        zones = [zone for zone, name in names.items() if name.startswith(("package", "dram"))]
        if not any(names[zone].startswith("package") for zone in zones):
            return "no RAPL"
        spans, last = read(zones, "max_energy_range_uj"), read(zones, "energy_uj")
    except (OSError, ValueError):
        return "RAPL not readable"
    total = 0

    def joules() -> float:
        nonlocal last, total
        now = read(zones, "energy_uj")
        total += sum((b - a) % (span + 1) for a, b, span in zip(last, now, spans, strict=True))
        last = now
        return total / 1e6

    kinds = sorted({names[zone].partition("-")[0] for zone in zones}, reverse=True)
    return Part(joules, "measured", f"RAPL {' and '.join(kinds)}", wraps=True)


def cpu_seconds() -> float:
    """CPU time of this process with all its threads, and of its children that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


@cache  # codecarbon takes a second or two to recognise the CPU
def core_watts() -> tuple[float, str, str]:
    """Watts of one busy core, what they rest on, and a remedy.

    The rated power from codecarbon's table, shared by the cores: for the CPU the same estimate as
    that of its ``OfflineEmissionsTracker`` in process mode, without the constant it adds for
    memory, its thread, its files of settings that may name a server, and its messages.
    """
    remedy = "fit to compare runs on this machine: time is measured, only the watts are assumed"
    if is_virtual():  # the table knows the whole chip, of which this machine has a few cores
        return CORE_WATTS, "assumed, as on any virtual machine", remedy
    try:
        from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE, TDP
        from codecarbon.core.util import count_cpus, count_physical_cpus
    except ImportError:
        more = "; pip install 'codecarbon>=3,<4' brings a table of CPUs"
        return CORE_WATTS, "assumed, codecarbon 3 is not installed", remedy + more
    logger = logging.getLogger("codecarbon")
    disabled, logger.disabled = logger.disabled, True
    try:
        rated, cores, chips = TDP(), count_cpus(), count_physical_cpus()
    finally:
        logger.disabled = disabled
    if not rated.tdp or rated.tdp == cores * DEFAULT_POWER_PER_CORE:  # its own guess
        return CORE_WATTS, "assumed, codecarbon does not know this CPU", remedy
    watts = rated.tdp * chips
    name, release = " ".join(rated.model.split()), version("codecarbon")
    return watts / cores, f"codecarbon {release}: {name}, {watts:g} W for {cores} cores", remedy


def is_virtual(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this is a virtual machine, as Linux on x86 says it."""
    return cpuinfo.is_file() and " hypervisor" in cpuinfo.read_text()
