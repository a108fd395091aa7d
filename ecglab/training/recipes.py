"""How networks are trained: named settings to start from."""

from typing import Final

from ecglab.errors import SettingError
from ecglab.training.settings import TrainSettings

RECIPES: Final[dict[str, TrainSettings]] = {
    "course": TrainSettings(),
    # SGD 0.1 with momentum 0.9 at a constant rate, batch 128: the recipe of the 2020 study.
    "founding": TrainSettings(
        learning_rate=0.1, schedule="constant", nesterov=False, weight_decay=0.0, clip_norm=None
    ),
    # Dong et al. (2020), as the growth study on spectrograms took it over; growth itself is added.
    "spectrograms": TrainSettings(
        epochs=64,
        learning_rate=0.1,
        lowest_rate=1e-3,
        schedule="cosine",
        nesterov=False,
        weight_decay=2e-4,
        clip_norm=None,
    ),
    # For tests on which every class counts alike: rare classes are drawn more often, and the loss
    # makes up for the rest of the imbalance.
    "balanced": TrainSettings(learning_rate=0.3, sampling="root", adjust_logits=True),
}


def recipe(name: str) -> TrainSettings:
    """The settings of a recipe by its name; raise SettingError for an unknown one."""
    if name not in RECIPES:
        raise SettingError(f"Unknown recipe {name!r}: expected one of {', '.join(RECIPES)}.")
    return RECIPES[name]
