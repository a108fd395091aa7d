"""Energy and CO2 of a computation: measured where the machine can, estimated where it cannot."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from ecglab.errors import SettingError
from ecglab.training.energy_sources import POWERCAP, How, Part, energy_parts

JOULES_PER_KWH: Final = 3.6e6
# g CO2e per kWh, the world's average in 2024: Ember, Global Electricity Review 2025.
GRID_INTENSITY: Final = 473.0


@dataclass(frozen=True)
class Energy:
    """What a computation used; ``source`` says from which counters or assumptions."""

    kwh: float
    co2_g: float
    seconds: float
    how: How
    source: str


class EnergyMeter:
    """Context manager: the energy used while it is open is its ``reading`` once it is closed.

    CO2 is energy times ``grid_intensity`` (g CO2e/kWh), one figure for all runs, so that a saving
    of energy is the same saving of CO2; the default is the world's average in 2024 (Ember, Global
    Electricity Review 2025). One meter at a time: counters know no programs.
    """

    reading: Energy

    def __init__(
        self,
        device: object = "cpu",
        *,
        grid_intensity: float = GRID_INTENSITY,
        powercap: Path = POWERCAP,
        poll_seconds: float = 30.0,  # the smallest RAPL counter (65 kJ) wraps in 65 s at 1 kW
    ):
        if not 0 <= grid_intensity < float("inf"):
            raise SettingError(f"grid_intensity={grid_intensity}: give g CO2 per kWh, 0 or more.")
        self.device, self.grid_intensity = str(device), grid_intensity
        self.parts = energy_parts(device, powercap=powercap)
        self.poll_seconds = poll_seconds

    def __enter__(self) -> "EnergyMeter":
        self.finish_queue()
        self.start = [part.joules() for part in self.parts]
        self.opened = time.perf_counter()
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.poll, daemon=True)
        if any(part.wraps for part in self.parts):
            self.thread.start()
        return self

    def poll(self) -> None:
        while not self.closed.wait(self.poll_seconds):
            for part in self.parts:
                if part.wraps:
                    part.joules()

    def finish_queue(self) -> None:
        """Wait for what was handed to the GPU: it belongs to the side on which it was ordered."""
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.synchronize(self.device)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish_queue()
        self.closed.set()
        if self.thread.is_alive():
            self.thread.join()
        pairs = zip(self.parts, self.start, strict=True)
        kwh = sum(part.joules() - start for part, start in pairs) / JOULES_PER_KWH
        seconds = time.perf_counter() - self.opened
        how, source = label(self.parts)
        self.reading = Energy(kwh, kwh * self.grid_intensity, seconds, how, source)


def label(parts: Sequence[Part]) -> tuple[How, str]:
    """How and from what the sum of these parts is known: measured only if all of them are."""
    if len({part.how for part in parts}) == 1:
        return parts[0].how, " + ".join(part.source for part in parts)
    return "estimated", " + ".join(f"{part.source} [{part.how}]" for part in parts)


def sum_energy(readings: Sequence[Energy]) -> Energy:
    """Total of readings taken one after another, all from one source and with one intensity.

    Raises SettingError for none, and for readings that must not be added.
    """
    kinds = sorted({f"{reading.how}: {reading.source}" for reading in readings})
    if len(kinds) != 1:
        found = "; ".join(kinds) or "none"
        raise SettingError(f"Readings of one source can be added, found {found}: sum each apart.")
    kwh = sum(reading.kwh for reading in readings)
    co2 = sum(reading.co2_g for reading in readings)
    if any(abs(r.co2_g * kwh - co2 * r.kwh) > 1e-9 * co2 * kwh for r in readings):
        raise SettingError("Readings with different grid_intensity: meter all runs with one.")
    seconds = sum(reading.seconds for reading in readings)
    return Energy(kwh, co2, seconds, readings[0].how, readings[0].source)
