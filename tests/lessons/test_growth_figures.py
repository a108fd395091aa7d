"""Figures and replay of growth: every picture says its numbers, every control answers."""

import dataclasses
import io
import math

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from matplotlib.image import imread

from ecglab.data.spectrogram import to_spectrograms
from ecglab.errors import SettingError
from ecglab.lessons.figures import new_figure, png
from ecglab.lessons.growth_explorer import (
    Replay,
    epoch_row,
    growth_explorer,
    next_growth,
    replay_picture,
    telling_epochs,
)
from ecglab.lessons.growth_figures import (
    leak_figure,
    pictures_figure,
    steps_figure,
    stretch_figure,
)
from ecglab.lessons.growth_measures import euler_errors, read_intervals
from ecglab.lessons.growth_replay import block_names, replay_axes, replay_figure, replay_text
from ecglab.lessons.growth_run_figures import (
    costs_figure,
    plain_percents,
    published_figure,
    run_figure,
)
from ecglab.lessons.growth_runs import curve
from ecglab.lessons.overlay import background
from ecglab.lessons.published import PUBLISHED_GROWTH
from ecglab.models.growing import GrowingResNet, blocks_of, grow, grow_to, residual_blocks
from ecglab.models.growth import GrowthSettings
from ecglab.training.fit import fit
from ecglab.training.settings import TrainSettings

GROWTH = GrowthSettings(growths=1, window=1, reserve=2)
SETTINGS = TrainSettings(epochs=4, batch_size=32, learning_rate=0.05, schedule="cosine")


@pytest.fixture(scope="module")
def curves(simulated):
    """A run that grows after two of four epochs, and one that was deep from the start."""
    part = to_spectrograms(simulated.take(slice(0, 64)), size=16)
    found = {}
    for kind, depth, growth in (("grown", 8, GROWTH), ("fixed", 14, None)):
        torch.manual_seed(0)
        history = fit(
            GrowingResNet(depth),
            part,
            settings=dataclasses.replace(SETTINGS, growth=growth),
            validation=part,
            progress=False,
        )
        how = {"depth": depth, "image": 16, "examples": 64, "growth": growth}
        found[kind] = curve(f"the {kind} run", history, **how)
    return found


def described(figure, alt):
    """A figure is drawn, its axes have names, and its text ends as a sentence."""
    assert png(figure).startswith(b"\x89PNG")
    assert alt.endswith(".")
    for ax in figure.axes:
        title = ax.get_title() or ax.get_title("left")  # as the style has it
        assert ax.get_xlabel() or title or ax.get_label() == "<colorbar>"
    return alt


def test_pictures_of_beats_say_where_the_padding_begins(simulated):
    lengths = (simulated.values != 0).shape[1] - (simulated.values[:, ::-1] != 0).argmax(1)
    index = [int(np.flatnonzero((simulated.labels == c) & (lengths < 187))[0]) for c in range(5)]
    some = simulated.take(np.array(index))
    figure, alt = pictures_figure(some, to_spectrograms(some, size=32))
    described(figure, alt)
    # The image itself gives no answer away: only the beat above it has the line.
    drawn = [len(ax.lines) for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert drawn == [2] * 5 + [0] * 5
    for name, i in zip("NSVFQ", index, strict=True):
        assert f"{name} {lengths[i] / 120:.2f} s" in alt


def test_the_leak_figure_says_the_errors(simulated):
    part = simulated.take(slice(0, 400))
    pictures = to_spectrograms(part, size=16)
    reading = read_intervals((part, pictures), (part, pictures))
    alt = described(*leak_figure({"all": reading, "all again": reading}, part))
    assert f"all: median error {1e3 * reading.typical_error:.0f} ms" in alt


def test_steps_and_stretch_say_their_numbers():
    steep = np.geomspace(0.25, 4, 9)
    errors = {n: euler_errors(steep, n) for n in (2, 4)}
    alt = described(*steps_figure(steep, errors, tolerance=0.1))
    crossing = np.exp(np.interp(np.log(0.1), np.log(errors[2]), np.log(steep)))
    assert f"past 0.1 at a constant of {crossing:.1f}" in alt
    matrix = np.array([[3.0, 0.0], [0.0, 0.5]])
    alt = described(*stretch_figure(matrix, {"a layer": [0.5, 0.9, 0.99]}))
    assert "half axes 3.00 and 0.50" in alt and "a layer 5.0e-01 to 1.0e-02" in alt


def test_a_run_says_when_it_grew(curves):
    alt = described(*run_figure(curves["grown"]))
    assert "from 8 to 14 after epoch 2" in alt
    assert "keeps its depth of 14" in described(*run_figure(curves["fixed"]))


@pytest.mark.parametrize("change", [{"at": (2,)}, {"r_tol": math.inf}])
def test_growth_by_the_clock_alone_shows_no_line_to_cross(curves, change):
    clocked = dataclasses.replace(curves["grown"], growth=dataclasses.replace(GROWTH, **change))
    figure, alt = run_figure(clocked)
    described(figure, alt)
    assert not any("r_tol" in text.get_text() for text in figure.axes[0].texts)
    assert any("r_tol" in t.get_text() for t in run_figure(curves["grown"])[0].axes[0].texts)


def test_costs_and_published_results_say_every_arm(curves):
    arms = {kind: [found] for kind, found in curves.items()}
    errors = {"grown": [0.02], "fixed": [0.03]}
    alt = described(*costs_figure(arms, errors, part="test"))
    assert "grown (trigger or clock)" in alt and "test error 2.00 % at the end" in alt
    scores = {"grown": [0.98], "fixed": [0.97]}
    alt = described(*published_figure(PUBLISHED_GROWTH, arms, scores, ours="scale-down"))
    for number in ("97.14", "96.93", "98.00", "97.00"):
        assert number in alt


def test_a_run_of_two_arms_is_seen_twice(curves):
    """The mark of the arm that repeats the other's run is open and larger."""
    same = {"grown": [curves["grown"]], "timed": [curves["grown"]]}
    scores = {"grown": [0.98], "timed": [0.98]}
    size = costs_figure(same, scores, part="test")[0].axes[-1]
    accuracy = published_figure(PUBLISHED_GROWTH, same, scores, ours="x")[0].axes[1]
    for panel in (size, accuracy):
        inner, outer = panel.lines
        np.testing.assert_array_equal(inner.get_xydata(), outer.get_xydata())
        assert outer.get_markerfacecolor() == "none" != inner.get_markerfacecolor()
        assert outer.get_markersize() > inner.get_markersize() + 3


@pytest.mark.parametrize(("low", "high"), [(6.6, 18), (1.7, 9), (0.9, 1.9), (7, 65)])
def test_an_axis_of_errors_has_ticks_enough(low, high):
    panel = new_figure()[1][0, 0]
    panel.set(yscale="log", ylim=(low, high))
    plain_percents(panel)
    ticks = panel.get_yticks()
    assert 3 <= len(ticks) <= 11
    assert [text.get_text() for text in panel.get_yticklabels()] == [f"{t:g}" for t in ticks]
    assert panel.get_ylim() == (low, high)


@pytest.mark.parametrize(("start", "growths"), [(8, 1), (14, 1), (14, 2), (20, 2), (26, 1)])
def test_blocks_are_named_as_growth_clones_them(start, growths):
    """Growth itself tells the origin: the last batch norms carry the number of their block."""
    model = GrowingResNet(start)
    for _, block in residual_blocks(model):
        torch.nn.init.constant_(block.residual[-1].bias, 0.0)
    for stage in model.stages:
        for number, block in enumerate(stage):
            torch.nn.init.constant_(block.residual[-1].bias, float(number))
    for _ in range(growths):
        grow(model, scaling="none")
    if blocks_of(start) == 1:
        return  # a lone B0 gets fresh blocks, which come from none
    for stage in model.stages:
        origins = [f"B{int(block.residual[-1].bias[0])}" for block in stage]
        assert origins == block_names(blocks_of(start), growths)


def test_a_lone_block_gets_new_ones():
    assert block_names(1, 1) == ["B0", "new"]
    model = GrowingResNet(8)
    grow_to(model, 4)
    assert block_names(1, 2) == ["B0", "new", "new", "new"]
    assert len(model.stages[0]) == 4


def test_the_replay_shows_one_epoch_and_nothing_of_another(curves):
    behind = background(replay_axes(curves["grown"]), label="a label")
    pictures = [replay_picture(behind, Replay(curves["grown"], n)) for n in (1, 2, 3, 4)]
    assert len(set(pictures)) == 4
    assert replay_picture(behind, Replay(curves["grown"], 1)) == pictures[0]
    plain = imread(io.BytesIO(png(replay_figure(curves["grown"], 3)[0], label="a label")))
    quick = imread(io.BytesIO(pictures[2]))
    assert quick.shape[:2] == plain.shape[:2]
    assert (np.abs(quick[..., :3] - plain[..., :3]).max(-1) > 0.1).mean() < 1e-3


def test_the_replay_text_holds_the_epoch_s_numbers(curves):
    found = curves["grown"]
    text = replay_text(found, 2)
    for part in ("epoch 2 of 4", "depth 8", "1 blocks a stage", "Then it grows to depth 14."):
        assert part in text
    assert f"validation error {100 * found.errors[1]:.2f} %" in text
    assert "174,645 parameters" in replay_text(found, 3)
    assert "estimate" not in replay_text(curves["fixed"], 1)


@pytest.mark.parametrize("number", [0, 5])
def test_an_epoch_that_is_not_there_is_refused(curves, number):
    with pytest.raises(SettingError, match="has 4 epochs"):
        Replay(curves["grown"], number)


def test_rows_and_epochs_of_a_run(curves):
    found = curves["grown"]
    assert telling_epochs(found) == [1, 2, 3, 4]
    assert telling_epochs(curves["fixed"]) == [1, 4]
    assert (next_growth(found, 1), next_growth(found, 2)) == (2, 4)
    row = epoch_row(found, 2)
    assert row["grows then"] is True and row["depth"] == 8
    assert epoch_row(curves["fixed"], 1)["Lipschitz estimate"] == ""


def controls(box):
    (run, epoch), buttons = (row.children for row in box.children[:2])
    return run, epoch, {button.description: button for button in buttons}


def test_every_control_has_a_name_and_changes_what_is_shown(curves):
    box = growth_explorer({c.name: c for c in curves.values()}, label="a label")
    run, epoch, buttons = controls(box)
    picture, numbers, status = *box.children[2:4], box.children[4].children[0]
    assert (run.description, epoch.description) == ("Training run", "Epoch")
    assert isinstance(run, widgets.Dropdown) and isinstance(epoch, widgets.BoundedIntText)
    assert list(buttons) == ["To the start", "One back", "One on", "To next growth"]
    assert "ecglab-growth-explorer" in box._dom_classes
    seen = [(picture.value, numbers.value, status.value)]

    def step(change, epoch_now, text):
        change()
        assert epoch.value == epoch_now
        assert text in status.value
        seen.append((picture.value, numbers.value, status.value))

    step(buttons["One on"].click, 2, "Then it grows to depth 14")
    step(buttons["One on"].click, 3, "depth 14")
    step(buttons["To next growth"].click, 4, "epoch 4 of 4")
    step(lambda: setattr(run, "value", "the fixed run"), 4, "the fixed run, epoch 4")
    assert len(set(seen)) == len(seen)
    buttons["One on"].click()  # the last epoch is the last
    assert epoch.value == 4
    buttons["To the start"].click()
    buttons["One back"].click()
    assert epoch.value == 1
    assert "(a label)" in picture.value and "This epoch (a label)" in numbers.value


def test_a_run_of_fewer_epochs_keeps_the_field_within_it(curves):
    short = dataclasses.replace(curves["fixed"], name="short", history=curves["fixed"].history[:2])
    box = growth_explorer({"long": curves["grown"], "short": short}, label="")
    run, epoch, _ = controls(box)
    epoch.value = 4
    run.value = "short"
    assert (epoch.value, epoch.max) == (2, 2)
    assert "epoch 2 of 2" in box.children[-1].children[0].value
