"""The command line that repeats a training run."""

import dataclasses
import shlex
from typing import Any, Final

from ecglab.errors import SettingError
from ecglab.training.recipes import RECIPES
from ecglab.training.settings import TrainSettings

OF_SHAPE: Final = ("width", "blocks", "stem", "dilation", "depth")
OPTIONS: Final = (*OF_SHAPE, "method", "rtol", "atol", "steps", "gradient")
OFF: Final = "0"  # what None is called on the command line (clip_norm, patience, growths)


def flat(settings: TrainSettings) -> dict[str, Any]:
    """Settings by the names of their options, those of augmentation and growth among them."""
    values = dataclasses.asdict(settings)
    growth = values.pop("growth")
    return values | values.pop("augmentation") | (growth or {"growths": None})


def option(name: str, value: Any) -> list[str]:
    """One option as words of a command line."""
    word = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{word}" if value else f"--no-{word}"]
    if isinstance(value, tuple | list):
        return [part for entry in value for part in option(name, entry)]
    return [f"--{word}", OFF if value is None else str(value)]


def train_command(
    network: str,
    split: str,
    settings: TrainSettings,
    options: dict[str, Any],
    validation: float,
    score: str,
    *,
    image: int | None = None,
    share: int | None = None,
) -> str:
    """``ecglab train`` with the recipe that is nearest and what differs from it.

    ``--out``, ``--data`` and ``--device`` are left out: they name places on one machine.
    """
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise SettingError(
            f"The network's {', '.join(unknown)} cannot be set from the command line: expected "
            f"some of {', '.join(OPTIONS)}."
        )
    wanted = flat(settings)
    shown = ("epochs", "seed")  # also where they are the recipe's
    differing = {
        name: {key: value for key, value in wanted.items() if flat(base).get(key) != value}
        for name, base in RECIPES.items()
    }
    nearest = min(differing, key=lambda name: len(differing[name]))
    words = ["ecglab", "train", network, *option("split", split), *option("recipe", nearest)]
    given = {key: wanted[key] for key in shown} | differing[nearest]
    given |= {name: options[name] for name in OPTIONS if options.get(name) is not None}
    given |= {key: value for key, value in (("image", image), ("share", share)) if value}
    if validation != 0.1:
        given["validation"] = validation
    if score != "test":
        given["score"] = score
    return shlex.join(words + [word for item in given.items() for word in option(*item)])
