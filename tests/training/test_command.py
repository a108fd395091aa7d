"""The canonical command line, read back by the program it is for."""

import dataclasses
import math
import shlex

import pytest
import typer
from hypothesis import given
from hypothesis import settings as how_to_test
from hypothesis import strategies as st

from ecglab.cli.app import app
from ecglab.errors import SettingError
from ecglab.models.growth import GrowthSettings
from ecglab.models.solve import ADAPTIVE_METHODS, FIXED_METHODS
from ecglab.training import runs
from ecglab.training.batches import Augmentation
from ecglab.training.command import train_command
from ecglab.training.recipes import RECIPES, recipe
from ecglab.training.settings import TrainSettings

PROGRAM = typer.main.get_command(app)


class Parsed(Exception):
    """What the program would train."""

    def __init__(self, network, how):
        self.network, self.how = network, how


def parsed(command: str) -> Parsed:
    """Let the program read ``command`` and stop where it would train."""
    words = shlex.split(command)
    assert words[0] == "ecglab"

    def stop(network, **how):
        raise Parsed(network, how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "train_run", stop)
        with pytest.raises(Parsed) as caught:
            PROGRAM.main([*words[1:], "--out", "folder", "--device", "cpu"], standalone_mode=False)
    return caught.value


def positive(low=1e-6, high=1e3):
    return st.floats(low, high)


def settings():
    spread = st.sampled_from([0.0, 0.1]) | st.floats(0, 2)
    return st.builds(
        TrainSettings,
        epochs=st.integers(1, 99),
        batch_size=st.sampled_from([128]) | st.integers(1, 5000),
        learning_rate=st.sampled_from([0.15, 0.1]) | positive(),
        schedule=st.sampled_from(["constant", "cosine", "one-cycle"]),
        momentum=st.sampled_from([0.9]) | st.floats(0.01, 0.99),
        nesterov=st.booleans(),
        weight_decay=st.sampled_from([0.0, 1e-4]) | positive(),
        clip_norm=st.sampled_from([None, 1.0]) | positive(),
        sampling=st.sampled_from(["uniform", "root", "class"]),
        adjust_logits=st.booleans(),
        augmentation=st.builds(Augmentation, stretch=spread, scale=spread, noise=spread),
        patience=st.none() | st.integers(1, 20),
        seed=st.integers(0, 2**31),
        compile=st.booleans(),
        precision=st.sampled_from(["float32", "tf32", "bfloat16"]),
    )


def growths():
    at = st.none() | st.just((3, 5))
    return st.builds(
        GrowthSettings,
        growths=st.just(2),
        r_tol=st.sampled_from([1.4, math.inf]) | st.floats(1.01, 9),
        window=st.integers(1, 3),
        reserve=st.integers(1, 5),
        over=st.sampled_from(["mean", "max"]),
        scaling=st.sampled_from(["divide", "published", "none"]),
        at=at,
    )


@st.composite
def growing_settings(draw):
    base = draw(settings())
    restarts = draw(st.sampled_from([(), (3,), (2, 7)]))
    return dataclasses.replace(
        base,
        schedule="cosine",
        epochs=draw(st.integers(10, 99)),
        lowest_rate=draw(st.sampled_from([0.0, base.learning_rate / 100])),
        restarts=restarts,
        patience=None,
        growth=draw(growths()),
    )


DILATED = {"dilation": st.just([1, 2])}
SHAPE = DILATED | {
    "width": st.sampled_from([8, 32, 64]),
    "stem": st.sampled_from(["strided", "pooled"]),
}
RESNET = st.fixed_dictionaries({}, optional=SHAPE | {"blocks": st.integers(1, 20)})
GRADIENT = {"gradient": st.sampled_from(["adjoint", "direct"])}
FIXED = {"method": st.sampled_from(FIXED_METHODS), "steps": st.integers(1, 99)}
ADAPTIVE = {"method": st.sampled_from(ADAPTIVE_METHODS), "rtol": positive(), "atol": positive()}
ODENET = st.fixed_dictionaries({}, optional=SHAPE | GRADIENT | ADAPTIVE) | st.fixed_dictionaries(
    FIXED, optional=SHAPE | GRADIENT
)
NETWORK = st.tuples(st.just("resnet"), RESNET) | st.tuples(st.just("odenet"), ODENET)
GROWING = st.fixed_dictionaries({}, optional={"depth": st.sampled_from([8, 14, 20])})


@how_to_test(deadline=None)
@given(
    network=NETWORK,
    split=st.sampled_from(["benchmark", "patients", "balanced"]),
    settings=settings(),
    validation=st.sampled_from([0.0, 0.1]) | st.floats(0.01, 0.9),
    score=st.sampled_from(["test", "validation"]),
)
def test_the_program_reads_back_what_was_trained(network, split, settings, validation, score):
    name, options = network
    found = parsed(train_command(name, split, settings, options, validation, score))
    assert found.network == name
    assert found.how["settings"] == settings
    assert found.how["options"] == options
    for key, value in {"split": split, "validation": validation, "score": score}.items():
        assert found.how[key] == value


@how_to_test(deadline=None)
@given(
    options=GROWING,
    settings=growing_settings(),
    image=st.sampled_from([16, 32]),
    share=st.none() | st.integers(1, 9999),
)
def test_the_program_reads_back_what_grew(options, settings, image, share):
    how = {"image": image, "share": share}
    command = train_command("growing-resnet", "benchmark", settings, options, 0.1, "test", **how)
    found = parsed(command)
    assert found.how["settings"] == settings
    assert found.how["options"] == options
    assert {name: found.how[name] for name in how} == how


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("resnet --depth 14", "--depth has no meaning for the resnet"),
        ("growing-resnet --width 8", "--width has no meaning for the growing-resnet"),
        ("odenet --image 16", "--image has no meaning for the odenet"),
        ("growing-resnet --r-tol 2", "--r-tol needs --growths"),
    ],
)
def test_what_has_no_meaning_is_named(words, said):
    with pytest.raises(SettingError, match=said):
        PROGRAM.main(["train", *words.split(), "--out", "x"], standalone_mode=False)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_said_in_one_word(name):
    base = dataclasses.replace(recipe(name), epochs=7, seed=2)
    command = train_command("odenet", "benchmark", base, {}, 0.1, "test")
    expected = f"ecglab train odenet --split benchmark --recipe {name} --epochs 7 --seed 2"
    assert command == expected
    assert parsed(command).how["settings"] == base


def test_only_what_differs_is_said():
    settings = TrainSettings(augmentation=Augmentation(noise=0.02), clip_norm=None, compile=True)
    options = {"width": 32, "method": "rk4", "steps": 2, "gradient": "direct"}
    assert train_command("odenet", "balanced", settings, options, 0.0, "test") == (
        "ecglab train odenet --split balanced --recipe course --epochs 5 --seed 0 --clip-norm 0 "
        "--compile --noise 0.02 --width 32 --method rk4 --steps 2 --gradient direct "
        "--validation 0.0"
    )


def test_the_founding_recipe_is_that_of_the_2020_study():
    founding = recipe("founding")
    assert (founding.learning_rate, founding.momentum, founding.nesterov) == (0.1, 0.9, False)
    assert (founding.batch_size, founding.epochs, founding.schedule) == (128, 5, "constant")
    assert founding.weight_decay == 0
    assert founding.clip_norm is None


def test_an_unknown_recipe_or_option_is_named():
    with pytest.raises(SettingError, match=r"'fast'.*course, founding"):
        recipe("fast")
    with pytest.raises(SettingError, match="classes cannot be set"):
        train_command("resnet", "benchmark", TrainSettings(), {"classes": 2}, 0.1, "test")
    with pytest.raises(SettingError, match=r"'fast'.*course, founding"):
        PROGRAM.main(["train", "resnet", "--recipe", "fast", "--out", "x"], standalone_mode=False)
