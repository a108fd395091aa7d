"""What `ecglab check` says about energy on machines of every kind."""

import pytest
import torch

from ecglab import doctor
from ecglab.training.energy_sources import Part

COUNTER = Part(lambda: 0.0, "measured", "NVML total energy counter")
RAPL = Part(lambda: 0.0, "measured", "RAPL package", wraps=True)
GUESS = Part(lambda: 0.0, "estimated", "CPU time x 4 W a core", "let it be read")
GPU_GUESS = Part(lambda: 0.0, "estimated", "150 W a GPU", "install the library")


@pytest.mark.parametrize(
    "parts, status, found, remedy",
    [
        ([RAPL], "ok", "measured: RAPL package", ""),
        ([COUNTER, RAPL], "ok", "measured: NVML total energy counter + RAPL package", ""),
        ([GUESS], "note", "estimated: CPU time x 4 W a core", "let it be read"),
        (
            [COUNTER, GUESS],
            "note",
            "estimated: NVML total energy counter [measured] + CPU time x 4 W a core [estimated]",
            "let it be read",
        ),
        (
            [GPU_GUESS, GUESS],
            "note",
            "estimated: 150 W a GPU + CPU time x 4 W a core",
            "install the library; let it be read",
        ),
    ],
)
def test_energy_is_announced_with_its_source_and_remedy(monkeypatch, parts, status, found, remedy):
    asked = []

    def energy_parts(device):
        asked.append(device)
        return parts

    monkeypatch.setattr(doctor, "energy_parts", energy_parts)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: len(parts) == 2)
    assert doctor.energy() == doctor.Finding("energy", status, found, remedy)
    assert asked == ["cuda" if len(parts) == 2 else "cpu"]


def test_energy_is_announced_where_torch_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    monkeypatch.setattr(doctor, "energy_parts", lambda device: [GUESS] if device == "cpu" else [])
    assert doctor.energy().found == "estimated: CPU time x 4 W a core"


def test_energy_of_this_machine_is_what_a_meter_here_would_say():
    from ecglab.training.energy import EnergyMeter

    with EnergyMeter("cuda" if torch.cuda.is_available() else "cpu") as meter:
        pass
    assert doctor.energy().found == f"{meter.reading.how}: {meter.reading.source}"
