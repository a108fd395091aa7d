"""Networks by name."""

import pytest
import torch

from ecglab.errors import SettingError
from ecglab.models import ODENet, ResNet
from ecglab.models.catalogue import CATALOGUE, build


def test_the_four_networks_have_the_published_sizes():
    counts = {
        name: sum(p.numel() for p in build(network, **options).parameters())
        for name, (network, options) in CATALOGUE.items()
    }
    assert counts == {
        "resnet": 182_853,
        "odenet": 59_333,
        "narrow resnet": 19_237,
        "narrow odenet": 6_885,
    }


def test_building_by_name_is_building_by_class():
    torch.manual_seed(1)
    named = build("odenet", width=8, method="rk4", steps=2).state_dict()
    torch.manual_seed(1)
    direct = ODENet(8, method="rk4", steps=2).state_dict()
    assert all(torch.equal(named[name], direct[name]) for name in direct)
    assert isinstance(build("resnet", width=8), ResNet)


def test_an_unknown_network_is_answered_with_the_known_ones():
    with pytest.raises(SettingError, match=r"'lstm'.*resnet, odenet"):
        build("lstm")


@pytest.mark.parametrize(("network", "option"), [("resnet", "rtol"), ("odenet", "blocks")])
def test_a_foreign_option_is_named(network, option):
    with pytest.raises(SettingError, match=f"{network} cannot be built.*{option}"):
        build(network, **{option: 3})
