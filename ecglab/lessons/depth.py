"""What depth does to a network: its gradients, and its state after every block."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ecglab.data.beats import Beats
from ecglab.data.classes import CLASSES
from ecglab.errors import DataError
from ecglab.models import ResNet


def balanced_parts(beats: Beats, train: int, held: int, *, seed: int = 0) -> tuple[Beats, Beats]:
    """Two disjoint parts with ``train`` and ``held`` beats of each class."""
    rng = np.random.default_rng(seed)
    chosen: tuple[list, list] = ([], [])
    for label, name in enumerate(CLASSES):
        places = rng.permutation(np.flatnonzero(beats.labels == label))
        if len(places) < train + held:
            raise DataError(
                f"Class {name} has {len(places)} beats, {train} + {held} of each class are asked "
                f"for: ask for fewer, or give more beats."
            )
        chosen[0].append(places[:train])
        chosen[1].append(places[train : train + held])
    return beats.take(np.concatenate(chosen[0])), beats.take(np.concatenate(chosen[1]))


def without_shortcuts(model: ResNet) -> ResNet:
    """The same network with F(y) for y + F(y) in every block; changes ``model`` and returns it."""
    model.features = nn.Sequential(*(block.residual for block in model.features))
    return model


def gradient_norms(
    model: ResNet,
    values: Float[Tensor, "batch 1 time"],
    labels: Int[Tensor, " batch"],
) -> list[float]:
    """Norm of the loss's gradient by the weights of each block, the first block first."""
    model.zero_grad()
    cross_entropy(model(values), labels).backward()
    norms = [
        float(torch.cat([p.grad.flatten() for p in block.parameters()]).norm())
        for block in model.features
    ]
    model.zero_grad()
    return norms


@torch.inference_mode()
def hidden_states(
    model: ResNet, values: Float[Tensor, "batch 1 time"]
) -> Float[Tensor, "states batch width positions"]:
    """The state before the first block and after each one."""
    model.eval()
    states = [model.downsampling(values)]
    for block in model.features:
        states.append(block(states[-1]))
    return torch.stack(states)


def relative_changes(
    states: Float[Tensor, "states batch width positions"],
) -> Float[np.ndarray, "blocks batch"]:
    """||F(y)|| / ||y|| of each block for each beat: how large a step the block takes."""
    flat = states.flatten(2)
    change = (flat[1:] - flat[:-1]).norm(dim=2) / flat[:-1].norm(dim=2)
    return change.cpu().numpy()


def principal_plane(
    states: Float[Tensor, "states batch width positions"],
) -> tuple[Float[np.ndarray, "states batch 2"], Float[np.ndarray, " 2"]]:
    """The states, averaged over positions, in the plane that shows most of their spread.

    Returns the coordinates and the share of the variance that each of the two axes carries.
    """
    pooled = states.mean(3).cpu().double().numpy()
    flat = pooled.reshape(-1, pooled.shape[2])
    centred = flat - flat.mean(0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    return (centred @ axes[:2].T).reshape(*pooled.shape[:2], 2), shares


def class_separation(
    states: Float[Tensor, "states batch width positions"], labels: Int[np.ndarray, " batch"]
) -> list[float]:
    """Share of the pooled states' variance that lies between the classes, for every state."""
    shares = []
    for pooled in states.mean(3).cpu().double().numpy():
        total = ((pooled - pooled.mean(0)) ** 2).sum()
        between = sum(
            (labels == c).sum() * ((pooled[labels == c].mean(0) - pooled.mean(0)) ** 2).sum()
            for c in np.unique(labels)
        )
        shares.append(float(between / total))
    return shares
