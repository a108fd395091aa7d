"""Training runs of growing networks as lessons 05 and 06 show them, recorded ones and live ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from ecglab.errors import DataError
from ecglab.lessons.recorded import FOLDER, provenance_label
from ecglab.models.growing import GrowingResNet, grown_depth, multiply_accumulates
from ecglab.models.growth import GrowthSettings, smoothed
from ecglab.training.history import History
from ecglab.training.runs import RUN_FILE, Run, read_run

SCALE_DOWN: Final = 26  # depth of the recorded study that two CPU cores can train
SCHEDULE_DEPTH: Final = 50  # of one with the published depths and epochs, at the smaller size
PUBLISHED_SIZE: Final = {"image": 32, "share": None}  # of the founding document's study

# The arms of the study, in the order of tables and colours, and how the lessons call them.
KINDS: Final = {
    "grown": "grown (trigger or clock)",
    "timed": "grown at fixed epochs",
    "fixed": "deep from the start",
    "restarted": "deep, rate restarted",
    "shallow": "shallow, equal work",
}


@dataclass(frozen=True)
class Curve:
    """One training run epoch by epoch.

    ``depths`` are those of the network that an epoch trained, ``work`` the multiply-accumulates
    of all forward passes up to its end; ``growth`` is None where nothing may grow.
    """

    name: str
    history: History
    depths: tuple[int, ...]
    work: tuple[float, ...]
    growth: GrowthSettings | None

    @property
    def seconds(self) -> list[float]:
        """Seconds of training up to the end of each epoch."""
        return list(accumulate(entry.seconds for entry in self.history))

    @property
    def errors(self) -> list[float]:
        """Share of the validation part that is called wrong after each epoch."""
        return [1 - entry.validation_accuracy for entry in self.history]

    @property
    def highest_rate(self) -> float:
        """Highest learning rate of the run."""
        return max(entry.learning_rate for entry in self.history)

    @property
    def parameters_per_epoch(self) -> float:
        """Mean number of parameters trained in an epoch, in millions."""
        return fmean(entry.parameters for entry in self.history) / 1e6

    @property
    def kwh(self) -> float:
        """Energy of the whole training."""
        return sum(entry.kwh for entry in self.history)

    @property
    def growth_epochs(self) -> list[int]:
        """Numbers of epochs after which the network grew."""
        return [entry.epoch + 1 for entry in self.history if entry.grown]

    @property
    def asked(self) -> list[bool]:
        """For each growth whether the estimate had asked for it; if not, it was the clock."""
        seen = [self.ratios[after - 1] for after in self.growth_epochs]
        by_estimate = self.growth is not None and self.growth.at is None
        return [by_estimate and r is not None and r > self.growth.r_tol for r in seen]

    @property
    def ratios(self) -> list[float | None]:
        """What the trigger saw after each epoch: smoothed estimate over its first value."""
        if self.growth is None:
            return [None] * len(self.history)
        found, since = [], []
        for entry in self.history:
            since.append(entry.lipschitz)
            averages = smoothed(since, self.growth.window)
            found.append(averages[-1] / averages[0] if averages else None)
            if entry.grown:
                since = []
        return found


@cache
def example_work(depth: int, image: int) -> int:
    """Multiply-accumulates of one forward pass of a network of this depth."""
    return multiply_accumulates(GrowingResNet(depth), (1, image, image))


def curve(
    name: str,
    history: History,
    *,
    depth: int,
    image: int,
    examples: int,
    growth: GrowthSettings | None = None,
) -> Curve:
    """A run that started at ``depth`` on so many examples as data for figures."""
    depths = []
    for entry in history:
        depths.append(depth)
        depth = grown_depth(depth) if entry.grown else depth
    work = accumulate(float(examples * example_work(d, image)) for d in depths)
    return Curve(name, history, tuple(depths), tuple(work), growth)


def growth_of(settings: Mapping[str, Any]) -> GrowthSettings | None:
    """The growth settings among the stored settings of a run."""
    stored = settings["growth"]
    if stored is None:
        return None
    at = stored["at"]
    return GrowthSettings(**{**stored, "at": None if at is None else tuple(at)})


def curve_of(name: str, run: Run) -> Curve:
    """A stored run of the growth study as data for figures."""
    return curve(
        name,
        run.history,
        depth=run.options["depth"],
        image=run.data["image"],
        examples=sum(run.data["train"].values()),
        growth=growth_of(run.settings),
    )


def recorded_growth(
    depth: int = SCALE_DOWN, folder: Path | None = None
) -> dict[str, tuple[Run, ...]]:
    """The runs that end at ``depth`` by arm, each by seed; only arms that have any.

    They are those in ``folder``, as ``ecglab grow --out`` leaves them, or where it has none the
    recorded ones.
    """

    def runs_in(place: Path, pattern: str) -> dict[str, tuple[Run, ...]]:
        found = {kind: sorted(place.glob(f"{kind}-{depth}-seed{pattern}")) for kind in KINDS}
        return {kind: tuple(map(read_run, paths)) for kind, paths in found.items() if paths}

    if folder is not None and (found := runs_in(folder, f"*/{RUN_FILE}")):
        return found
    with as_file(FOLDER) as recorded:
        return runs_in(recorded, "*.json")


def curves_of(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[Curve]]:
    """The runs of each arm as curves; a curve is named by its arm and its seed."""
    return {
        kind: [curve_of(f"{KINDS[kind]}, seed {run.settings['seed']}", run) for run in group]
        for kind, group in runs.items()
    }


def is_full_size(run: Run) -> bool:
    """Whether a run saw every training beat in pictures of the published size."""
    return all(run.data[name] == value for name, value in PUBLISHED_SIZE.items())


def by_size(runs: Mapping[str, Sequence[Run]], *, full: bool) -> dict[str, tuple[Run, ...]]:
    """The runs of the published size, or the smaller ones, by arm; only arms that have any."""
    found = {
        kind: tuple(r for r in group if is_full_size(r) == full) for kind, group in runs.items()
    }
    return {kind: group for kind, group in found.items() if group}


def small_studies() -> list[dict[str, tuple[Run, ...]]]:
    """The recorded scale-downs: first that with all arms, then that with the published schedule."""
    found = (by_size(recorded_growth(depth), full=False) for depth in (SCALE_DOWN, SCHEDULE_DEPTH))
    return [study for study in found if study]


def growth_label(runs: Mapping[str, Sequence[Run]]) -> str:
    """What stands beside numbers of recorded growth runs: data, date, device and size."""
    if not runs:
        raise DataError(
            "No growth run has been recorded, so there is nothing to label: 'ecglab grow --out DIR "
            "--record' trains and records one."
        )
    run = next(iter(runs.values()))[0]
    image, beats = run.data["image"], sum(run.data["train"].values())
    size = f"{image} x {image}, {beats:,} beats, {len(run.history)} epochs"
    return f"{provenance_label(run)}; {'' if is_full_size(run) else 'scale-down: '}{size}"


def depths_text(runs: Mapping[str, Sequence[Run]]) -> str:
    """The depths through which the networks of a study grew: ``From 14 to 26 to 50 layers``."""
    depths = {depth for group in curves_of(runs).values() for c in group for depth in c.depths}
    return f"From {' to '.join(map(str, sorted(depths)))} layers"


def growth_command(runs: Mapping[str, Sequence[Run]]) -> str:
    """The command that trained the first of these runs."""
    return next(iter(runs.values()))[0].provenance["command"]
