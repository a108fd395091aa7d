"""How beats are drawn and varied, against counts and against numpy."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from ecglab.data.beats import Beats
from ecglab.errors import DataError, SettingError
from ecglab.training.batches import Augmentation, augment, epoch_order, logit_adjustment, to_tensors

LABELS = torch.repeat_interleave(torch.arange(4), torch.tensor([6400, 1600, 400, 100]))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_tensors_hold_the_beats(train_beats):
    part = to_tensors(train_beats, "cpu")
    assert len(part) == len(train_beats)
    assert part.values.shape == (len(train_beats), 1, 187)
    assert part.labels.dtype == torch.int64
    np.testing.assert_array_equal(part.values[:, 0], train_beats.values)
    np.testing.assert_array_equal(part.labels, train_beats.labels)


def test_no_beats_are_refused(train_beats):
    with pytest.raises(DataError, match="No beats"):
        to_tensors(train_beats.take(np.zeros(len(train_beats), bool)), "cpu")


def test_uniform_sampling_draws_every_beat_once():
    order = epoch_order(LABELS, "uniform", seeded())
    assert torch.equal(order.sort().values, torch.arange(len(LABELS)))
    assert not torch.equal(order, torch.arange(len(LABELS)))


@pytest.mark.parametrize(
    ("sampling", "weights"),
    [("class", [1, 1, 1, 1]), ("root", [8, 4, 2, 1])],
)
def test_sampling_gives_classes_their_frequencies(sampling, weights):
    order = epoch_order(LABELS, sampling, seeded())
    found = torch.bincount(LABELS[order], minlength=4).numpy()
    expected = np.array(weights) / sum(weights) * len(LABELS)
    assert chisquare(found, expected).pvalue > 1e-3
    within = np.bincount(order[LABELS[order] == 3].numpy() - 8400, minlength=100)
    assert chisquare(within).pvalue > 1e-3  # and the beats of a class equal ones


def test_sampling_passes_over_an_absent_class():
    order = epoch_order(torch.tensor([0, 0, 4, 4, 4]), "class", seeded())
    assert len(order) == 5


@pytest.mark.parametrize("sampling", ["uniform", "root", "class"])
def test_the_order_follows_the_seed(sampling):
    draws = [epoch_order(LABELS, sampling, seeded(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_nothing_changes_at_zero():
    values = torch.rand(3, 1, 187)
    assert not Augmentation()
    assert augment(values, Augmentation(), seeded()) is values


def test_stretching_is_linear_interpolation():
    values = torch.rand(8, 1, 187, dtype=torch.float64)
    stretched = augment(values, Augmentation(stretch=0.3), seeded(1))
    rates = torch.exp(0.3 * torch.randn(8, 1, generator=seeded(1))).squeeze(1)
    assert (rates > 1).any()
    assert (rates < 1).any()
    grid = np.arange(187)
    for row, rate, found in zip(values[:, 0].numpy(), rates.numpy(), stretched[:, 0], strict=True):
        expected = np.interp(grid * rate, grid, row, right=0)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_stretch_of_one_keeps_every_value():
    values = torch.rand(2, 1, 187)
    kept = augment(values, Augmentation(stretch=1e-30), seeded())
    assert torch.equal(kept, values)


def test_scale_and_noise_have_the_named_spread():
    flat = torch.ones(4000, 1, 11)
    scaled = augment(flat, Augmentation(scale=0.2), seeded())
    assert torch.equal(scaled.amax(-1), scaled.amin(-1))
    assert scaled[:, 0, 0].log().std().item() == pytest.approx(0.2, rel=0.05)
    noisy = augment(flat, Augmentation(noise=0.3), seeded()) - flat
    assert noisy.std().item() == pytest.approx(0.3, rel=0.02)
    assert noisy.mean().abs().item() < 0.01


def test_variations_follow_the_seed():
    values, how = torch.rand(4, 1, 187), Augmentation(stretch=0.1, scale=0.1, noise=0.1)
    assert torch.equal(augment(values, how, seeded(1)), augment(values, how, seeded(1)))
    assert not torch.equal(augment(values, how, seeded(1)), augment(values, how, seeded(2)))


@pytest.mark.parametrize("name", ["stretch", "scale", "noise"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_spread_that_cannot_be_drawn_is_named(name, value):
    with pytest.raises(SettingError, match=f"{name}={value}"):
        Augmentation(**{name: value})


def test_the_original_beats_are_left_alone(train_beats):
    before = train_beats.values.copy()
    part = to_tensors(train_beats, "cpu")
    augment(part.values, Augmentation(stretch=0.1, scale=0.1, noise=0.1), seeded())
    np.testing.assert_array_equal(train_beats.values, before)
    assert isinstance(train_beats, Beats)


@pytest.mark.parametrize("sampling", ["uniform", "root", "class"])
def test_the_adjustment_is_the_log_of_drawn_over_wanted_classes(sampling):
    labels = torch.arange(5).repeat_interleave(torch.tensor([64_000, 2_000, 5_000, 640, 6_000]))
    found = logit_adjustment(labels, sampling).exp()
    drawn = torch.bincount(labels[epoch_order(labels, sampling, seeded())]) / len(labels)
    wanted = torch.tensor([800, 800, 800, 300, 800]) / 3500
    torch.testing.assert_close(found.float(), drawn / wanted, rtol=0.1, atol=0)


def test_an_absent_class_is_not_adjusted():
    found = logit_adjustment(torch.tensor([0, 0, 1, 4]), "uniform")
    assert torch.isfinite(found).all()
    assert found[2] == found[3] == 0


def test_adjusted_training_scores_for_the_balanced_mix():
    """On features that say nothing the adjusted loss has its least value at the wanted mix."""
    labels = torch.arange(5).repeat_interleave(torch.tensor([640, 20, 50, 8, 60]))
    adjustment = logit_adjustment(labels, "uniform")
    logits = torch.zeros(5, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-9)

    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy((logits + adjustment).expand(778, 5), labels)
        value.backward()
        return value

    optimizer.step(loss)
    wanted = torch.tensor([800, 800, 800, 300, 800]) / 3500
    torch.testing.assert_close(logits.softmax(0).detach(), wanted, atol=1e-3, rtol=0)
