"""Growth as an event of training: after each epoch measure, decide, and perhaps double."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from ecglab.models.growing import grow
from ecglab.models.growth import GrowthSettings, Trigger
from ecglab.models.lipschitz import LipschitzEstimator


class Grower:
    """Watches a network's Lipschitz constant and doubles its blocks when the trigger says so.

    ``probe`` is a small batch of training examples: it shows the layers what they see.
    """

    def __init__(self, settings: GrowthSettings, *, epochs: int, probe: Float[Tensor, "batch ..."]):
        self.settings = settings
        self.trigger = Trigger(settings, epochs)
        self.estimator = LipschitzEstimator(probe, over=settings.over)

    def after_epoch(self, model: nn.Module, epoch: int) -> tuple[float, bool]:
        """The Lipschitz estimate after ``epoch`` and whether the network has grown now."""
        estimate = self.estimator.estimate(model)
        due = self.trigger.update(epoch, estimate)
        if due:
            grow(model, scaling=self.settings.scaling)
        return estimate, due

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: numbers and tensors."""
        return {"trigger": self.trigger.state(), "estimator": self.estimator.state_dict()}

    def restore(self, state: dict[str, Any], epochs: int) -> None:
        """Go on from the state of a checkpoint."""
        self.trigger = Trigger.from_state(self.settings, epochs, state["trigger"])
        self.estimator.load_state_dict(state["estimator"])
