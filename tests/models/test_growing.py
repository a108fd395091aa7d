"""Networks that grow: sizes, order of the clones, and what growth leaves as it was."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from ecglab.errors import SettingError
from ecglab.models import ODENet, ResNet
from ecglab.models.catalogue import build
from ecglab.models.growing import (
    SCALINGS,
    BasicBlock,
    GrowingResNet,
    block_count,
    blocks_of,
    depth_of,
    grow,
    grow_to,
    grown_depth,
    multiply_accumulates,
    residual_blocks,
)

DEPTHS = (8, 14, 20, 26, 38, 50, 74)
PARAMETERS = {
    3: (77_717, 174_933, 272_149, 369_365, 563_797, 758_229, 1_147_093),
    1: (77_429, 174_645, 271_861, 369_077, 563_509, 757_941, 1_146_805),
}


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def random_norms(model: nn.Module) -> None:
    """Batch norms as after training: every number of them is its own."""
    generator = torch.Generator().manual_seed(1)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                tensor.data = 0.5 + torch.rand(tensor.shape, generator=generator)


def constant_residuals(model: nn.Module) -> None:
    """Every residual becomes a constant, whatever it is given, and another in every block."""
    for i, (_, block) in enumerate(residual_blocks(model)):
        norm = block.residual[-1] if isinstance(block, BasicBlock) else block.residual[3]
        nn.init.zeros_(norm.weight)
        nn.init.constant_(norm.bias, 0.1 + 0.03 * i)


@pytest.mark.parametrize("channels", PARAMETERS)
@pytest.mark.parametrize("i", range(len(DEPTHS)), ids=map(str, DEPTHS))
def test_parameter_counts(i, channels):
    model = GrowingResNet(DEPTHS[i], channels=channels)
    assert count(model) == PARAMETERS[channels][i]
    assert model.depth == DEPTHS[i] and len(model.stages) == 3


@pytest.mark.parametrize(
    ("depth", "millions"),
    [(14, 26.7), (20, 40.8), (26, 55.0), (38, 83.3), (50, 111.6), (74, 168.2)],
)
def test_multiply_accumulates(depth, millions):
    found = multiply_accumulates(GrowingResNet(depth, channels=3), (3, 32, 32))
    assert round(found / 1e6, 1) == millions
    n = blocks_of(depth)
    # Half the points a side, twice the channels: a convolution costs the same in every stage.
    same = 9 * 16 * 16 * 32 * 32
    stem, linear = 9 * 3 * 16 * 32 * 32, 64 * 5
    narrowed = same // 2 + same // 18  # the first convolution of a later stage and its shortcut
    by_hand = stem + (2 * n + 2 * (2 * n - 1)) * same + 2 * narrowed + linear
    assert found == by_hand


def test_a_quarter_of_the_points_is_a_quarter_of_the_work():
    model = GrowingResNet()
    linear = 64 * 5
    whole, part = (multiply_accumulates(model, (1, size, size)) - linear for size in (32, 16))
    assert whole == 4 * part


def test_counting_leaves_the_model_alone():
    model = GrowingResNet(8).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    multiply_accumulates(model, (1, 16, 16))
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("inputs", "width"), [(3, 3), (3, 6)])
@pytest.mark.parametrize("size", [8, 7])
def test_a_block_is_its_formula(inputs, width, size):
    torch.manual_seed(0)
    block = BasicBlock(inputs, width).eval()
    random_norms(block)
    y = torch.randn(2, inputs, size, size)
    stride = 1 if inputs == width else 2

    def normed(y, weight, norm, **how):
        y = functional.conv2d(y, weight, **how)
        y = (y - norm.running_mean[:, None, None]) / (norm.running_var + 1e-5).sqrt()[:, None, None]
        return norm.weight[:, None, None] * y + norm.bias[:, None, None]

    first, first_norm, _, second, second_norm = block.residual
    f = normed(y, first.weight, first_norm, stride=stride, padding=1).clamp(min=0)
    f = normed(f, second.weight, second_norm, padding=1)
    kept = normed(y, block.shortcut[0].weight, block.shortcut[1], stride=2) if stride == 2 else y
    torch.testing.assert_close(block(y), (kept + f).clamp(min=0))


@pytest.mark.parametrize("size", [4, 16, 32, 33])
def test_pictures_of_several_sizes_and_a_picture_alone(size):
    torch.manual_seed(0)
    model, pictures = GrowingResNet(14).eval(), torch.randn(5, 1, size, size)
    with torch.inference_mode():
        scores = model(pictures)
        torch.testing.assert_close(scores[2:3], model(pictures[2:3]), atol=1e-5, rtol=0)
    assert scores.shape == (5, 5)


@pytest.mark.parametrize("shape", [(3, 3), (2, 32), (32, 1)])
def test_a_picture_that_is_too_small(shape):
    with pytest.raises(SettingError, match=rf"{shape[0]} x {shape[1]} is too small.*4 x 4"):
        GrowingResNet(8)(torch.zeros(2, 1, *shape))


@pytest.mark.parametrize("depth", [2, 0, -4, 7, 12, 18, 50.0, "14"])
def test_a_depth_that_cannot_be(depth):
    with pytest.raises(SettingError, match=r"not 6n \+ 2: expected 8, 14"):
        GrowingResNet(depth)


@given(st.integers(1, 10_000))
def test_depths_and_blocks(blocks):
    depth = depth_of(blocks)
    assert depth == 6 * blocks + 2 and blocks_of(depth) == blocks
    assert grown_depth(depth) == depth_of(2 * blocks) == 2 * depth - 2


@pytest.mark.parametrize(
    ("n", "order"),
    [(2, [0, 1, 1, 1]), (3, [0, 1, 1, 1, 2, 2]), (4, [0, 1, 1, 1, 2, 2, 3, 3])],
)
def test_order_of_the_clones(n, order):
    model = GrowingResNet(depth_of(n))
    for stage in model.stages:
        for i, block in enumerate(stage):
            nn.init.constant_(block.residual[0].weight, i)
    grow(model, scaling="none")
    for stage in model.stages:
        assert [block.residual[0].weight.unique().item() for block in stage] == order
        assert all(isinstance(block.shortcut, nn.Identity) for block in stage[1:])


def test_order_of_the_clones_on_beats():
    model = ResNet(8, 3)
    for i, block in enumerate(model.features):
        nn.init.constant_(block.residual[2].weight, i)
    grow(model, scaling="none")
    found = [block.residual[2].weight.unique().item() for block in model.features]
    assert found == [0, 0, 1, 1, 2, 2] and block_count(model) == 6


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(
    "make", [lambda: GrowingResNet(8), lambda: GrowingResNet(20), lambda: ResNet(8, 2)]
)
def test_clones_share_no_storage(make, scaling):
    model = make()
    grow(model, scaling=scaling)
    grow(model, scaling=scaling)
    tensors = [
        *model.named_parameters(remove_duplicate=False),
        *model.named_buffers(remove_duplicate=False),
    ]
    places = {tensor.untyped_storage().data_ptr() for _, tensor in tensors}
    assert len(places) == len(tensors)


@pytest.mark.parametrize("depth", [8, 14, 20])
def test_a_grown_network_is_one_of_that_depth(depth):
    model = GrowingResNet(depth)
    for _ in range(2):
        wanted = GrowingResNet(grown_depth(model.depth))
        grow(model)
        assert model.depth == wanted.depth and block_count(model) == block_count(wanted)
        found = {name: tensor.shape for name, tensor in model.state_dict().items()}
        assert found == {name: tensor.shape for name, tensor in wanted.state_dict().items()}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("depth", [8, 14, 26])
def test_blocks_that_add_nothing_still_add_nothing(depth, scaling, training):
    torch.manual_seed(0)
    model = GrowingResNet(depth)
    for _, block in residual_blocks(model):
        nn.init.zeros_(block.residual[-1].weight)
    model.train(training)
    x = torch.randn(4, 1, 16, 16)
    before = model(x)
    grow(model, scaling=scaling)
    assert model.training is training
    assert torch.equal(model(x), before)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("depth", [14, 20, 26])
def test_dividing_keeps_the_sum_of_the_residuals(depth, training):
    torch.manual_seed(0)
    model = GrowingResNet(depth).train(training)
    constant_residuals(model)
    x = torch.randn(4, 1, 16, 16)
    before = model(x)
    grow(model)
    torch.testing.assert_close(model(x), before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("scaling", "three", "two"),
    [("divide", 1, 1), ("published", 3 * 2**-1.5, 1), ("none", 3, 2)],
)
def test_what_each_scaling_makes_of_the_sum(scaling, three, two):
    model = GrowingResNet(20).eval()
    constant_residuals(model)
    grow(model, scaling=scaling)
    added = model.stages[0](torch.zeros(1, 16, 8, 8)).unique()
    expected = 0.1 + three * 0.13 + two * 0.16
    torch.testing.assert_close(added, torch.full_like(added, expected))


def test_the_published_scaling_touches_convolutions_too():
    model = GrowingResNet(20)
    before = [block.residual[0].weight.clone() for block in model.stages[1]]
    kept = [block.residual[1].weight.clone() for block in model.stages[1]]
    grow(model, scaling="published")
    after = model.stages[1]
    for old, new, factor in ((0, 0, 1), (1, 3, 2**-1.5), (2, 5, 0.5)):
        torch.testing.assert_close(after[new].residual[0].weight, factor * before[old])
        assert torch.equal(after[new].residual[1].weight, kept[old])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_lone_block_gets_one_that_adds_nothing_yet_and_learns(scaling, training):
    torch.manual_seed(0)
    model = GrowingResNet(8).train(training)
    random_norms(model)
    x = torch.randn(4, 1, 16, 16)
    before = model(x)
    grow(model, scaling=scaling)
    assert torch.equal(model(x), before)
    model(x).square().sum().backward()
    for stage in model.stages:
        assert stage[1].training is training
        assert stage[1].residual[-1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("scaling", "factor"), [("divide", 1), ("published", 1), ("none", 2)])
def test_the_sum_of_the_residuals_on_beats(scaling, factor):
    torch.manual_seed(0)
    model = ResNet(8, 3).double()
    constant_residuals(model)
    y = torch.randn(2, 8, 92, dtype=torch.float64)
    added = model.features(y) - y
    assert added.abs().min() > 0
    grow(model, scaling=scaling)
    torch.testing.assert_close(model.features(y) - y, factor * added)


def test_half_the_step_tends_to_the_same_solution():
    """Each growth halves the step of y' = F(y): the change it makes halves with it, about."""
    torch.manual_seed(0)
    model = ResNet(8, 2).double()
    for block in model.features[1:]:
        block.load_state_dict(model.features[0].state_dict())
    y = torch.randn(2, 8, 40, dtype=torch.float64)
    states = [model.features(y)]
    for _ in range(7):
        grow(model)
        states.append(model.features(y))
    changes = [(b - a).norm().item() for a, b in pairwise(states)]
    assert changes[-1] / changes[-2] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("make", [lambda: GrowingResNet(8), lambda: ResNet(8, 3)])
def test_a_grown_network_is_rebuilt_to_the_last_bit(make):
    torch.manual_seed(0)
    model = make()
    grow(model)
    grow(model)
    model.eval()
    again = make().eval()
    grow_to(again, block_count(model))
    again.load_state_dict(model.state_dict())
    x = torch.randn(3, 1, 16, 16) if isinstance(model, GrowingResNet) else torch.randn(3, 1, 187)
    assert torch.equal(again(x), model(x))


def test_growth_keeps_the_number_type_and_trains():
    model = GrowingResNet(8).double()
    grow(model)
    grow(model)
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    pictures = [p for p in model.parameters() if p.ndim == 4]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in pictures)
    model(torch.randn(2, 1, 8, 8, dtype=torch.float64)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("blocks", [0, 1, 3, 5, 6, -4])
def test_a_size_out_of_reach(blocks):
    with pytest.raises(SettingError, match=f"2 blocks cannot be doubled into {blocks}"):
        grow_to(GrowingResNet(14), blocks)


def test_what_cannot_grow_says_so():
    for use in (grow, block_count, lambda model: grow_to(model, 2)):
        with pytest.raises(SettingError, match=r"ODENet has no blocks .*GrowingResNet or a"):
            use(ODENet(8))
    with pytest.raises(SettingError, match=r"scaling='half'.*divide, published, none"):
        grow(GrowingResNet(8), scaling="half")


def test_it_is_built_by_name():
    model = build("growing-resnet", depth=20, channels=3)
    assert isinstance(model, GrowingResNet) and model.depth == 20
    with pytest.raises(SettingError, match=r"growing-resnet cannot be built.*width"):
        build("growing-resnet", width=16)
