"""The founding code computes what our modules compute, by the calls of its time."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from ecglab.models import ODENet
from ecglab.training.founding import founding_epoch, founding_odenet
from ecglab.training.meters import evaluations, parameter_count


@pytest.mark.parametrize("width", [8, 64])
def test_it_is_the_odenet_as_it_stands(width):
    torch.manual_seed(0)
    ours = ODENet(width).double()  # beside a kink of a ReLU float32 would tell roundings apart
    theirs = founding_odenet(ours)
    beats, labels = torch.randn(4, 1, 187).double(), torch.tensor([0, 1, 2, 3])
    found = []
    for model in (ours, theirs):
        logits = model(beats)
        cross_entropy(logits, labels).backward()
        found.append([logits.detach(), *(p.grad for p in model.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-6)
    assert evaluations(theirs) == evaluations(ours)
    assert min(evaluations(theirs)) > 6
    assert parameter_count(theirs) == parameter_count(ours)


def test_the_copy_has_weights_of_its_own():
    ours = ODENet(8)
    before = {name: t.clone() for name, t in ours.state_dict().items()}
    theirs = founding_odenet(ours)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(1.0)
    for name, t in ours.state_dict().items():
        assert torch.equal(t, before[name])


def test_an_epoch_is_plain_gradient_descent():
    """On a linear classifier of two batches, against the steps written out."""
    torch.manual_seed(0)
    values, labels = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 1, 0])
    model = nn.Linear(3, 2)
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    loader = DataLoader(TensorDataset(values, labels), batch_size=3)
    mean = founding_epoch(model, loader, optimizer, torch.device("cpu"))
    losses = []
    for x, y in ((values[:3], labels[:3]), (values[3:], labels[3:])):
        probabilities = torch.softmax(x @ weight.T + bias, 1)
        losses.append(-probabilities[range(3), y].log().mean())
        slope = (probabilities - nn.functional.one_hot(y, 2)) / 3
        weight, bias = weight - 0.5 * slope.T @ x, bias - 0.5 * slope.sum(0)
    torch.testing.assert_close(model.weight.detach(), weight)
    torch.testing.assert_close(model.bias.detach(), bias)
    assert mean == pytest.approx(float(sum(losses)) / 2, rel=1e-5)
