"""The founding documents' figures are consistent with each other where they overlap."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from ecglab.data.splits import BALANCED_TEST
from ecglab.lessons.published import (
    PUBLISHED,
    REPORT_CONFUSION,
    accuracy_of_confusion,
    published,
)
from ecglab.models import ODENet, ResNet
from ecglab.training.meters import parameter_count


@pytest.mark.parametrize("network", ["resnet", "odenet"])
def test_report_matrices_give_the_reported_accuracy(network):
    table = np.array(REPORT_CONFUSION[network])
    assert table.sum(1).tolist() == list(BALANCED_TEST.values())
    rows, cols = np.indices(table.shape)
    true, called = np.repeat(rows, table.ravel()), np.repeat(cols, table.ravel())
    assert accuracy_of_confusion(network) == pytest.approx(accuracy_score(true, called))
    assert round(accuracy_of_confusion(network), 3) == published("REPORT", network).accuracy


@pytest.mark.parametrize("result", PUBLISHED, ids=lambda p: f"{p.document} {p.network}")
def test_published_parameters_are_those_of_our_networks(result):
    width = 32 if result.split == "balanced" else 64
    model = {"resnet": ResNet, "odenet": ODENet}[result.network](width=width)
    assert parameter_count(model) == result.parameters
