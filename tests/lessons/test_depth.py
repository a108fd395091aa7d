"""What depth does: balanced parts, gradients and states, each by a second route."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn.functional import cross_entropy

from ecglab.errors import DataError
from ecglab.lessons import depth, depth_figures
from ecglab.models import ResNet


@pytest.fixture
def network():
    torch.manual_seed(3)
    return ResNet(width=8, blocks=3, stem="strided")


@pytest.fixture
def values():
    return torch.randn(6, 1, 187, generator=torch.Generator().manual_seed(4))


LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


def test_balanced_parts_are_balanced_and_disjoint(simulated):
    train, held = depth.balanced_parts(simulated, 6, 2, seed=1)
    assert set(train.counts().values()) == {6}
    assert set(held.counts().values()) == {2}

    def traced(beats):
        return set(zip(beats.records.tolist(), beats.samples.tolist(), strict=True))

    assert not traced(train) & traced(held)
    again, _ = depth.balanced_parts(simulated, 6, 2, seed=1)
    assert np.array_equal(train.values, again.values)


def test_balanced_parts_say_what_is_missing(simulated):
    with pytest.raises(DataError, match="ask for fewer"):
        depth.balanced_parts(simulated, 10_000, 1)


def test_without_shortcuts_only_the_sum_is_gone(network, values):
    y = network.downsampling(values)
    block = network.features[0]
    with_shortcut = block(y)
    count = sum(p.numel() for p in network.parameters())
    plain = depth.without_shortcuts(network)
    assert torch.equal(with_shortcut, y + plain.features[0](y))
    assert sum(p.numel() for p in plain.parameters()) == count


def test_gradient_norm_agrees_with_a_finite_difference(network, values):
    network, values = network.double(), values.double()
    norms = depth.gradient_norms(network, values, LABELS)
    assert all(p.grad is None for p in network.parameters())
    block = list(network.features[1].parameters())
    gradients = torch.autograd.grad(cross_entropy(network(values), LABELS), block)
    size = torch.cat([g.flatten() for g in gradients]).norm()
    eps = 1e-5

    def loss_along(amount):
        with torch.no_grad():
            for p, g in zip(block, gradients, strict=True):
                p += amount * g / size
            return float(cross_entropy(network(values), LABELS))

    ahead = loss_along(eps)
    behind = loss_along(-2 * eps)
    assert norms[1] == pytest.approx((ahead - behind) / (2 * eps), rel=1e-4)


def test_hidden_states_lead_to_the_networks_answer(network, values):
    states = depth.hidden_states(network, values)
    assert states.shape == (4, 6, 8, 46)
    with torch.inference_mode():
        assert torch.equal(network.head(states[-1]), network(values))


def test_relative_changes_of_known_states():
    states = torch.ones(3, 2, 4, 5) * torch.tensor([1.0, 1.5, 3.0])[:, None, None, None]
    assert depth.relative_changes(states) == pytest.approx(np.array([[0.5, 0.5], [1.0, 1.0]]))


def test_principal_plane_agrees_with_scikit_learn(network, values):
    states = depth.hidden_states(network, values)
    points, shares = depth.principal_plane(states)
    pca = PCA(2).fit(states.mean(3).reshape(-1, 8).double().numpy())
    theirs = pca.transform(states.mean(3).reshape(-1, 8).double().numpy()).reshape(4, 6, 2)
    assert np.abs(points) == pytest.approx(np.abs(theirs), abs=1e-9)
    assert shares == pytest.approx(pca.explained_variance_ratio_)


def test_class_separation_knows_both_ends():
    labels = np.array([0, 0, 1, 1])
    apart = torch.tensor([1.0, 1.0, -1.0, -1.0])
    mixed = torch.tensor([1.0, -1.0, 1.0, -1.0])
    states = torch.stack([apart, mixed])[:, :, None, None].expand(2, 4, 3, 5)
    assert depth.class_separation(states, labels) == pytest.approx([1, 0])


def test_figures_show_what_they_tell(network, values):
    losses = {"plain": [0.9, 1.6], "residual": [0.8, 0.7]}
    figure, alt = depth_figures.degradation_figure((2, 16), losses, losses, guess=1.61)
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.9, 1.6]
    assert "residual networks on training beats: 0.80, 0.70" in alt
    _, alt = depth_figures.gradient_figure({"plain": [8.0, 4.0, 2.0], "residual": [1.0, 1.0, 1.0]})
    assert "plain: 8 in the first block, 2 in the last, a ratio of 4" in alt
    states = depth.hidden_states(network, values)
    _, alt = depth_figures.states_figure(states, LABELS.numpy())
    assert "Paths of 6 beats through 3 blocks" in alt
    figure, alt = depth_figures.steps_figure(states, LABELS.numpy())
    changes = depth.relative_changes(states)
    assert figure.axes[0].lines[1].get_ydata() == pytest.approx(changes[:, 1])
    assert f"{np.median(changes[0]):.2f}" in alt
