"""The optimiser and the course of its learning rate."""

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, LambdaLR, LRScheduler, OneCycleLR

from ecglab.models.growth import cosine_rate
from ecglab.training.settings import TrainSettings


def make_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """Stochastic gradient descent over the model's parameters, with an empty momentum."""
    return torch.optim.SGD(
        model.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
    )


def make_scheduler(
    optimizer: torch.optim.Optimizer, settings: TrainSettings, batches: int, *, start: int = 0
) -> LRScheduler:
    """The learning rate, stepped once a batch, of which an epoch has ``batches``.

    The cosine begins at epoch ``start``, and keeps its rate through an epoch as Dong et al. (2020)
    do.
    """
    if settings.schedule == "one-cycle":
        return OneCycleLR(
            optimizer,
            settings.learning_rate,
            total_steps=settings.epochs * batches,
            cycle_momentum=False,
        )
    if settings.schedule == "cosine":

        def share(step: int) -> float:
            epoch = min(start + step // batches, settings.epochs - 1)
            rate = cosine_rate(
                epoch,
                start=start,
                epochs=settings.epochs,
                highest=settings.learning_rate,
                lowest=settings.lowest_rate,
            )
            return rate / settings.learning_rate

        return LambdaLR(optimizer, share)
    return ConstantLR(optimizer, factor=1.0, total_iters=0)
