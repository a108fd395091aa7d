"""Write training states and weights so that nothing is ever half there, and read them safely."""

import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ecglab.errors import DataError
from ecglab.files import write_atomically


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Store a state of tensors, numbers, strings, lists and dictionaries."""
    write_atomically(path, lambda part: torch.save(state, part))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint without running any code that it may hold."""
    try:
        with zipfile.ZipFile(path) as archive:  # torch itself passes over wrong checksums
            damaged = archive.testzip()
        state = None if damaged else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a damaged or a foreign file
        raise DataError(
            f"{path} is not a checkpoint of ecglab ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}); move it away to train from the start."
        ) from error
    if not isinstance(state, dict):
        found = f"{damaged} is damaged" if damaged else f"it holds a {type(state).__name__}"
        raise DataError(
            f"{path} is not a checkpoint of ecglab ({found}); move it away to train from the start."
        )
    return state


def save_weights(model: nn.Module, path: Path) -> None:
    """Store a model's weights as safetensors."""
    state = model.state_dict().items()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state}
    write_atomically(path, lambda part: save_file(tensors, part))


def load_weights(model: nn.Module, path: Path) -> None:
    """Put stored weights into a model; raise DataError where they do not fit."""
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError as error:
        raise DataError(f"No weights at {path}: name a .safetensors file that exists.") from error
    except (SafetensorError, RuntimeError) as error:
        raise DataError(
            f"The weights in {path} do not fit this model "
            f"({' '.join(str(error).split())[:200]}); build the model they were trained with."
        ) from error
