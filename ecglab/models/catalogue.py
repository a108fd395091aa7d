"""Every network of the course by its name."""

from collections.abc import Callable
from typing import Any, Final

from torch import nn

from ecglab.errors import SettingError
from ecglab.models.growing import GrowingResNet
from ecglab.models.odenet import ODENet
from ecglab.models.resnet import ResNet

NETWORKS: Final[dict[str, Callable[..., nn.Module]]] = {
    "resnet": ResNet,
    "odenet": ODENet,
    "growing-resnet": GrowingResNet,
}
IMAGE_NETWORKS: Final = ("growing-resnet",)  # they see spectrograms, the others beats

# The two pairs of the founding documents: name and the arguments that make it.
CATALOGUE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "resnet": ("resnet", {}),
    "odenet": ("odenet", {}),
    "narrow resnet": ("resnet", {"width": 32}),
    "narrow odenet": ("odenet", {"width": 32}),
}


def build(network: str, **options: Any) -> nn.Module:
    """Build ``"resnet"``, ``"odenet"`` or ``"growing-resnet"`` with its class's arguments."""
    if network not in NETWORKS:
        raise SettingError(f"Unknown network {network!r}: expected one of {', '.join(NETWORKS)}.")
    try:
        return NETWORKS[network](**options)
    except TypeError as error:
        raise SettingError(f"{network} cannot be built with {options}: {error}.") from error
