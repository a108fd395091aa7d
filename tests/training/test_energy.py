"""Energy against counters of known joules, hand sums, the estimate's formula and codecarbon's."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ecglab.errors import SettingError
from ecglab.training import energy_sources
from ecglab.training.energy import GRID_INTENSITY, Energy, EnergyMeter, sum_energy
from ecglab.training.energy_sources import CORE_WATTS, core_watts, energy_parts, is_virtual, rapl

SPAN = 262_143_328_850  # microjoules, as many Intel packages have it


class Powercap:
    """A tree like /sys/class/powercap whose counters a test turns on."""

    def __init__(self, folder: Path, zones: dict[str, str], start: int = 5_000_000):
        self.folder = folder
        for zone, name in zones.items():
            (folder / zone).mkdir(parents=True)
            (folder / zone / "name").write_text(f"{name}\n")
            (folder / zone / "max_energy_range_uj").write_text(f"{SPAN}\n")
            (folder / zone / "energy_uj").write_text(f"{start}\n")

    def use(self, zone: str, joules: float) -> None:
        counter = self.folder / zone / "energy_uj"
        value = (int(counter.read_text()) + round(joules * 1e6)) % (SPAN + 1)
        part = counter.with_suffix(".part")  # the meter's thread must not find half a number
        part.write_text(f"{value}\n")
        part.replace(counter)


@pytest.fixture
def powercap(tmp_path) -> Powercap:
    zones = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    return Powercap(tmp_path / "powercap", zones)


@pytest.fixture(autouse=True)
def fresh_watts():
    core_watts.cache_clear()
    yield
    core_watts.cache_clear()


@pytest.fixture
def no_rapl(tmp_path) -> Path:
    return tmp_path / "nothing"


def spend(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


# Counters of the CPU.


def test_packages_and_memory_count_and_what_lies_within_them_does_not(powercap):
    with EnergyMeter(powercap=powercap.folder, grid_intensity=500) as meter:
        powercap.use("intel-rapl:0", 3_600)
        powercap.use("intel-rapl:0:1", 1_800)
        powercap.use("intel-rapl:1", 1_800)
        for zone in ("intel-rapl:0:0", "intel-rapl:2", "intel-rapl-mmio:0"):
            powercap.use(zone, 1e5)
    assert meter.reading.kwh == pytest.approx(0.002, rel=1e-12)  # 7,200 J
    assert meter.reading.co2_g == pytest.approx(1.0, rel=1e-12)
    assert (meter.reading.how, meter.reading.source) == ("measured", "RAPL package and dram")


def test_energy_before_and_after_is_not_counted_and_a_meter_can_be_used_again(powercap):
    meter = EnergyMeter(powercap=powercap.folder)
    powercap.use("intel-rapl:0", 700)
    with meter:
        powercap.use("intel-rapl:0", 36)
    powercap.use("intel-rapl:0", 9_000)
    assert meter.reading.kwh == pytest.approx(1e-5, rel=1e-12)
    with meter:
        powercap.use("intel-rapl:1", 72)
    assert meter.reading.kwh == pytest.approx(2e-5, rel=1e-12)


def test_a_counter_that_starts_again_from_zero(tmp_path):
    zones = {"intel-rapl:0": "package-0"}
    powercap = Powercap(tmp_path / "powercap", zones, start=SPAN - 1_000_000)
    with EnergyMeter(powercap=powercap.folder) as meter:
        powercap.use("intel-rapl:0", 3.6)
    assert int((powercap.folder / "intel-rapl:0" / "energy_uj").read_text()) < 3_000_000
    assert meter.reading.kwh == pytest.approx(1e-6, rel=1e-12)
    assert meter.reading.source == "RAPL package"


@given(st.lists(st.integers(0, SPAN), max_size=8), st.integers(0, SPAN))
def test_any_number_of_wraps_between_readings(steps, start):
    with tempfile.TemporaryDirectory() as folder:
        powercap = Powercap(Path(folder), {"intel-rapl:0": "package-0"}, start=start)
        part = rapl(powercap.folder)
        for step in steps:
            powercap.use("intel-rapl:0", step / 1e6)
            part.joules()
        assert part.joules() == pytest.approx(sum(steps) / 1e6, abs=1e-5 * (1 + len(steps)))


def test_the_meter_reads_often_enough_that_no_wrap_is_missed(powercap):
    most, read = 0.9 * SPAN / 1e6, []
    meter = EnergyMeter(powercap=powercap.folder, poll_seconds=0.01)
    (part,) = meter.parts
    meter.parts = [replace(part, joules=lambda: read.append(part.joules()) or read[-1])]
    with meter:
        for _ in range(3):  # 2.7 times round: two readings alone would show 0.7 of it
            powercap.use("intel-rapl:0", most)
            seen = len(read)
            while len(read) < seen + 2:
                time.sleep(0.01)
    assert meter.reading.kwh == pytest.approx(3 * most / 3.6e6, rel=1e-6)
    assert not meter.thread.is_alive()


def test_counters_for_root_only_are_said_to_be_so_and_the_estimate_steps_in(powercap, monkeypatch):
    allowed = Path.read_text

    def read_text(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return allowed(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", read_text)
    (part,) = energy_parts(powercap=powercap.folder)
    assert part.how == "estimated"
    assert "RAPL not readable" in part.source
    assert f"chmod a+r {powercap.folder}/intel-rapl:*/energy_uj" in part.remedy


@pytest.mark.parametrize("file, text", [("energy_uj", "none"), ("max_energy_range_uj", "")])
def test_counters_that_are_no_numbers_are_not_used(powercap, file, text):
    (powercap.folder / "intel-rapl:1" / file).write_text(text)
    assert rapl(powercap.folder) == "RAPL not readable"


def test_zones_without_a_package_are_no_measurement(tmp_path):
    zones = {"intel-rapl:0": "psys", "intel-rapl:0:0": "dram"}
    assert rapl(Powercap(tmp_path / "powercap", zones).folder) == "no RAPL"


# Counters of a GPU.


class NVMLError(Exception):
    pass


@pytest.fixture
def nvml(monkeypatch) -> SimpleNamespace:
    """Two GPUs that CUDA numbers the other way round than NVML; joules by UUID."""
    joules = {"GPU-aaaa": 1_000.0, "GPU-bbbb": 50.0}
    calls = []

    def handle(uuid):
        if uuid not in joules:
            raise NVMLError("Not Found")
        return uuid

    module = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetTotalEnergyConsumption=lambda uuid: round(1000 * joules[uuid]),
    )
    uuids = ["bbbb", "aaaa"]
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda device: SimpleNamespace(uuid=uuids[torch.device(device).index or 0]),
    )
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: calls.append(device))
    return SimpleNamespace(module=module, joules=joules, uuids=uuids, synchronized=calls)


def test_the_counter_of_the_gpu_that_was_named(nvml, powercap):
    with EnergyMeter(torch.device("cuda:1"), powercap=powercap.folder) as meter:
        nvml.joules["GPU-aaaa"] += 3_000
        nvml.joules["GPU-bbbb"] += 77
        powercap.use("intel-rapl:0", 600)
    assert meter.reading.kwh == pytest.approx(0.001, rel=1e-9)
    assert meter.reading.how == "measured"
    assert meter.reading.source == "NVML total energy counter + RAPL package and dram"
    assert nvml.synchronized == ["cuda:1", "cuda:1"]  # work in flight counts where it was ordered
    with EnergyMeter("cuda", powercap=powercap.folder) as meter:
        nvml.joules["GPU-bbbb"] += 36
    assert meter.reading.kwh == pytest.approx(1e-5, rel=1e-9)


def test_a_measured_gpu_beside_an_estimated_cpu_is_an_estimate_that_names_both(nvml, no_rapl):
    with EnergyMeter("cuda:0", powercap=no_rapl) as meter:
        nvml.joules["GPU-bbbb"] += 3_600
    assert meter.reading.kwh == pytest.approx(0.001, rel=0.01)
    assert meter.reading.how == "estimated"
    first, second = meter.reading.source.split(" + ")
    assert first == "NVML total energy counter [measured]"
    assert second.startswith("CPU time x ")
    assert second.endswith("[estimated]")


@pytest.mark.parametrize("missing", ["the GPU", "the counter", "the package"])
def test_a_gpu_without_a_counter_is_half_its_assumed_rating(nvml, powercap, monkeypatch, missing):
    def refuse(handle):
        raise NVMLError("Not Supported")

    if missing == "the GPU":
        nvml.uuids[0] = "a-part-of-a-gpu"
        why = "NVML: Not Found"
    elif missing == "the counter":
        nvml.module.nvmlDeviceGetTotalEnergyConsumption = refuse
        why = "NVML: Not Supported"
    else:
        monkeypatch.setitem(sys.modules, "pynvml", None)
        why = "nvidia-ml-py is not installed"
    gpu, cpu = energy_parts("cuda:0", powercap=powercap.folder)
    assert gpu.source == f"150 W a GPU, half of an assumed 300 W ({why})"
    assert gpu.remedy
    assert cpu.how == "measured"
    with EnergyMeter("cuda:0", powercap=powercap.folder) as meter:
        time.sleep(0.2)
    assert meter.reading.how == "estimated"
    assert meter.reading.kwh * 3.6e6 == pytest.approx(150 * meter.reading.seconds, rel=0.01)


def test_the_real_library_without_a_driver_is_an_estimate(nvml, powercap, monkeypatch):
    monkeypatch.delitem(sys.modules, "pynvml")
    pynvml = pytest.importorskip("pynvml")
    try:
        pynvml.nvmlInit()
        pytest.skip("this machine has an NVIDIA driver")
    except pynvml.NVMLError as error:
        part, _ = energy_parts("cuda", powercap=powercap.folder)
        assert f"NVML: {error}" in part.source


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_energy_of_a_real_gpu_lies_between_idle_and_its_limit():
    pynvml = pytest.importorskip("pynvml")
    x = torch.randn(4096, 4096, device="cuda")
    with EnergyMeter("cuda") as meter:
        end = time.perf_counter() + 3
        while time.perf_counter() < end:
            for _ in range(10):
                x = torch.nn.functional.normalize(x @ x)
            torch.cuda.synchronize()
    assert meter.reading.source.startswith("NVML total energy counter")
    limit = pynvml.nvmlDeviceGetEnforcedPowerLimit(pynvml.nvmlDeviceGetHandleByIndex(0)) / 1000
    gpu, _ = meter.parts
    watts = (gpu.joules() - meter.start[0]) / meter.reading.seconds
    assert 20 < watts < 1.2 * limit


def test_a_device_without_a_meter_is_refused():
    with pytest.raises(SettingError, match="device=mps has no energy meter: give cpu"):
        EnergyMeter("mps")


# The estimate.


def test_the_estimate_is_cpu_time_times_watts(no_rapl, monkeypatch):
    monkeypatch.setattr(energy_sources, "is_virtual", lambda: True)
    joules = []
    for seconds in (0.1, 0.4):
        with EnergyMeter(powercap=no_rapl) as meter:
            before = time.process_time()
            spend(seconds)
            used = time.process_time() - before
        joules.append(meter.reading.kwh * 3.6e6)
        assert joules[-1] == pytest.approx(CORE_WATTS * used, rel=0.02)
        assert meter.reading.seconds >= used * 0.99
    assert joules[1] / joules[0] == pytest.approx(4, rel=0.05)
    assert meter.reading.how == "estimated"
    assert meter.reading.source == (
        "CPU time x 4 W a core (assumed, as on any virtual machine; no RAPL)"
    )


def test_waiting_costs_nothing_and_children_count(no_rapl):
    with EnergyMeter(powercap=no_rapl) as meter:
        time.sleep(0.3)
    idle = meter.reading
    work = "import time\nwhile time.process_time() < 0.5: pass"
    with EnergyMeter(powercap=no_rapl) as meter:
        subprocess.run([sys.executable, "-c", work], check=True)
    watts = core_watts()[0]
    assert idle.kwh * 3.6e6 < watts * 0.05
    assert watts * 0.47 < meter.reading.kwh * 3.6e6 < watts * 2  # counted in ticks of 10 ms


def test_a_computation_that_fails_has_its_reading(powercap):
    meter = EnergyMeter(powercap=powercap.folder)
    with pytest.raises(ZeroDivisionError), meter:
        powercap.use("intel-rapl:0", 36)
        1 / 0  # noqa: B018
    assert meter.reading.kwh == pytest.approx(1e-5)
    assert not meter.thread.is_alive()


def test_a_meter_costs_next_to_nothing(no_rapl):
    core_watts()
    start = time.process_time()
    for _ in range(100):
        with EnergyMeter(powercap=no_rapl):
            pass
    assert time.process_time() - start < 0.5  # 5 ms each at the very most


def test_a_virtual_machine_is_known_by_its_flag(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    assert not is_virtual(cpuinfo)
    cpuinfo.write_text("model name : Hypervisor 9000\nflags : fpu vme sse2\n")
    assert not is_virtual(cpuinfo)
    cpuinfo.write_text("model name : AMD EPYC\nflags : fpu vme hypervisor sse2\n")
    assert is_virtual(cpuinfo)


# Rated power from codecarbon, as far as it goes: a stand-in always, the package where it is.


def stand_in(monkeypatch, *, tdp, cores=16, chips=1):
    """Modules of codecarbon's names that know one CPU, and complain about it aloud."""

    class TDP:
        model = "Some  CPU"

        def __init__(self):
            logging.getLogger("codecarbon").critical("noise")
            self.tdp = tdp

    package, core = ModuleType("codecarbon"), ModuleType("codecarbon.core")
    package.__path__, core.__path__ = [], []
    cpu = SimpleNamespace(TDP=TDP, DEFAULT_POWER_PER_CORE=4)
    util = SimpleNamespace(count_cpus=lambda: cores, count_physical_cpus=lambda: chips)
    modules = {"": package, ".core": core, ".core.cpu": cpu, ".core.util": util}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, f"codecarbon{name}", module)
    monkeypatch.setattr(energy_sources, "is_virtual", lambda: False)
    monkeypatch.setattr(energy_sources, "version", lambda name: "3.3.2")


def test_the_rated_power_of_all_chips_is_shared_by_all_cores(monkeypatch, no_rapl, caplog):
    stand_in(monkeypatch, tdp=28.0, chips=2)
    with EnergyMeter(powercap=no_rapl) as meter:
        before = time.process_time()
        spend(0.2)
        used = time.process_time() - before
    assert meter.reading.kwh * 3.6e6 == pytest.approx(56 / 16 * used, rel=0.02)
    assert meter.reading.source == (
        "CPU time x 3.5 W a core (codecarbon 3.3.2: Some CPU, 56 W for 16 cores; no RAPL)"
    )
    assert not caplog.records
    assert not logging.getLogger("codecarbon").disabled


@pytest.mark.parametrize("tdp", [None, 64.0])  # 64 W for 16 cores is codecarbon's own guess
def test_a_cpu_that_codecarbon_does_not_know(monkeypatch, tdp):
    stand_in(monkeypatch, tdp=tdp)
    watts, basis, _ = core_watts()
    assert (watts, basis) == (CORE_WATTS, "assumed, codecarbon does not know this CPU")


def test_without_codecarbon_the_remedy_names_it(monkeypatch):
    monkeypatch.setattr(energy_sources, "is_virtual", lambda: False)
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    monkeypatch.delitem(sys.modules, "codecarbon.core.cpu", raising=False)
    watts, basis, remedy = core_watts()
    assert (watts, basis) == (CORE_WATTS, "assumed, codecarbon 3 is not installed")
    assert "pip install 'codecarbon>=3,<4'" in remedy


def test_the_estimate_is_that_of_codecarbons_offline_tracker(monkeypatch, no_rapl, tmp_path):
    codecarbon = pytest.importorskip("codecarbon")
    monkeypatch.chdir(tmp_path)
    model = "AMD EPYC 7763 64-Core Processor"  # 280 W
    monkeypatch.setattr("codecarbon.core.cpu.detect_cpu_model", lambda: model)
    monkeypatch.setattr("codecarbon.core.cpu.is_rapl_available", lambda: False)
    monkeypatch.setattr(energy_sources, "is_virtual", lambda: False)
    tracker = codecarbon.OfflineEmissionsTracker(
        country_iso_code="FRA",
        tracking_mode="process",
        output_methods=[],
        log_level="critical",
        measure_power_secs=1e6,
    )
    outer, inner = EnergyMeter(powercap=no_rapl), EnergyMeter(powercap=no_rapl)
    with outer:  # the tracker works too: its figure lies between those of without and with that
        tracker.start()
        with inner:
            spend(2)
        tracker.stop()
    theirs = tracker.final_emissions_data.cpu_energy
    assert 0.97 * inner.reading.kwh < theirs < 1.03 * outer.reading.kwh
    assert f"{model}, 280 W for {os.cpu_count()} cores" in inner.reading.source


# What it must not do.

WATCHED = """
import sys
from ecglab.training.energy import EnergyMeter
assert "torch" not in sys.modules and "codecarbon" not in sys.modules
from ecglab.training import energy_sources
energy_sources.is_virtual = lambda: False  # so that codecarbon is asked, where it is installed
sys.dont_write_bytecode = True
found = []
def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        found.append((event, arguments))
    # A number is a pipe of a child; /dev/null is nowhere.
    if event == "open" and isinstance(arguments[0], str) and arguments[0] != "/dev/null":
        if any(letter in (arguments[1] or "r") for letter in "wax+"):
            found.append((event, arguments))
sys.addaudithook(watch)
with EnergyMeter() as meter:
    sum(range(100_000))
assert not found, found
open("witness", "w").close()
import socket
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError:
    pass
assert {event for event, _ in found} >= {"open", "socket.connect"}, found  # the watch works
"""


def test_no_network_no_files_no_words_and_a_light_import(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["witness"]


def test_a_meter_works_where_every_socket_is_refused(no_rapl, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(f"socket.{name}", refuse)
    with EnergyMeter(powercap=no_rapl) as meter:
        spend(0.02)
    assert meter.reading.kwh > 0


# CO2 and sums.


def test_a_saving_of_energy_is_the_same_saving_of_co2(powercap):
    readings = []
    for joules in (3_600, 900):
        with EnergyMeter(powercap=powercap.folder) as meter:
            powercap.use("intel-rapl:0", joules)
        readings.append(meter.reading)
    long, short = readings
    assert long.co2_g == pytest.approx(0.473, rel=1e-12)  # 1 Wh at 473 g/kWh
    assert 1 - short.kwh / long.kwh == pytest.approx(0.75)
    assert 1 - short.co2_g / long.co2_g == pytest.approx(1 - short.kwh / long.kwh, rel=1e-12)
    assert GRID_INTENSITY == 473


@pytest.mark.parametrize("intensity", [-1, float("nan"), float("inf")])
def test_an_impossible_grid_is_refused(intensity):
    with pytest.raises(SettingError, match="give g CO2 per kWh"):
        EnergyMeter(grid_intensity=intensity)


def reading(kwh, intensity=473.0, how="estimated", source="CPU time x 4 W a core"):
    return Energy(kwh, kwh * intensity, 2.0, how, source)


def test_readings_add_up():
    total = sum_energy([reading(0.1), reading(0.0), reading(0.3)])
    assert total.kwh == pytest.approx(0.4)
    assert total.co2_g == pytest.approx(0.4 * 473)
    assert total.seconds == 6
    assert (total.how, total.source) == ("estimated", "CPU time x 4 W a core")
    assert sum_energy([reading(0.2)]) == reading(0.2)
    assert sum_energy([reading(0.0)]).co2_g == 0


@pytest.mark.parametrize(
    "readings, words",
    [
        ([], "found none"),
        ([reading(1), reading(1, source="RAPL package")], "estimated: CPU.*; estimated: RAPL"),
        ([reading(1), reading(1, how="measured")], "estimated: CPU.*; measured: CPU"),
        ([reading(1), reading(1, intensity=56.0)], "different grid_intensity"),
    ],
)
def test_readings_that_do_not_belong_together_are_not_added(readings, words):
    with pytest.raises(SettingError, match=words):
        sum_energy(readings)
