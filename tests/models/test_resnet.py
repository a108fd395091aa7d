"""The residual network: parameter counts by hand, a block as an Euler step, single beats."""

import pytest
import torch

from ecglab.errors import SettingError
from ecglab.models import ResNet
from ecglab.models.resnet import ResidualBlock
from ecglab.models.tableaus import EULER, runge_kutta_step


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def conv(inputs: int, outputs: int, kernel: int, bias: bool = True) -> int:
    return inputs * outputs * kernel + bias * outputs


def residual_network(c: int, blocks: int, *, strided: bool) -> int:
    """Parameters counted from the layout in words."""
    stem = conv(1, c, 3) + 2 * c
    if strided:
        stem += conv(c, c, 4) + 2 * c + conv(c, c, 4)
    block = 2 * (2 * c + conv(c, c, 3, bias=False))
    return stem + blocks * block + 2 * c + 5 * c + 5


@pytest.mark.parametrize(
    ("options", "published", "by_hand"),
    [
        ({}, 182_853, residual_network(64, 6, strided=True)),
        ({"width": 32}, 19_237, residual_network(32, 3, strided=False)),
        ({"width": 8, "blocks": 2, "stem": "strided"}, None, residual_network(8, 2, strided=True)),
    ],
)
def test_parameter_counts(options, published, by_hand):
    assert count(ResNet(**options)) == by_hand == (published or by_hand)


@pytest.mark.parametrize(("width", "expected"), [(64, 24_832), (32, 6_272)])
def test_parameters_of_a_block(width, expected):
    assert count(ResidualBlock(width)) == expected


def test_features_run_at_46_points():
    model = ResNet().eval()
    assert model.downsampling(torch.randn(2, 1, 187)).shape == (2, 64, 46)
    assert model(torch.randn(2, 1, 187)).shape == (2, 5)


def test_a_block_is_an_euler_step_to_the_last_bit():
    block = ResidualBlock(8)
    y = torch.randn(3, 8, 20)
    step = runge_kutta_step(EULER, lambda t, y: block.residual(y), 0.0, y, 1.0)
    assert torch.equal(block(y), step)


def test_a_beat_alone_is_scored_as_in_a_batch():
    torch.manual_seed(0)
    model, beats = ResNet(width=32).eval(), torch.randn(9, 1, 187)
    with torch.inference_mode():
        torch.testing.assert_close(model(beats)[4:5], model(beats[4:5]), atol=1e-5, rtol=0)


def test_gradients_agree_with_finite_differences():
    torch.manual_seed(0)
    block = ResidualBlock(2).double()
    y = torch.randn(1, 2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (y,))


@pytest.mark.parametrize("blocks", [0, -2])
def test_no_blocks_are_refused(blocks):
    with pytest.raises(SettingError, match=f"blocks={blocks}"):
        ResNet(blocks=blocks)


def reach(model, length=187):
    """How far apart the first and the last point are that a feature in the middle depends on."""
    features = model.features.double()
    y = torch.randn(1, model.head[0].num_channels, length, dtype=torch.float64)
    convolutions = [m for m in features.modules() if isinstance(m, torch.nn.Conv1d)]
    for module in features.modules():  # norms see every point: leave convolutions alone
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = lambda x: x
    y.requires_grad_()
    features(y)[0, :, length // 2].sum().backward()
    seen = y.grad[0].abs().sum(0).nonzero().flatten()
    return int(seen[-1] - seen[0]), len(convolutions)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"width": 32}, 2 * 2 * (2 + 4 + 8)),
        ({"width": 32, "dilation": (1, 1, 1)}, 2 * 2 * 3),
        ({}, 2 * 2 * 6),
    ],
)
def test_dilation_lets_the_narrow_network_see_far_without_parameters(options, expected):
    torch.manual_seed(0)
    model = ResNet(**options)
    found, convolutions = reach(model)
    assert found == expected
    assert convolutions == 2 * len(model.features)
    assert count(ResNet(**options)) == count(ResNet(options.get("width", 64)))


@pytest.mark.parametrize("dilation", [(1, 2), (1, 0, 1), ()])
def test_a_dilation_that_does_not_suit_the_blocks_is_refused(dilation):
    with pytest.raises(SettingError, match="does not suit 3 blocks"):
        ResNet(width=32, dilation=dilation)
