"""What lesson 05 measures, against closed forms and other routes to the same number."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from ecglab.data.beats import BEAT_LENGTH, Beats
from ecglab.data.spectrogram import to_spectrograms
from ecglab.lessons.growth_measures import (
    block_steepness,
    euler_errors,
    growth_epoch,
    jolts,
    read_intervals,
    row_lengths,
)
from ecglab.models.growing import GrowingResNet, residual_blocks
from ecglab.models.growth import GrowthSettings
from ecglab.models.lipschitz import LipschitzEstimator
from ecglab.training.batches import to_tensors
from ecglab.training.fit import fit
from ecglab.training.settings import TrainSettings


def padded(lengths, *, seed=0):
    """Rows of noise that end where they are told to, all of one shape."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.2, 1.0, (len(lengths), BEAT_LENGTH))
    values[np.arange(BEAT_LENGTH) >= np.array(lengths)[:, None]] = 0
    count = len(lengths)
    return Beats(
        values.astype(np.float32),
        np.zeros(count, np.uint8),
        np.zeros(count, np.int32),
        np.arange(count, dtype=np.int32),
        "simulated",
    )


@pytest.fixture(scope="module")
def trained(simulated):
    part = to_spectrograms(simulated.take(slice(0, 300)), size=16)
    torch.manual_seed(0)
    model = GrowingResNet(14)
    fit(model, part, settings=TrainSettings(epochs=2, batch_size=32), progress=False)
    return model.eval(), to_tensors(part, "cpu")


def test_lengths_are_where_the_padding_begins():
    assert row_lengths(padded([90, 150, BEAT_LENGTH])).tolist() == [90, 150, BEAT_LENGTH]


def test_the_interval_is_read_from_the_padding_alone():
    """The rows are noise without any rhythm: only the zeros can tell."""
    rng = np.random.default_rng(1)
    parts = [padded(rng.integers(60, 150, count), seed=s) for count, s in ((1500, 2), (300, 3))]
    train = to_spectrograms(parts[0], size=16)
    test = to_spectrograms(parts[1], size=16, mean=train.mean, deviation=train.deviation)
    whole = read_intervals((parts[0], train), (parts[1], test))
    start = read_intervals((parts[0], train), (parts[1], test), columns=3)
    np.testing.assert_allclose(whole.true, row_lengths(parts[1]) / 120 / 1.2)
    assert whole.typical_error < 0.02
    assert start.typical_error > 3 * whole.typical_error


def test_rows_that_were_cut_tell_no_interval(simulated):
    part = simulated.take(slice(0, 200))
    pictures = to_spectrograms(part, size=16)
    found = read_intervals((part, pictures), (part, pictures))
    assert len(found.true) == (row_lengths(part) < BEAT_LENGTH).sum()


def test_errors_rise_with_steepness_and_halve_with_the_step():
    steep = np.array([0.25, 0.5, 1.0, 2.0])
    four, eight = euler_errors(steep, 4), euler_errors(steep, 8)
    assert (np.diff(four) > 0).all()
    np.testing.assert_allclose(eight[:2] / four[:2], 0.5, atol=0.02)
    # Without steepness nothing moves, and one step of Euler is exact.
    assert euler_errors(np.array([0.0]), 1)[0] == 0


def test_the_seen_stretch_is_that_of_a_pair_and_below_the_bound(trained):
    model, part = trained
    probe = part.values[:16]
    found = block_steepness(model, probe)
    assert [row.estimate for row in found] == pytest.approx(
        LipschitzEstimator(probe).per_block(model)
    )
    assert all(0 < row.seen <= row.estimate for row in found)
    first = residual_blocks(model)[0][1]
    with torch.no_grad():
        given = model.stem(probe)
        moved = first.residual(given)
        ratios = [
            (moved[i] - moved[j]).norm() / (given[i] - given[j]).norm()
            for i in range(16)
            for j in range(i)
        ]
    assert found[0].seen == pytest.approx(float(max(ratios)), rel=1e-3)


def test_jolts_measure_the_grown_network_and_leave_the_model(trained):
    model, part = trained
    before = copy.deepcopy(model.state_dict())
    found = {jolt.scaling: jolt for jolt in jolts(model, part)}
    assert list(found) == ["divide", "published", "none"]
    with torch.no_grad():
        loss = cross_entropy(model(part.values), part.labels).item()
    divide, none = found["divide"], found["none"]
    assert divide.eval_mode[0] == none.eval_mode[0] == pytest.approx(loss, rel=1e-5)
    assert abs(divide.eval_mode[1] - loss) < abs(none.eval_mode[1] - loss)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert model.depth == 14 and not model.training


def test_growth_without_effect_leaves_the_loss():
    torch.manual_seed(0)
    model = GrowingResNet(14)
    for _, block in residual_blocks(model):
        torch.nn.init.zeros_(block.residual[-1].weight)
    part = to_tensors(to_spectrograms(padded([100, 120, 80, 90]), size=16), "cpu")
    for jolt in jolts(model, part):
        assert jolt.train_mode[0] == pytest.approx(jolt.train_mode[1], abs=1e-5)
        assert jolt.eval_mode[0] == pytest.approx(jolt.eval_mode[1], abs=1e-5)


def test_the_first_growth_is_by_estimate_or_by_clock():
    settings = GrowthSettings(growths=1, window=1, reserve=2, r_tol=1.4)
    assert growth_epoch([10, 12, 15, 16], settings, epochs=10) == 3
    assert growth_epoch([10] * 10, settings, epochs=10) == 8
    assert growth_epoch([10] * 5, settings, epochs=10) is None
