"""Many training runs at once: every combination of some settings, on a cluster of workers.

Dask hands the runs out. Each is an ordinary run in a folder of its own, so a sweep that was
stopped goes on, and a run that fails leaves its error beside the others.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ecglab.errors import SettingError
from ecglab.files import write_atomically
from ecglab.training.runs import RUN_FILE, Run, read_run, train_run
from ecglab.training.study import Arm

ERROR_FILE: Final = "error.json"


@dataclass(frozen=True)
class Cell:
    """One run of a sweep: the values that tell it from the others, and what is trained."""

    values: dict[str, Any]
    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder, such as ``method=rk4,steps=2,seed=0``."""
        return ",".join(f"{name}={value}" for name, value in self.values.items())


@dataclass(frozen=True)
class Failure:
    """Why a run of a sweep gave nothing."""

    kind: str
    message: str


def cells(arm: Arm, axes: Mapping[str, Sequence[Any]]) -> list[Cell]:
    """Every combination of the values in ``axes``: options of the network, and ``seed``.

    ``rtol`` alone also sets ``atol``, since both tolerances usually fall together.
    """
    for name, values in axes.items():
        if not values or len(set(values)) < len(values):
            raise SettingError(
                f"The sweep's {name} has the values {list(values)}: expected different ones, at "
                f"least one."
            )
    found = []
    for chosen in itertools.product(*axes.values()):
        values = dict(zip(axes, chosen, strict=True))
        options = arm.options | {name: v for name, v in values.items() if name != "seed"}
        if "rtol" in options and "atol" not in options:
            options["atol"] = options["rtol"]
        found.append(Cell(values, replace(arm, options=options), values.get("seed", 0)))
    return found


def train_cell(cell: Cell, folder: Path, data: str | Path | None, device: str) -> None:
    """Train one cell where it has not been trained; keep the error of one that fails."""
    if (folder / RUN_FILE).exists():
        return
    arm = cell.arm
    try:
        train_run(
            arm.network,
            split=arm.split,
            settings=replace(arm.settings, seed=cell.seed),
            out=folder,
            options=arm.options,
            data=data,
            validation=arm.validation,
            image=arm.image,
            share=arm.share,
            device=device,
            progress=False,
        )
    except Exception as error:  # whatever it is, the other runs go on
        text = json.dumps({"kind": type(error).__name__, "message": str(error)}, indent=1)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ERROR_FILE, lambda part: part.write_text(text + "\n"))
    else:
        (folder / ERROR_FILE).unlink(missing_ok=True)


def result(folder: Path) -> Run | Failure:
    """What a cell gave."""
    if (folder / RUN_FILE).exists():
        return read_run(folder / RUN_FILE)
    if (folder / ERROR_FILE).exists():
        return Failure(**json.loads((folder / ERROR_FILE).read_text()))
    return Failure("Lost", "its worker ended without a word, perhaps for want of memory")


@contextmanager
def dask_client(scheduler: str | None, workers: int) -> Iterator[Any]:
    """A client of the cluster at ``scheduler``, or of so many new workers on this machine."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise SettingError(
            "A sweep needs Dask, which is not installed: pip install 'ecglab[cluster]'."
        ) from None
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout="10s")
        except (OSError, ValueError) as error:
            raise SettingError(
                f"No Dask scheduler answers at {scheduler!r} ({error}): start 'dask scheduler' "
                f"and name its address, such as tcp://host:8786."
            ) from error
        with client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            host="127.0.0.1",
            silence_logs="ERROR",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def run_grid(
    found: Sequence[Cell],
    out: Path,
    *,
    client: Any,
    data: str | Path | None = None,
    device: str = "cpu",
) -> Iterator[tuple[Cell, Run | Failure]]:
    """Train every cell on the workers of ``client`` and yield each as it ends.

    ``out`` must be a folder that all workers reach. A worker that dies takes one attempt with it:
    Dask gives the cell to another, which goes on from its checkpoint.
    """
    from distributed import as_completed

    place = out.resolve()
    futures = {
        client.submit(train_cell, cell, place / cell.name, data, device, pure=False): cell
        for cell in found
    }
    for future in as_completed(futures):
        cell = futures[future]
        yield cell, result(place / cell.name)
