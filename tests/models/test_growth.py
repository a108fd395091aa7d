"""When a network grows: the reserve is kept whatever the estimates; rates and costs by hand."""

import json
import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from ecglab.errors import SettingError
from ecglab.models.growing import GrowingResNet, depth_of, grown_depth
from ecglab.models.growth import (
    GrowthSettings,
    Trigger,
    cosine_rate,
    latest_growth_epochs,
    parameters_per_epoch,
    smoothed,
    start_depth,
)

ESTIMATES = st.floats(1e-3, 1e3)


def growth_epochs(settings: GrowthSettings, epochs: int, estimates) -> tuple[int, ...]:
    """Numbers of epochs after which a run with these estimates grows."""
    trigger = Trigger(settings, epochs)
    return tuple(e + 1 for e in range(epochs) if trigger.update(e, estimates[e]))


@st.composite
def runs(draw, r_tol=None):
    """Settings with a number of epochs that has room for them."""
    r_tol = draw(st.floats(1.01, 5)) if r_tol is None else r_tol
    settings = GrowthSettings(
        growths=draw(st.integers(1, 4)),
        window=draw(st.integers(1, 12)),
        reserve=draw(st.integers(1, 25)),
        r_tol=r_tol,
    )
    needed = 1 + settings.reserve + (settings.growths - 1) * settings.window
    return settings, needed + draw(st.integers(0, 40))


def test_without_a_trigger_the_published_run_grows_after_34_and_44_epochs():
    settings = GrowthSettings(r_tol=math.inf)
    assert growth_epochs(settings, 64, [1e9**e for e in range(34)] + [1.0] * 30) == (34, 44)
    assert growth_epochs(settings, 64, [None] * 64) == (34, 44)
    assert latest_growth_epochs(settings, 64) == (34, 44)


@given(runs(math.inf))
def test_the_latest_epochs_are_those_of_a_run_without_a_trigger(run):
    settings, epochs = run
    assert growth_epochs(settings, epochs, [None] * epochs) == latest_growth_epochs(*run)


@given(runs(), st.data())
def test_whatever_the_estimates_every_network_is_trained_and_the_last_one_long_enough(run, data):
    settings, epochs = run
    estimates = data.draw(st.lists(ESTIMATES, min_size=epochs, max_size=epochs))
    after = growth_epochs(settings, epochs, estimates)
    assert len(after) == settings.growths and min(after) >= 1
    assert epochs - after[-1] >= settings.reserve
    latest = latest_growth_epochs(settings, epochs)
    assert all(found <= last for found, last in zip(after, latest, strict=True))
    segments = [b - a for a, b in zip((0, *after), after, strict=False)]
    for length, found, last in zip(segments, after, latest, strict=True):
        assert length > settings.window or found == last  # a growth that is not due has two windows


@given(runs(), st.data())
def test_a_run_grows_early_only_where_the_ratio_says_so(run, data):
    settings, epochs = run
    estimates = data.draw(st.lists(ESTIMATES, min_size=epochs, max_size=epochs))
    start, latest = 0, latest_growth_epochs(settings, epochs)
    for found, last in zip(growth_epochs(settings, epochs, estimates), latest, strict=True):
        w = settings.window
        averages = [sum(estimates[e - w : e]) / w for e in range(start + w, found + 1)]
        ratios = [average / averages[0] for average in averages]
        # Plain sums round otherwise: ratios at the tolerance itself are left out.
        assume(all(abs(ratio / settings.r_tol - 1) > 1e-9 for ratio in ratios))
        assert all(ratio < settings.r_tol for ratio in ratios[:-1])
        assert found == last or ratios[-1] > settings.r_tol
        start = found


def test_the_trigger_by_hand():
    settings = GrowthSettings(growths=1, r_tol=1.5, window=2, reserve=1)
    # Averages of two: 1.5 (the first), 2, 2.25 (1.5 times it: not more), then 2.5.
    assert growth_epochs(settings, 20, [1, 2, 2, 2.5, 2.5] + [1] * 15) == (5,)
    assert growth_epochs(settings, 20, [1, 2, 2, 2.5, 2.0] + [1] * 15) == (19,)


def test_growth_needs_more_than_the_tolerance():
    settings = GrowthSettings(growths=1, r_tol=1.5, window=1, reserve=1)
    assert growth_epochs(settings, 9, [2.0, 3.0, 3.0] + [1.0] * 6) == (8,)
    just_above = math.nextafter(3.0, 4.0)
    assert growth_epochs(settings, 9, [2.0, 3.0, just_above] + [1.0] * 6) == (3,)


def test_a_growth_clears_the_history():
    settings = GrowthSettings(growths=2, r_tol=1.5, window=1, reserve=1)
    trigger = Trigger(settings, 20)
    assert [trigger.update(e, x) for e, x in enumerate([1.0, 2.0])] == [False, True]
    assert trigger.ratio is None and trigger.grown == 1
    # Ten times the first network's estimate is where the second one starts.
    assert [trigger.update(e, x) for e, x in enumerate([10.0, 14.0, 16.0], 2)] == [0, 0, 1]
    assert trigger.grown == 2
    assert not any(trigger.update(e, 100.0 * e) for e in range(5, 20))


def test_the_ratio_is_known_once_a_window_is_full():
    trigger = Trigger(GrowthSettings(growths=1, window=3, r_tol=9), 64)
    found = []
    for epoch, estimate in enumerate([3.0, 3.0, 3.0, 6.0]):
        trigger.update(epoch, estimate)
        found.append(trigger.ratio)
    assert found == [None, None, 1.0, 4 / 3]


@given(st.lists(ESTIMATES, max_size=30), st.integers(1, 12))
def test_smoothing_is_a_convolution(estimates, window):
    tensor = torch.tensor(estimates, dtype=torch.float64)
    expected = tensor.unfold(0, window, 1).mean(1).tolist() if len(tensor) >= window else []
    assert smoothed(estimates, window) == pytest.approx(expected)


@given(runs(), st.data())
def test_an_interrupted_run_grows_as_if_it_had_not_been(run, data):
    settings, epochs = run
    estimates = data.draw(st.lists(ESTIMATES, min_size=epochs, max_size=epochs))
    cut = data.draw(st.integers(0, epochs))
    trigger = Trigger(settings, epochs)
    after = [e + 1 for e in range(cut) if trigger.update(e, estimates[e])]
    state = json.loads(json.dumps(trigger.state()))
    resumed = Trigger.from_state(settings, epochs, state)
    after += [e + 1 for e in range(cut, epochs) if resumed.update(e, estimates[e])]
    assert tuple(after) == growth_epochs(settings, epochs, estimates)


def test_a_stored_state_does_not_change_with_the_trigger():
    trigger = Trigger(GrowthSettings(), 64)
    trigger.update(0, 1.0)
    state = trigger.state()
    trigger.update(1, 2.0)
    assert state == {"estimates": [1.0], "grown": 0}


@given(st.sets(st.integers(1, 30), min_size=1, max_size=4), st.data())
def test_growth_at_given_epochs(chosen, data):
    at = tuple(sorted(chosen))
    settings = GrowthSettings(growths=len(at), at=at)
    estimates = data.draw(st.lists(st.none() | ESTIMATES, min_size=31, max_size=31))
    assert growth_epochs(settings, 31, estimates) == at == latest_growth_epochs(settings, 31)


def test_what_needs_an_estimate():
    assert GrowthSettings().needs_estimate
    assert not GrowthSettings(r_tol=math.inf).needs_estimate
    assert not GrowthSettings(at=(3, 4)).needs_estimate
    with pytest.raises(SettingError, match=r"r_tol=1.4 needs.*none after epoch 1"):
        Trigger(GrowthSettings(), 64).update(0, None)


@pytest.mark.parametrize("estimate", [0.0, -1.0, math.nan, math.inf])
def test_an_estimate_that_cannot_be(estimate):
    with pytest.raises(SettingError, match=f"after epoch 3 is {estimate}"):
        Trigger(GrowthSettings(), 64).update(2, estimate)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"growths": 0}, "growths=0: expected a whole number"),
        ({"window": 0}, "window=0"),
        ({"reserve": 0}, "reserve=0"),
        ({"window": 2.5}, "window=2.5"),
        ({"r_tol": 1.0}, "r_tol=1.0 .*above 1, or inf"),
        ({"r_tol": math.nan}, "r_tol=nan"),
        ({"over": "median"}, "over='median'.*mean, max"),
        ({"scaling": "half"}, "scaling='half'.*divide, published, none"),
        ({"at": (44, 34)}, "rising whole numbers"),
        ({"at": (34, 34)}, "rising whole numbers"),
        ({"at": (0, 34)}, "from 1"),
        ({"at": [34, 44]}, "a tuple"),
        ({"at": (3.5, 44)}, "whole numbers"),
        ({"at": ()}, "epochs to grow after"),
        ({"at": (34,)}, "names 1 growths, growths=2"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(SettingError, match=message):
        GrowthSettings(**settings)


@given(runs())
def test_a_run_without_room_is_refused_by_one_epoch(run):
    settings, _ = run
    needed = 1 + settings.reserve + (settings.growths - 1) * settings.window
    settings.require_fits(needed)
    assert latest_growth_epochs(settings, needed)[0] == 1
    for use in (settings.require_fits, lambda e: Trigger(settings, e)):
        with pytest.raises(SettingError, match=f"{needed - 1} epochs.*need {needed}"):
            use(needed - 1)


def test_given_epochs_beyond_the_run():
    GrowthSettings(at=(34, 44)).require_fits(45)
    with pytest.raises(SettingError, match="leaves no epoch for the last network in a run of 44"):
        GrowthSettings(at=(34, 44)).require_fits(44)


@pytest.mark.parametrize(
    ("final", "growths", "start"), [(50, 2, 14), (74, 2, 20), (26, 1, 14), (50, 3, 8), (20, 0, 20)]
)
def test_where_to_start(final, growths, start):
    assert start_depth(final, growths) == start


@given(st.integers(1, 50), st.integers(0, 5))
def test_growths_lead_from_the_start_to_the_end(blocks, growths):
    depth = final = depth_of(blocks)
    for _ in range(growths):
        final = grown_depth(final)
    assert start_depth(final, growths) == depth


@given(st.integers(1, 60), st.integers(1, 5))
def test_a_depth_that_growth_does_not_reach(blocks, growths):
    assume(blocks % 2**growths)
    with pytest.raises(SettingError, match=f"cannot end at depth {depth_of(blocks)}") as caught:
        start_depth(depth_of(blocks), growths)
    advised = str(caught.value).split("such as ")[1].rstrip(".").split(" or ")
    assert advised and all(start_depth(int(depth), growths) for depth in advised)


def test_a_final_depth_that_is_none():
    with pytest.raises(SettingError, match=r"not 6n \+ 2"):
        start_depth(34, 1)


@pytest.mark.parametrize(
    ("final", "channels", "millions"),
    [(50, 3, 0.3876), (74, 3, 0.5911), (50, 1, 0.3873), (74, 1, 0.5909)],
)
def test_parameters_per_epoch(final, channels, millions):
    depth = start_depth(final, 2)
    counts = []
    for _ in range(3):
        model = GrowingResNet(depth, channels=channels)
        counts.append(sum(p.numel() for p in model.parameters()))
        depth = grown_depth(depth)
    first, second = latest_growth_epochs(GrowthSettings(), 64)
    spans = (first, second - first, 64 - second)
    assert spans == (34, 10, 20)
    assert round(parameters_per_epoch(counts, spans) / 1e6, 4) == millions
    assert parameters_per_epoch(counts[2:], (64,)) == counts[2]


@pytest.mark.parametrize(("counts", "spans"), [([1, 2], [3]), ([], []), ([5], [0])])
def test_costs_that_do_not_agree(counts, spans):
    with pytest.raises(SettingError, match="do not agree"):
        parameters_per_epoch(counts, spans)


@pytest.mark.parametrize(
    ("epoch", "start", "rate"),
    [
        *((0, 0, 0.1), (32, 0, 0.0505), (33, 0, 0.04807)),
        *((34, 34, 0.1), (43, 34, 0.07959), (49, 34, 0.0505)),
        *((44, 44, 0.1), (54, 44, 0.0505), (63, 44, 0.00161)),
    ],
)
def test_the_learning_rate_of_an_epoch(epoch, start, rate):
    found = cosine_rate(epoch, start=start, epochs=64, highest=0.1, lowest=1e-3)
    assert found == pytest.approx(rate, abs=6e-6)


@pytest.mark.parametrize("start", [0, 34, 44])
def test_the_learning_rate_is_that_of_torch_started_anew(start):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 64 - start, eta_min=1e-3)
    for epoch in range(start, 64):
        found = cosine_rate(epoch, start=start, epochs=64, highest=0.1, lowest=1e-3)
        assert found == pytest.approx(scheduler.get_last_lr()[0], rel=1e-6)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(("epoch", "start", "epochs"), [(64, 0, 64), (3, 4, 64), (3, -1, 64)])
def test_a_learning_rate_outside_the_run(epoch, start, epochs):
    with pytest.raises(SettingError, match="start <= epoch < epochs"):
        cosine_rate(epoch, start=start, epochs=epochs, highest=0.1, lowest=1e-3)
