"""Growth as an event of fit: when, with what momentum and rate, and resumed to the same numbers."""

import dataclasses
import math

import pytest
import torch

from ecglab.data.spectrogram import to_spectrograms
from ecglab.errors import SettingError
from ecglab.models.growing import GrowingResNet, block_count
from ecglab.models.growth import GrowthSettings
from ecglab.models.resnet import ResNet
from ecglab.training import state as states
from ecglab.training.fit import fit
from ecglab.training.meters import parameter_count
from ecglab.training.settings import TrainSettings

GROWTH = GrowthSettings(growths=2, r_tol=math.inf, window=1, reserve=2)
SETTINGS = TrainSettings(
    epochs=5,
    batch_size=32,
    learning_rate=0.1,
    lowest_rate=1e-3,
    schedule="cosine",
    nesterov=False,
    clip_norm=None,
    growth=GROWTH,
)
NETWORKS = {"growing-resnet": lambda: GrowingResNet(8), "resnet": lambda: ResNet(4, 1)}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request, train_beats):
    """A network's maker and the examples that it sees."""
    pictures = request.param == "growing-resnet"
    part = to_spectrograms(train_beats, size=16) if pictures else train_beats

    def fresh(seed=0):
        torch.manual_seed(seed)
        return NETWORKS[request.param]()

    return fresh, part


def numbers(history):
    return [dataclasses.replace(entry, seconds=0, peak_memory=0, kwh=None) for entry in history]


def test_a_network_grows_at_the_latest_epochs_and_its_rate_begins_anew(case):
    fresh, part = case
    model = fresh()
    smallest = parameter_count(model)
    history = fit(model, part, settings=SETTINGS, progress=False)
    assert [entry.grown for entry in history] == [False, True, True, False, False]
    assert block_count(model) == 4 * block_count(fresh())
    sizes = [entry.parameters for entry in history]
    assert sizes[:2] == [smallest] * 2
    assert sizes[1] < sizes[2] < sizes[3] == sizes[4] == parameter_count(model)

    def cosine(share):
        return 1e-3 + (0.1 - 1e-3) * (1 + math.cos(math.pi * share)) / 2

    expected = [cosine(0), cosine(1 / 5), cosine(0), cosine(0), cosine(1 / 2)]
    assert [entry.learning_rate for entry in history] == pytest.approx(expected)
    assert all(entry.lipschitz > 0 for entry in history)


@pytest.mark.parametrize("done", [1, 2, 3, 4])
def test_a_run_interrupted_around_a_growth_ends_as_an_uninterrupted_one(
    case, done, tmp_path, monkeypatch
):
    fresh, part = case
    whole = fresh()
    expected = fit(whole, part, settings=SETTINGS, progress=False)
    checkpoint, save = tmp_path / "c.pt", states.TrainingState.save

    def save_and_stop(state, path):
        save(state, path)
        if len(state.history) == done:
            raise KeyboardInterrupt

    how = {"settings": SETTINGS, "checkpoint": checkpoint, "progress": False}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(states.TrainingState, "save", save_and_stop)
        fit(fresh(), part, **how)
    resumed = fresh(seed=99)
    assert numbers(fit(resumed, part, **how)) == numbers(expected)
    pairs = zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_growth_leaves_no_stale_momentum(case, monkeypatch):
    fresh, part = case
    seen = []
    restart = states.TrainingState.restart

    def noted(state, epoch):
        restart(state, epoch)
        inside = {id(p) for group in state.optimizer.param_groups for p in group["params"]}
        seen.append((epoch, len(state.optimizer.state), inside))
        assert inside == {id(p) for p in state.model.parameters()}

    monkeypatch.setattr(states.TrainingState, "restart", noted)
    fit(fresh(), part, settings=SETTINGS, progress=False)
    assert [(epoch, momenta) for epoch, momenta, _ in seen] == [(0, 0), (2, 0), (3, 0)]


def test_restarts_alone_keep_the_network_and_restart_its_rate(case):
    fresh, part = case
    settings = dataclasses.replace(SETTINGS, growth=None, restarts=(2, 3))
    model = fresh()
    history = fit(model, part, settings=settings, progress=False)
    grown = fit(fresh(), part, settings=SETTINGS, progress=False)
    rates = [[entry.learning_rate for entry in found] for found in (history, grown)]
    assert rates[0] == pytest.approx(rates[1])
    assert block_count(model) == block_count(fresh())
    assert [entry.train_loss for entry in history[:2]] == [e.train_loss for e in grown[:2]]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epochs": 3}, "3 epochs are too few for growths=2"),
        ({"schedule": "constant", "lowest_rate": 0.0}, "need schedule='cosine'"),
        ({"patience": 2}, "patience would keep the weights of a smaller network"),
        ({"lowest_rate": 0.2}, r"lowest_rate=0\.2.*learning_rate=0\.1"),
        ({"growth": None, "restarts": (5,)}, "rising epochs from 1 to 4"),
        ({"growth": None, "restarts": (3, 2)}, "rising epochs"),
        ({"precision": "float16"}, "Unknown precision='float16': expected float32, tf32 or"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changed, said):
    with pytest.raises(SettingError, match=said):
        dataclasses.replace(SETTINGS, **changed)
