"""The shared layers: lengths, normalisation and the head against plain formulas."""

import pytest
import torch
from torch import nn

from ecglab.errors import SettingError
from ecglab.models.layers import downsampling, head, norm


def lengths(layers: nn.Sequential) -> list[int]:
    """Length of the signal after each layer, repeated ones left out."""
    y = torch.randn(2, 1, 187)
    found = [y.shape[-1]]
    for layer in layers:
        y = layer(y)
        if y.shape[-1] != found[-1]:
            found.append(y.shape[-1])
    return found


def test_the_wide_stem_halves_twice():
    assert lengths(downsampling(64, "strided")) == [187, 185, 92, 46]


def test_the_narrow_stem_pools_once_without_parameters():
    stem = downsampling(32, "pooled")
    assert lengths(stem) == [187, 185, 92]
    assert sum(p.numel() for p in stem.parameters()) == 32 * 3 + 32 + 2 * 32


@pytest.mark.parametrize(("width", "length"), [(64, 46), (128, 46), (32, 92), (8, 92)])
def test_the_width_chooses_the_founding_stem(width, length):
    assert lengths(downsampling(width, None))[-1] == length


@pytest.mark.parametrize("width", [1, 5, 32, 64, 96])
def test_norm_gives_every_group_of_a_beat_mean_zero_and_variance_one(width):
    y = 3 * torch.randn(4, width, 50, dtype=torch.float64) + 7
    groups = norm(width).double()(y).reshape(4, min(32, width), -1)
    torch.testing.assert_close(groups.mean(-1), torch.zeros_like(groups[..., 0]), atol=1e-9, rtol=0)
    spread = groups.var(-1, correction=0)
    torch.testing.assert_close(spread, torch.ones_like(spread), atol=1e-4, rtol=0)


def test_the_head_is_a_linear_map_of_the_mean_over_time():
    layers = head(8, 5).double()
    y = torch.randn(3, 8, 11, dtype=torch.float64)
    linear = layers[-1]
    mean = torch.relu(layers[0](y)).mean(-1)
    torch.testing.assert_close(layers(y), mean @ linear.weight.T + linear.bias)


@pytest.mark.parametrize("width", [0, -1, 33, 50])
def test_a_width_that_cannot_be_grouped_is_refused(width):
    with pytest.raises(SettingError, match=rf"width={width} .*multiple of 32"):
        downsampling(width, None)


def test_an_unknown_stem_is_refused():
    with pytest.raises(SettingError, match=r"stem='flat'.*'strided' or 'pooled'"):
        downsampling(8, "flat")
