"""Training: resumed bit for bit, stopped early at the best, scheduled by formula, refused well."""

import dataclasses
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ecglab.errors import SettingError, SolverError
from ecglab.models import ODENet, ResNet
from ecglab.training import fit as training
from ecglab.training import step
from ecglab.training.batches import Augmentation
from ecglab.training.fit import fit
from ecglab.training.history import Epoch, best_epoch, describe, stopped
from ecglab.training.optimize import make_scheduler
from ecglab.training.settings import TrainSettings

VARIED = TrainSettings(
    epochs=4,
    batch_size=32,
    learning_rate=0.05,
    sampling="root",
    augmentation=Augmentation(stretch=0.05, scale=0.1, noise=0.02),
    seed=3,
)
NETWORKS = {
    "resnet": lambda: ResNet(4, 1),
    "odenet": lambda: ODENet(4, method="rk4", steps=1, gradient="direct"),
    "adjoint": lambda: ODENet(2, rtol=0.1, atol=0.1),
}


def fresh(network="resnet", seed=0):
    torch.manual_seed(seed)
    return NETWORKS[network]()


def numbers(history):
    """Everything of a history but what the clock and the memory say."""
    return [dataclasses.replace(entry, seconds=0, peak_memory=0, kwh=None) for entry in history]


def same_weights(one, other):
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


def interrupt_at(monkeypatch, call, action):
    """Let the training loop run ``action`` at its ``call``-th batch."""
    calls, cross_entropy = 0, step.cross_entropy

    def counted(logits, labels):
        nonlocal calls
        calls += 1
        if calls == call:
            action()
        return cross_entropy(logits, labels)

    monkeypatch.setattr(step, "cross_entropy", counted)


@pytest.mark.parametrize("patience", [None, 2])
@pytest.mark.parametrize("network", NETWORKS)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    network, patience, train_beats, held_beats, tmp_path, monkeypatch
):
    settings = dataclasses.replace(VARIED, patience=patience, epochs=3)
    how = {"settings": settings, "validation": held_beats, "progress": False}
    whole = fresh(network)
    expected = fit(whole, train_beats, **how)

    def stop():
        raise KeyboardInterrupt

    checkpoint = tmp_path / "checkpoint.pt"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 5, stop)  # three batches an epoch: in the middle of the second
        fit(fresh(network), train_beats, checkpoint=checkpoint, **how)
    resumed = fresh(network, seed=99)  # its weights come from the checkpoint
    history = fit(resumed, train_beats, checkpoint=checkpoint, **how)
    assert numbers(history) == numbers(expected)
    assert same_weights(resumed, whole)


KILLED = """
import os, signal, sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(int(sys.argv[3]))
import test_fit
from conftest import waves
class Patch:
    setattr = staticmethod(setattr)
test_fit.interrupt_at(Patch, 8, lambda: os.kill(os.getpid(), signal.SIGKILL))
test_fit.fit(test_fit.fresh(), waves(90, seed=1), settings=test_fit.VARIED,
             checkpoint=Path(sys.argv[2]), progress=False)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_ends_as_an_uninterrupted_one(train_beats, tmp_path):
    whole = fresh()
    expected = fit(whole, train_beats, settings=VARIED, progress=False)
    checkpoint = tmp_path / "checkpoint.pt"
    threads = str(torch.get_num_threads())
    arguments = [str(Path(__file__).parent), str(checkpoint), threads]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    assert checkpoint.exists()
    resumed = fresh(seed=99)
    history = fit(resumed, train_beats, settings=VARIED, checkpoint=checkpoint, progress=False)
    assert numbers(history) == numbers(expected)
    assert same_weights(resumed, whole)
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_a_finished_run_is_not_trained_again(train_beats, tmp_path, monkeypatch):
    checkpoint, model = tmp_path / "checkpoint.pt", fresh()
    how = {"settings": VARIED, "checkpoint": checkpoint, "progress": False}
    expected = fit(model, train_beats, **how)
    monkeypatch.setattr(training, "train_epoch", None)
    again = fresh(seed=99)
    assert fit(again, train_beats, **how) == expected
    assert same_weights(again, model)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 4}, "'seed': 3.* there, .*'seed': 4"),
        ({"epochs": 9}, "settings"),
        ({"augmentation": Augmentation()}, "settings"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(changed, said, train_beats, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    settings = dataclasses.replace(VARIED, epochs=1)
    fit(fresh(), train_beats, settings=settings, checkpoint=checkpoint, progress=False)
    before = checkpoint.read_bytes()
    other = dataclasses.replace(settings, **changed)
    with pytest.raises(SettingError, match=f"another run.*{said}"):
        fit(fresh(), train_beats, settings=other, checkpoint=checkpoint, progress=False)
    assert checkpoint.read_bytes() == before


def test_a_checkpoint_of_other_beats_or_another_network_is_refused(
    train_beats, held_beats, tmp_path
):
    how = {"checkpoint": tmp_path / "c.pt", "progress": False}
    how["settings"] = dataclasses.replace(VARIED, epochs=1)
    fit(fresh(), train_beats, **how)
    with pytest.raises(SettingError, match=r"another run \(beats: 90 there, 40 here\)"):
        fit(fresh(), held_beats, **how)
    other = fresh("odenet")
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(SettingError, match="another network"):
        fit(other, train_beats, **how)
    assert all(torch.equal(before[name], t) for name, t in other.state_dict().items())


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "best"),
    [
        ([1.0, 0.5, 0.6, 0.55, 0.1, 0.1], 2, 4, 1),
        ([1.0, 0.9, 0.8, 0.7], 1, 4, 3),
        ([0.3, 0.3, 0.3], 1, 2, 0),
        ([1.0, 0.5, 0.9], 5, 3, 1),
    ],
)
def test_early_stopping_keeps_the_best_weights(
    losses, patience, epochs, best, train_beats, held_beats, monkeypatch
):
    settings = TrainSettings(
        epochs=len(losses), batch_size=32, learning_rate=0.05, schedule="constant"
    )
    shorter = fresh()
    fit(shorter, train_beats, settings=dataclasses.replace(settings, epochs=best + 1))
    script = iter(losses)
    monkeypatch.setattr(training, "loss_and_accuracy", lambda *_: (next(script), 0.5))
    model = fresh()
    patient = dataclasses.replace(settings, patience=patience)
    history = fit(model, train_beats, settings=patient, validation=held_beats, progress=False)
    assert [entry.validation_loss for entry in history] == losses[:epochs]
    assert best_epoch(history) == best
    assert same_weights(model, shorter)


def test_without_patience_the_last_weights_stay(train_beats, held_beats, monkeypatch):
    script = iter([0.1, 0.9])
    monkeypatch.setattr(training, "loss_and_accuracy", lambda *_: (next(script), 0.5))
    settings = dataclasses.replace(VARIED, epochs=2)
    model, plain = fresh(), fresh()
    fit(model, train_beats, settings=settings, validation=held_beats, progress=False)
    fit(plain, train_beats, settings=settings, progress=False)
    assert same_weights(model, plain)


def rates(settings, batches):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=settings.learning_rate)
    scheduler = make_scheduler(optimizer, settings, batches)
    found = []
    for _ in range(settings.epochs * batches):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def cosine(start, end, share):
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def one_cycle(k, total, top):
    """Up from top/25 in 30 % of the steps, then down to top/250,000, along cosines."""
    turn = 0.3 * total - 1
    if k <= turn:
        return cosine(top / 25, top, k / turn)
    return cosine(top, top / 25 / 1e4, (k - turn) / (total - 1 - turn))


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        ("constant", lambda k, total, batches: 0.2),
        ("cosine", lambda k, total, batches: cosine(0.2, 0, (k // batches) / (total // batches))),
        ("one-cycle", lambda k, total, batches: one_cycle(k, total, 0.2)),
    ],
)
@pytest.mark.parametrize(("epochs", "batches"), [(1, 7), (5, 20)])
def test_the_learning_rate_follows_its_formula(schedule, formula, epochs, batches):
    settings = TrainSettings(epochs=epochs, learning_rate=0.2, schedule=schedule)
    total = epochs * batches
    expected = [formula(k, total, batches) for k in range(total)]
    assert rates(settings, batches) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("batches", [1, 2, 3, 4])
def test_the_shortest_runs_can_be_scheduled(schedule, batches):
    found = rates(TrainSettings(epochs=1, schedule=schedule), batches)
    assert all(0 < rate <= 0.15 * (1 + 1e-12) for rate in found)


def test_one_epoch_is_the_optimiser_written_out(train_beats):
    settings = TrainSettings(epochs=1, batch_size=40, learning_rate=0.1, clip_norm=0.5, seed=7)
    model, twin = fresh(), fresh()
    history = fit(model, train_beats, settings=settings, progress=False)

    generator = torch.Generator().manual_seed(1_000_003 * 8)
    order = torch.randperm(90, generator=generator)
    values = torch.from_numpy(train_beats.values)[:, None]
    labels = torch.from_numpy(train_beats.labels.astype("int64"))
    velocity = [torch.zeros_like(p) for p in twin.parameters()]
    loss_sum, correct = 0.0, 0
    for k, index in enumerate(order.split(40)):
        logits = twin(values[index])
        chosen = torch.log_softmax(logits, 1)[torch.arange(len(index)), labels[index]]
        gradients = torch.autograd.grad(-chosen.mean(), list(twin.parameters()))
        length = math.sqrt(sum(float((g**2).sum()) for g in gradients))
        shrink = min(1.0, 0.5 / (length + 1e-6))
        with torch.no_grad():
            for p, v, g in zip(twin.parameters(), velocity, gradients, strict=True):
                step = shrink * g + 1e-4 * p
                v.mul_(0.9).add_(step)
                p.sub_(one_cycle(k, 3, 0.1) * (step + 0.9 * v))
        loss_sum -= chosen.sum().item()
        correct += int((logits.argmax(1) == labels[index]).sum())
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    assert history[0].train_loss == pytest.approx(loss_sum / 90, rel=1e-5)
    assert history[0].train_accuracy == pytest.approx(correct / 90)


def test_training_learns_and_its_history_is_complete(train_beats, held_beats):
    settings = TrainSettings(epochs=12, batch_size=16, learning_rate=0.15)
    torch.manual_seed(0)
    model = ODENet(8, method="rk4", steps=1, gradient="direct")
    history = fit(model, train_beats, settings=settings, validation=held_beats, progress=False)
    assert [entry.epoch for entry in history] == list(range(12))
    assert history[-1].train_loss < history[0].train_loss - 0.05
    assert history[0].learning_rate == pytest.approx(0.15 / 25)
    for entry in history:
        assert entry.evaluations_forward == 4
        assert entry.evaluations_backward == 0
        assert entry.seconds > 0
        assert entry.peak_memory > 1e6


def test_a_residual_network_evaluates_no_dynamics_and_validates_only_when_asked(train_beats):
    settings = dataclasses.replace(VARIED, epochs=1)
    (entry,) = fit(fresh(), train_beats, settings=settings, progress=False)
    assert (entry.evaluations_forward, entry.evaluations_backward) == (0, 0)
    assert entry.validation_loss is None
    assert "validation" not in describe(entry)


def test_the_seed_decides_the_run(train_beats):
    def trained(seed):
        model = fresh()
        settings = dataclasses.replace(VARIED, epochs=1, seed=seed)
        fit(model, train_beats, settings=settings, progress=False)
        return model

    assert same_weights(trained(1), trained(1))
    assert not same_weights(trained(1), trained(2))


def test_the_history_in_words():
    entry = Epoch(0, 0.1, 0.5, 0.8, 0.6, 0.75, 2.0, 20.8, 20.2, 1000)
    line = describe(entry)
    for part in ("epoch 1", "0.5000", "0.8000", "0.6000 / 0.7500", "20.8 forward 20.2 backward"):
        assert part in line
    assert not stopped([], 1)
    assert not stopped([entry], None)


@pytest.mark.parametrize(("network", "kind"), [("resnet", SettingError), ("odenet", SolverError)])
def test_a_diverging_run_says_what_to_lower(network, kind, train_beats):
    settings = TrainSettings(epochs=3, batch_size=8, learning_rate=1e30, clip_norm=None)
    with pytest.raises(kind, match=r"[Ll]ower.*learning.rate"):
        fit(fresh(network), train_beats, settings=settings, progress=False)


def test_a_validation_that_diverges_is_not_stored(train_beats, held_beats, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "loss_and_accuracy", lambda *_: (math.nan, 0.2))
    checkpoint = tmp_path / "c.pt"
    how = {"settings": VARIED, "validation": held_beats, "progress": False}
    with pytest.raises(SettingError, match=r"validation loss of epoch 1 is nan.*learning_rate"):
        fit(fresh(), train_beats, checkpoint=checkpoint, **how)
    assert not checkpoint.exists()


def test_patience_needs_a_validation_part(train_beats):
    settings = dataclasses.replace(VARIED, patience=1)
    with pytest.raises(SettingError, match="patience=1 needs a validation part"):
        fit(fresh(), train_beats, settings=settings)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"epochs": 1.5}, r"epochs=1\.5.*whole number"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"learning_rate": math.inf}, "learning_rate=inf"),
        ({"momentum": 1.0}, r"momentum=1\.0"),
        ({"momentum": 0.0}, "nesterov=True.*False without momentum"),
        ({"weight_decay": -1e-4}, r"weight_decay=-0\.0001"),
        ({"clip_norm": 0.0}, r"clip_norm=0\.0"),
        ({"patience": 0}, "patience=0"),
        ({"schedule": "step"}, "schedule='step'.*one-cycle"),
        ({"sampling": "all"}, "sampling='all'.*root"),
    ],
)
def test_a_wrong_setting_names_its_argument(arguments, said):
    with pytest.raises(SettingError, match=said):
        TrainSettings(**arguments)
