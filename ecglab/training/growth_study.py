"""The growth study: networks that grow while they train beside networks of fixed depth."""

from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal, get_args

from ecglab.errors import SettingError
from ecglab.models.growing import GrowingResNet, grow, multiply_accumulates
from ecglab.models.growth import (
    GrowthSettings,
    latest_growth_epochs,
    parameters_per_epoch,
    start_depth,
)
from ecglab.training.meters import parameter_count
from ecglab.training.recipes import RECIPES
from ecglab.training.settings import Precision
from ecglab.training.study import SEEDS, Arm

# grown: by the trigger; timed: at the latest epochs, whatever the trigger says; fixed: the final
# depth from the start; restarted: as fixed, its learning rate beginning anew as in timed; shallow:
# the first depth throughout, for as many epochs as make the work of timed.
Kind = Literal["grown", "timed", "fixed", "restarted", "shallow"]
VALIDATION: Final = 0.1  # of the training part, as in the founding document


@dataclass(frozen=True, kw_only=True)
class GrowthStudy:
    """What all arms of a growth study share; as it stands that of the founding document."""

    depth: int = 50
    epochs: int = 64
    image: int = 32
    share: int | None = None
    growth: GrowthSettings = field(default_factory=GrowthSettings)
    compile: bool = False
    precision: Precision = "float32"
    seeds: tuple[int, ...] = SEEDS

    def __post_init__(self):
        self.growth.require_fits(self.epochs)
        start_depth(self.depth, self.growth.growths)


def growth_arm(kind: Kind, study: GrowthStudy) -> Arm:
    """One arm of a growth study."""
    if kind not in get_args(Kind):
        raise SettingError(f"Unknown arm {kind!r}: expected one of {', '.join(get_args(Kind))}.")
    latest = latest_growth_epochs(study.growth, study.epochs)
    growing = kind in ("grown", "timed")
    growth = replace(study.growth, at=latest) if kind == "timed" else study.growth
    settings = replace(
        RECIPES["spectrograms"],
        epochs=equal_work_epochs(study) if kind == "shallow" else study.epochs,
        growth=growth if growing else None,
        restarts=latest if kind == "restarted" else (),
        compile=study.compile,
        precision=study.precision,
    )
    first = start_depth(study.depth, study.growth.growths)
    depth = first if growing or kind == "shallow" else study.depth
    return Arm(
        "growing-resnet",
        "benchmark",
        settings,
        {"depth": depth},
        seeds=study.seeds,
        validation=VALIDATION,
        image=study.image,
        share=study.share,
    )


def growth_arms(kinds: tuple[Kind, ...], study: GrowthStudy) -> dict[str, Arm]:
    """Arms by the names of their runs, such as ``grown-50``."""
    return {f"{kind}-{study.depth}": growth_arm(kind, study) for kind in kinds}


@dataclass(frozen=True)
class Stage:
    """One network of a growing run: from which epoch to which it trains at the latest.

    ``multiply_accumulates`` are those of one example's forward pass.
    """

    depth: int
    parameters: int
    multiply_accumulates: int
    first_epoch: int
    last_epoch: int


@dataclass(frozen=True)
class GrowthPlan:
    """What a growing run would train if its trigger never fired, and what it saves at least.

    Parameters per epoch are in millions. A trigger that fires earlier makes them more.
    """

    stages: list[Stage]
    parameters_per_epoch: float
    fixed_parameters_per_epoch: float

    @property
    def saving(self) -> float:
        """Share of the parameters per epoch that the growing network saves."""
        return 1 - self.parameters_per_epoch / self.fixed_parameters_per_epoch


def growth_plan(study: GrowthStudy, *, channels: int = 1) -> GrowthPlan:
    """The networks of a growing run and when each trains at the latest; nothing is trained."""
    model = GrowingResNet(start_depth(study.depth, study.growth.growths), channels=channels)
    ends = (*latest_growth_epochs(study.growth, study.epochs), study.epochs)
    stages = []
    for first, last in zip((0, *ends), ends, strict=False):
        if first:
            grow(model)
        cost = multiply_accumulates(model, (channels, study.image, study.image))
        stages.append(Stage(model.depth, parameter_count(model), cost, first + 1, last))
    spans = [stage.last_epoch - stage.first_epoch + 1 for stage in stages]
    counts = [stage.parameters for stage in stages]
    return GrowthPlan(
        stages, parameters_per_epoch(counts, spans) / 1e6, stages[-1].parameters / 1e6
    )


def equal_work_epochs(study: GrowthStudy) -> int:
    """Epochs in which the first network multiplies as often as the growing run at its latest."""
    stages = growth_plan(study).stages
    work = sum(s.multiply_accumulates * (s.last_epoch - s.first_epoch + 1) for s in stages)
    return round(work / stages[0].multiply_accumulates)


def plan_as_dict(plan: GrowthPlan) -> dict[str, object]:
    """A plan as data, with its saving."""
    return asdict(plan) | {"saving": plan.saving}
