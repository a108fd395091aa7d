"""One profile decides size everywhere: notebooks, widgets, papermill and tests."""

from dataclasses import dataclass
from typing import Final

from ecglab.errors import SettingError


@dataclass(frozen=True)
class Profile:
    """How much a lesson computes; ``None`` for a number of beats means all of them.

    ``trials`` is the number of seeds that a result is averaged over, ``points`` the number of
    settings on a curve, ``trees`` the size of lesson 01's simple classifier and ``tree_beats``
    the number of beats that it learns from; ``trains_study`` says whether lesson 06 trains the
    whole study anew in place of showing the recorded runs.
    """

    name: str
    purpose: str
    train_beats: int | None
    test_beats: int | None
    epochs: int
    batch_size: int
    trials: int
    trees: int
    tree_beats: int | None
    points: int
    trains_study: bool


PROFILES: Final = {
    "quick": Profile(
        name="quick",
        purpose="to read along: at most 30 s a lesson on 2 CPU cores and 1 GB of memory",
        train_beats=4_000,
        test_beats=2_000,
        epochs=2,
        batch_size=64,
        trials=1,
        trees=60,
        tree_beats=10_000,
        points=6,
        trains_study=False,
    ),
    "classroom": Profile(
        name="classroom",
        purpose="for a lesson with a teacher: some minutes on a laptop",
        train_beats=20_000,
        test_beats=10_000,
        epochs=3,
        batch_size=128,
        trials=1,
        trees=60,
        tree_beats=None,
        points=8,
        trains_study=False,
    ),
    "full": Profile(
        name="full",
        purpose="the published comparison: every beat, hours on a CPU, minutes on a GPU",
        train_beats=None,
        test_beats=None,
        epochs=5,
        batch_size=128,
        trials=3,
        trees=60,
        tree_beats=None,
        points=12,
        trains_study=True,
    ),
}


def get_profile(name: str) -> Profile:
    """The profile called ``name``; raise SettingError for an unknown one."""
    if name not in PROFILES:
        raise SettingError(f"Unknown profile {name!r}: expected one of {', '.join(PROFILES)}.")
    return PROFILES[name]
