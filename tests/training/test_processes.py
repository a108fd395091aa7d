"""Two processes train what one trains: the same gradients, one writer, resumed in any number."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ecglab.errors import SettingError
from ecglab.models.growing import GrowingResNet
from ecglab.models.odenet import ODENet
from ecglab.training.fit import fit
from ecglab.training.processes import Processes, joined, processes
from ecglab.training.settings import TrainSettings
from ecglab.training.state import TrainingState

HERE = Path(__file__).parent
SETTINGS = {"epochs": 2, "batch_size": 32, "learning_rate": 0.05, "seed": 3}
SCRIPT = """
import json, sys
sys.path.insert(0, {here!r})
from pathlib import Path
import torch
from conftest import waves
from test_processes import fresh, settings
from ecglab.training.fit import fit
from ecglab.training.processes import joined, processes
torch.set_num_threads(1)
out = Path(sys.argv[1])
with joined("cpu") as device:
    model = fresh()
    found = fit(model, waves(90, seed=1), settings=settings(), validation=waves(40, seed=2),
                checkpoint=out / "c.pt", device=device, progress=False)
    text = json.dumps([[e.train_loss, e.train_accuracy, e.validation_loss] for e in found])
    rank = processes().rank
    (out / f"history-{{rank}}.json").write_text(text)
    torch.save(model.state_dict(), out / f"weights-{{rank}}.pt")
"""


def settings(**changes):
    return TrainSettings(**(SETTINGS | changes))


def fresh():
    torch.manual_seed(5)
    return ODENet(4, method="rk4", steps=1, gradient="direct")


def launch(count, *words, timeout=300):
    """Start ``count`` processes as torchrun does, on this machine only."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    environment = dict(os.environ, OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo")
    return subprocess.run(
        [*command, f"--nproc-per-node={count}", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(scope="module")
def alone(make_waves):
    """What one process gives."""
    model = fresh()
    history = fit(
        model,
        make_waves(90, seed=1),
        settings=settings(),
        validation=make_waves(40, seed=2),
        progress=False,
    )
    return model.state_dict(), history


def close(weights, expected):
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, atol=2e-6, rtol=1e-4)


def read(folder, rank):
    weights = torch.load(folder / f"weights-{rank}.pt", weights_only=True)
    return weights, json.loads((folder / f"history-{rank}.json").read_text())


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_two_processes_go_on_from_one_to_what_one_reaches(alone, tmp_path, make_waves, monkeypatch):
    expected, history = alone
    part = {"settings": settings(), "validation": make_waves(40, seed=2), "progress": False}
    checkpoint, save = tmp_path / "c.pt", TrainingState.save

    def save_and_stop(state, path):
        save(state, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingState, "save", save_and_stop)
        fit(fresh(), make_waves(90, seed=1), checkpoint=checkpoint, **part)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(here=str(HERE)))
    done = launch(2, script, tmp_path)
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        weights, numbers = read(tmp_path, rank)
        close(weights, expected)
        for found, entry in zip(numbers, history, strict=True):
            assert found == pytest.approx(
                [entry.train_loss, entry.train_accuracy, entry.validation_loss], rel=1e-4
            )
    # And one process takes the checkpoint of the two for its own.
    resumed = fresh()
    assert len(fit(resumed, make_waves(90, seed=1), checkpoint=checkpoint, **part)) == 2
    close(resumed.state_dict(), expected)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_the_terminal_trains_in_two_processes_with_one_writer(tmp_path, monkeypatch):
    monkeypatch.delenv("ECGLAB_DATA", raising=False)
    words = "-m ecglab train resnet --width 4 --blocks 1 --epochs 1 --share 300 --no-progress"
    done = launch(2, *words.split(), "--device", "cpu", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("resnet with") == 1
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["data"]["share"] == 300
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "checkpoint.pt",
        "plan.json",
        "run.json",
        "weights.safetensors",
    ]


@given(beats=st.integers(1, 300), count=st.integers(1, 9))
def test_shares_make_up_the_batch_and_their_weighted_means_its_mean(beats, count):
    values = torch.arange(beats).double() ** 2
    seen, mean = [], 0.0
    for rank in range(count):
        mine, weight = Processes(rank, count).share(beats)
        part = values[mine]
        assert len(part) >= 1
        mean += weight * part.mean().item() / count  # what averaging gradients does
        if weight:
            seen += range(beats)[mine]
    assert seen == list(range(beats))
    assert mean == pytest.approx(values.mean().item())


def test_without_torchrun_a_process_is_alone():
    with joined("cpu") as device:
        assert device == "cpu"
        assert processes() == Processes(0, 1)
        assert processes().writes


def test_a_network_that_normalises_by_batch_is_refused():
    with pytest.raises(SettingError, match=r"normalises by batch.*one process"):
        Processes(0, 2).wrap(GrowingResNet(8))
