from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest

from ecglab.errors import SettingError
from ecglab.lessons.profiles import PROFILES, get_profile


def test_a_profile_is_called_by_its_name():
    assert [get_profile(name).name for name in PROFILES] == ["quick", "classroom", "full"]


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(SettingError, match=r"'fast'.*quick, classroom, full"):
        get_profile("fast")


def test_profiles_grow_from_quick_to_full():
    sizes = [
        [
            float("inf") if size is None else size
            for size in (p.train_beats, p.test_beats, p.tree_beats, p.epochs, p.points, p.trials)
        ]
        for p in PROFILES.values()
    ]
    for smaller, larger in pairwise(sizes):
        assert all(a <= b for a, b in zip(smaller, larger, strict=True))


def test_the_full_profile_leaves_no_beat_out():
    assert PROFILES["full"].train_beats is PROFILES["full"].test_beats is None


def test_a_profile_cannot_be_changed_by_a_cell():
    with pytest.raises(FrozenInstanceError):
        get_profile("quick").epochs = 50
