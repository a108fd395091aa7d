"""The model card says what the recorded runs give, and nothing else says a number."""

import re

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ecglab.errors import DataError
from ecglab.lessons import model_card
from ecglab.lessons.model_card import END, START, layout, made_blocks, trained_arms, with_blocks
from ecglab.lessons.recorded import FOLDER
from ecglab.models import ODENet, ResNet
from ecglab.training.study import STUDY


@pytest.fixture(scope="module")
def card() -> str:
    return (model_card.ROOT / model_card.CARD).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return made_blocks()


def table(block: str) -> list[dict[str, str]]:
    """The rows of the first table in a block."""
    lines = [line.strip("| ").split(" | ") for line in block.splitlines() if line.startswith("|")]
    names, _, *rows = lines
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_the_card_holds_what_the_recorded_runs_give(card, made):
    assert with_blocks(card, made) == card


def test_every_recorded_weights_file_has_its_row(made):
    files = {path.name for path in FOLDER.iterdir() if path.name.endswith(".safetensors")}
    assert {row["file"].strip("`") for row in table(made["weights"])} == files
    assert files


def test_the_runs_on_the_card_are_those_that_made_the_weights():
    for arm, run in trained_arms().items():
        assert run.settings["seed"] == STUDY[arm].seeds[0]
        assert run.data["origin"] == "MIT-BIH"
        assert run.scored == "test"


def test_the_scores_follow_from_the_confusion_matrix_on_the_card(made):
    rows = table(made["classes"])
    for score in table(made["scores"]):
        own = [row for row in rows if row["name and true class"].startswith(f"{score['name']},")]
        true, called = [], []
        for row in own:
            letter = row["name and true class"][-1]
            for other in "NSVFQ":
                true += [letter] * int(row[f"called {other}"])
                called += [other] * int(row[f"called {other}"])
        assert [row["name and true class"][-1] for row in own] == list("NSVFQ")
        assert f"{accuracy_score(true, called):.4f}" == score["accuracy"]
        measured = {"labels": list("NSVFQ"), "average": "macro", "zero_division": 0}
        assert f"{f1_score(true, called, **measured):.4f}" == score["macro-F1"]
        found = recall_score(true, called, labels=list("NSVFQ"), average=None)
        assert [f"{value:.3f}" for value in found] == [row["sensitivity"] for row in own]
        assert f"{true.count('N') / len(true):.4f}" == score["accuracy of always N"]
        low, high = map(float, score["accuracy, beats resampled"].split(" to "))
        assert low < float(score["accuracy"]) < high


def test_no_score_is_typed_in_by_hand(card, made):
    empty = with_blocks(card, dict.fromkeys(made, ""))
    assert not re.findall(r"\b0\.\d{2,}", empty)
    assert not re.search(r"\d,\d{3} parameters", empty)


def test_layout_reads_the_network_as_it_is_built():
    three = ResNet(32, 3, dilation=(1, 2, 1))
    assert layout(three) == "3 residual blocks, 32 channels, dilation 1, 2"
    solved = ODENet(32, method="rk4", steps=2, gradient="direct", dilation=(4, 4))
    assert layout(solved) == (
        "one ODE block, 32 channels, dilation 4; rk4, 2 steps, direct gradients"
    )
    assert layout(ODENet(dilation=(1, 1))).endswith("dopri5, tolerance 0.001, adjoint gradients")


def test_blocks_are_put_between_their_marks_and_nowhere_else():
    first, second = (f"{START.format(name)}\n{{}}{END.format(name)}\n" for name in "xy")
    text = f"a\n{first.format('old')}b\n{second.format('')}c"
    once = with_blocks(text, {"x": "new", "y": "other"})
    assert once == "a\n" + first.format("new\n") + "b\n" + second.format("other\n") + "c"
    assert with_blocks(once, {"x": "new", "y": "other"}) == once


@pytest.mark.parametrize("lost", [START.format("x"), END.format("x")])
def test_a_lost_mark_is_named(lost):
    text = f"{START.format('x')}\n{END.format('x')}\n".replace(lost, "")
    with pytest.raises(DataError, match="no place for its block 'x'"):
        with_blocks(text, {"x": "new"})


def test_main_brings_an_old_card_up_to_date(tmp_path, monkeypatch, card, made):
    old = tmp_path / model_card.CARD
    old.parent.mkdir()
    old.write_text(with_blocks(card, dict.fromkeys(made, "old")), encoding="utf-8")
    monkeypatch.setattr(model_card, "ROOT", tmp_path)
    monkeypatch.setattr(model_card, "made_blocks", lambda: made)
    model_card.main()
    assert old.read_text(encoding="utf-8") == card


def test_the_code_on_the_card_changes_the_solver_and_keeps_the_weights(card):
    (code,) = re.findall(r"```python\n(.+?)```", card, re.DOTALL)
    names: dict = {}
    exec(code, names)
    model, exact = names["model"], names["exact"]
    assert (exact.block.solver.method, exact.block.solver.rtol) == ("dopri5", 1e-5)
    assert all(map(torch.equal, model.parameters(), exact.parameters()))
    beats = torch.rand(2, 1, 187, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert exact(beats).shape == model(beats).shape == (2, 5)
        assert not torch.equal(exact(beats), model(beats))
