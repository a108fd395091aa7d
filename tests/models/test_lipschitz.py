"""Lipschitz estimates: against the dense Jacobian, by hand, and the same after an interruption."""

import io
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ecglab.errors import SettingError
from ecglab.models import ODENet, ResNet
from ecglab.models.growing import GrowingResNet, grow, residual_blocks
from ecglab.models.lipschitz import LipschitzEstimator, conv_norm, norm_constant, observe


def dense_norm(layer: nn.Module, shape: tuple[int, ...]) -> float:
    """Largest singular value of the whole Jacobian, which has a row for every output number."""
    jacobian = torch.autograd.functional.jacobian(layer, torch.zeros(1, *shape))
    return torch.linalg.matrix_norm(jacobian.reshape(-1, math.prod(shape)).double(), 2).item()


def fft_norm(conv: nn.Conv2d, points: int) -> float:
    """Largest singular value if the picture were wrapped round instead of zero padded."""
    transform = np.fft.fft2(conv.weight.detach().numpy(), (points, points))
    return np.linalg.norm(transform.transpose(2, 3, 0, 1), 2, axis=(2, 3)).max()


def picture_network(depth: int = 14) -> GrowingResNet:
    """A network whose batch norms have seen data."""
    torch.manual_seed(0)
    model = GrowingResNet(depth)
    for _ in range(3):
        model(2 + 3 * torch.randn(8, 1, 8, 8))
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
    return model


PROBE = 2 + 3 * torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    ("conv", "shape"),
    [
        (nn.Conv2d(3, 4, 3, padding=1), (3, 8, 8)),
        (nn.Conv2d(3, 4, 3, padding=1, stride=2), (3, 8, 8)),
        (nn.Conv2d(3, 4, 3, padding=1, stride=2), (3, 9, 7)),
        (nn.Conv2d(4, 4, 3, padding=1), (4, 5, 6)),
        (nn.Conv2d(2, 4, 1, stride=2), (2, 7, 8)),
        (nn.Conv2d(2, 3, (3, 5), padding=(0, 2), stride=(3, 2)), (2, 9, 12)),
        (nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2), (4, 9, 9)),
        (nn.Conv1d(4, 4, 3, padding=1), (4, 23)),
        (nn.Conv1d(1, 4, 3), (1, 24)),
        (nn.Conv1d(3, 5, 4, stride=2, padding=1), (3, 25)),
        (nn.Conv1d(3, 5, 4, stride=2, padding=1), (3, 24)),
    ],
)
def test_the_norm_is_the_largest_singular_value(conv, shape):
    torch.manual_seed(0)
    conv.reset_parameters()
    # Where the two largest are close, n iterations may be short of the first by about log(n) / n.
    found, vector = conv_norm(conv, shape, iterations=3_000)
    assert found == pytest.approx(dense_norm(conv, shape), rel=1e-3)
    assert vector.shape == (1, *shape) and vector.norm().item() == pytest.approx(1, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 2),
    st.tuples(st.integers(4, 9), st.integers(4, 9)),
    st.integers(1, 2),
)
def test_the_norm_comes_from_below(seed, channels, kernel, stride, padding, points, dimensions):
    torch.manual_seed(seed)
    kind = (nn.Conv1d, nn.Conv2d)[dimensions - 1]
    conv = kind(*channels, kernel, stride=stride, padding=padding, bias=False)
    shape = (channels[0], *points[:dimensions])
    true = dense_norm(conv, shape)
    values = [conv_norm(conv, shape, iterations=n, seed=seed)[0] for n in (0, 1, 5, 300)]
    assert all(a <= b * (1 + 1e-5) for a, b in pairwise(values))
    assert 0.98 * true <= values[-1] <= true * (1 + 1e-5)


def test_two_other_norms_are_not_this_one():
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    found, _ = conv_norm(conv, (4, 6, 6), iterations=2_000)
    wrapped = fft_norm(conv, 6)
    reshaped = torch.linalg.matrix_norm(conv.weight.detach().reshape(4, -1), 2).item()
    assert found < 0.98 * wrapped  # the zeros around a picture take something away
    assert abs(reshaped / found - 1) > 0.2


def test_a_vector_warms_the_start():
    torch.manual_seed(0)
    conv = nn.Conv2d(16, 16, 3, padding=1, bias=False)
    true, vector = conv_norm(conv, (16, 16, 16), iterations=3_000)
    cold, _ = conv_norm(conv, (16, 16, 16), iterations=5)
    with torch.no_grad():
        conv.weight.mul_(1.5).add_(0.001 * torch.randn_like(conv.weight))
    kept = vector.clone()
    warm, _ = conv_norm(conv, (16, 16, 16), iterations=5, vector=vector)
    true_now, _ = conv_norm(conv, (16, 16, 16), iterations=3_000)
    assert cold < 0.97 * true and warm == pytest.approx(true_now, rel=1e-3)
    assert torch.equal(vector, kept)


def test_weights_of_zero_have_norm_zero_and_spoil_no_vector():
    conv = nn.Conv1d(2, 2, 3, padding=1, bias=False)
    weight = conv.weight.detach().clone()
    nn.init.zeros_(conv.weight)
    value, vector = conv_norm(conv, (2, 9), iterations=5)
    assert value == 0
    conv.weight.data = weight
    value, _ = conv_norm(conv, (2, 9), iterations=300, vector=vector)
    assert value == pytest.approx(dense_norm(conv, (2, 9)), rel=1e-3)


def test_padding_that_is_not_zeros_is_refused():
    for conv in (nn.Conv2d(2, 2, 3, padding="same"), nn.Conv1d(2, 2, 3, padding_mode="circular")):
        with pytest.raises(SettingError, match="zero padding by a number"):
            conv_norm(conv, (2, 8, 8), iterations=1)


def test_batch_norm_against_its_dense_jacobian():
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(5).eval()
    norm.weight.data, norm.running_var = torch.randn(5), 0.1 + torch.rand(5)
    assert norm_constant(norm) == pytest.approx(dense_norm(norm, (5, 3, 3)), rel=1e-5)


def test_group_norm_by_hand():
    norm = nn.GroupNorm(2, 4)
    norm.weight.data = torch.tensor([1.0, -3.0, 2.0, 0.5])
    variance = torch.tensor([9.0, 0.25])
    expected = max(3 / math.sqrt(9 + 1e-5), 2 / math.sqrt(0.25 + 1e-5))
    assert norm_constant(norm, variance) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(SettingError, match="give group_variance"):
        norm_constant(norm)


def test_the_variance_of_groups_is_measured_on_the_probe():
    torch.manual_seed(0)
    model, beats = ResNet(64, 2), torch.randn(6, 1, 187)
    first, second = observe(model, beats)
    seen = first["features.0.residual.0"]
    given = model.downsampling(beats).detach().numpy().reshape(6, 32, -1)
    np.testing.assert_allclose(seen.group_variance, given.var(-1).mean(0), rtol=1e-4)
    assert seen.shape == second["features.1.residual.5"].shape == (64, 46)


def test_a_block_is_the_product_of_its_layers():
    model = picture_network()
    found = LipschitzEstimator(PROBE, iterations=600).per_block(model)
    blocks = [block for _, block in residual_blocks(model)]
    sizes = [(16, 8), (16, 8), (16, 8), (32, 4), (32, 4), (64, 2)]
    assert len(found) == len(blocks) == 6
    for value, block, (channels, points) in zip(found, blocks, sizes, strict=True):
        first, first_norm, _, second, second_norm = block.residual.eval()
        middle = (first.out_channels, -(-points // first.stride[0]))
        shapes = [(channels, points, points), (middle[0], middle[1], middle[1])]
        expected = dense_norm(first, shapes[0]) * dense_norm(first_norm, shapes[1])
        expected *= dense_norm(second, shapes[1]) * dense_norm(second_norm, shapes[1])
        assert value == pytest.approx(expected, rel=2e-3)


def test_the_estimate_bounds_what_a_residual_does():
    model = picture_network().eval()
    bounds = LipschitzEstimator(PROBE, iterations=200).per_block(model)
    steepest = 0.0
    for (_, block), bound in zip(residual_blocks(model), bounds, strict=True):
        y = torch.randn(200, block.residual[0].in_channels, 4, 4)
        near = y + 1e-2 * torch.randn_like(y)
        with torch.no_grad():
            rise = (block.residual(near) - block.residual(y)).flatten(1).norm(dim=1)
        ratio = (rise / (near - y).flatten(1).norm(dim=1)).max().item() / bound
        assert ratio <= 1.001
        steepest = max(steepest, ratio)
    assert steepest > 0.02


@pytest.mark.parametrize("make", [picture_network, lambda: ResNet(8, 3)])
def test_mean_and_maximum_over_the_blocks(make):
    model = make()
    probe = PROBE if isinstance(model, GrowingResNet) else torch.randn(4, 1, 187)
    blocks = LipschitzEstimator(probe).per_block(model)
    assert len(blocks) == len(residual_blocks(model)) and min(blocks) > 0
    mean = LipschitzEstimator(probe).estimate(model)
    assert mean == pytest.approx(np.mean(blocks), rel=1e-12)
    assert LipschitzEstimator(probe, over="max").estimate(model) == max(blocks) > mean


@pytest.mark.parametrize(("layer", "factor"), [(0, 1), (1, 3), (3, 1), (4, 3)])
def test_layers_that_are_stretched_stretch_the_block(layer, factor):
    """Factors of 3: in a norm they reach the estimate, so do those of a convolution."""
    model = picture_network(8)
    before = LipschitzEstimator(PROBE).per_block(model)
    chosen = residual_blocks(model)[1][1].residual[layer]
    chosen.weight.data *= 3
    after = LipschitzEstimator(PROBE).per_block(model)
    assert after[1] == pytest.approx(3 * before[1], rel=1e-4)
    assert after[0] == before[0] and after[2] == before[2]


def test_the_shortcut_is_left_out():
    model = picture_network(8)
    before = LipschitzEstimator(PROBE).per_block(model)
    for _, block in residual_blocks(model):
        for parameter in block.shortcut.parameters():
            parameter.data *= 7
    assert LipschitzEstimator(PROBE).per_block(model) == before


def test_on_beats_the_estimate_follows_the_last_convolution():
    torch.manual_seed(0)
    model, beats = ResNet(8, 1), torch.randn(4, 1, 187)
    before = LipschitzEstimator(beats).estimate(model)
    model.features[0].residual[5].weight.data *= 3
    assert LipschitzEstimator(beats).estimate(model) == pytest.approx(3 * before, rel=1e-5)


def test_nothing_is_disturbed():
    model = picture_network(8).train()
    model.stem.eval()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    LipschitzEstimator(PROBE).estimate(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training and model.stages.training and not model.stem[1].training
    assert all(torch.equal(weights[name], t) for name, t in model.state_dict().items())
    assert not any(layer._forward_pre_hooks for layer in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_the_same_every_time_and_closer_at_every_call():
    model = picture_network(8)
    first, second = LipschitzEstimator(PROBE), LipschitzEstimator(PROBE)
    values = [first.estimate(model) for _ in range(4)]
    assert [second.estimate(model) for _ in range(4)] == values
    true = LipschitzEstimator(PROBE, iterations=600).estimate(model)
    assert values == sorted(values) and values[0] == pytest.approx(true, rel=0.01)
    assert LipschitzEstimator(PROBE, seed=1).estimate(model) != values[0]


@pytest.mark.parametrize("depth", [8, 14])
def test_a_grown_network_is_estimated_from_the_start(depth):
    model = picture_network(depth)
    estimator = LipschitzEstimator(PROBE)
    estimator.estimate(model)
    grow(model)
    assert estimator.per_block(model) == LipschitzEstimator(PROBE).per_block(model)


def test_an_interrupted_run_goes_on_to_the_last_bit():
    def train(model):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.1)

    model, estimator = picture_network(8), LipschitzEstimator(PROBE)
    estimator.estimate(model)
    file = io.BytesIO()
    torch.save(estimator.state_dict(), file)
    train(model)
    expected = [estimator.estimate(model), estimator.per_block(model)]
    file.seek(0)
    resumed = LipschitzEstimator(PROBE)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert [resumed.estimate(model), resumed.per_block(model)] == expected
    assert LipschitzEstimator(PROBE).estimate(model) != expected[0]


def test_settings_and_networks_that_cannot_be():
    with pytest.raises(SettingError, match=r"over='median'.*mean, max"):
        LipschitzEstimator(PROBE, over="median")
    with pytest.raises(SettingError, match="iterations=0"):
        LipschitzEstimator(PROBE, iterations=0)
    with pytest.raises(SettingError, match="ODENet has no residual blocks"):
        LipschitzEstimator(torch.randn(2, 1, 187)).estimate(ODENet(8, method="euler"))
    model = GrowingResNet(8)
    model.stages[1][0].residual[2] = nn.Sigmoid()
    with pytest.raises(SettingError, match=r"stages.1.0.residual.2 is a Sigmoid"):
        LipschitzEstimator(PROBE).estimate(model)
    assert not any(layer._forward_pre_hooks for layer in model.modules())
