"""What a network is made of: its layers, their outputs and their parameters."""

from dataclasses import dataclass

import torch
from torch import nn

from ecglab.models.odenet import TimeConv1d


@dataclass(frozen=True)
class Layer:
    """One layer: its name in the network, its kind, the shape it gives for one beat."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


def layers(model: nn.Module, *, length: int = 187) -> list[Layer]:
    """The layers of a network on beats in the order in which a beat of ``length`` passes them.

    The layers of an ODE block are passed at every evaluation and listed once.
    """
    parts = [(name, part) for name, part in model.named_modules() if is_layer(part)]
    inside = {id(m) for _, part in parts for m in part.modules() if m is not part}
    found: dict[str, Layer] = {}

    def note(name: str, part: nn.Module):
        def hook(_module, _arguments, output: torch.Tensor) -> None:
            count = sum(p.numel() for p in part.parameters())
            shape = tuple(output.shape[1:])
            found.setdefault(name, Layer(name, type(part).__name__, shape, count))

        return hook

    hooks = [
        part.register_forward_hook(note(name, part))
        for name, part in parts
        if id(part) not in inside
    ]
    try:
        with torch.no_grad():
            model(torch.zeros(1, 1, length))
    finally:
        for hook in hooks:
            hook.remove()
    return list(found.values())


def is_layer(part: nn.Module) -> bool:
    """Whether a module is shown as one layer; a time convolution holds another and is one."""
    return isinstance(part, TimeConv1d) or not any(part.children())
