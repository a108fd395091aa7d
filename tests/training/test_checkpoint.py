"""Stored states: read back equal, damaged ones refused, code in them never run."""

import pickle
import random

import pytest
import torch

from ecglab.errors import DataError
from ecglab.models import ODENet, ResNet
from ecglab.training.checkpoint import load_checkpoint, load_weights, save_checkpoint, save_weights


@pytest.fixture
def state():
    model = ResNet(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(2, 1, 187)).sum().backward()
    optimizer.step()
    return {
        "settings": {"seed": 3, "clip_norm": None, "schedule": "one-cycle"},
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": [{"train_loss": 0.1 + 0.2}],
    }


def test_a_state_comes_back_as_it_was(state, tmp_path):
    path = tmp_path / "new" / "c.pt"
    save_checkpoint(path, state)
    loaded = load_checkpoint(path)
    assert loaded["settings"] == state["settings"]
    assert loaded["history"] == state["history"]
    for name, tensor in state["model"].items():
        assert torch.equal(loaded["model"][name], tensor)
    buffers = zip(
        loaded["optimizer"]["state"].values(), state["optimizer"]["state"].values(), strict=True
    )
    assert all(torch.equal(a["momentum_buffer"], b["momentum_buffer"]) for a, b in buffers)


def test_a_damaged_checkpoint_is_refused_wherever_it_is_damaged(state, tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, state)
    whole = path.read_bytes()
    rng = random.Random(0)
    damaged = [b"", b"PK", rng.randbytes(300), b"text", pickle.dumps({"model": 1})]
    damaged += [whole[: rng.randrange(len(whole))] for _ in range(40)]
    for name in ("settings", "train_loss", "momentum_buffer"):
        place = whole.index(name.encode())
        damaged.append(whole[:place] + b"\xff" + whole[place + 1 :])
    weights = state["model"]["head.4.weight"].numpy().tobytes()
    place = whole.index(weights)
    damaged.append(whole[: place + 5] + bytes([whole[place + 5] ^ 1]) + whole[place + 6 :])
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"c\.pt is not a checkpoint .*move it away"):
            load_checkpoint(path)


@pytest.mark.parametrize("content", [[1, 2], 3, torch.zeros(2)])
def test_a_file_of_something_else_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(DataError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "c.pt")


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("store", ["torch", "pickle"])
def test_code_in_a_checkpoint_is_not_run(store, tmp_path):
    path, trace = tmp_path / "c.pt", tmp_path / "trace"
    content = {"settings": {}, "model": Malicious(str(trace))}
    if store == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match="not a checkpoint"):
        load_checkpoint(path)
    assert not trace.exists()
    if store == "torch":
        torch.load(path, weights_only=False)["model"].close()
        assert trace.exists()  # the file does hold what it is meant to hold


def test_an_interrupted_save_leaves_the_old_checkpoint(state, tmp_path, monkeypatch):
    path = tmp_path / "c.pt"
    save_checkpoint(path, state)
    before, save = path.read_bytes(), torch.save

    def half(content, target):
        save(content, target)
        target.write_bytes(target.read_bytes()[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"settings": {}})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [lambda: ResNet(4, 2), lambda: ODENet(4, method="euler")])
def test_weights_come_back_bit_for_bit(make, tmp_path):
    model, other = make(), make()
    save_weights(model, tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_weights_that_do_not_fit_or_are_not_there_are_explained(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(DataError, match="No weights at"):
        load_weights(ResNet(4, 1), path)
    save_weights(ResNet(4, 1), path)
    for model in (ResNet(8, 1), ResNet(4, 2), ODENet(4)):
        with pytest.raises(DataError, match="do not fit this model"):
            load_weights(model, path)
    path.write_bytes(b"not weights")
    with pytest.raises(DataError, match="do not fit this model"):
        load_weights(ResNet(4, 1), path)
