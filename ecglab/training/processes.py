"""Several processes train one network: each takes its share of every batch.

Torch's DistributedDataParallel averages the gradients. Because a share's loss is weighted by its
size, they are those of one process with the whole batch, whatever the number of processes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ecglab.errors import SettingError


@dataclass(frozen=True)
class Processes:
    """Place of this process among those that train together."""

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.rank == 0

    def share(self, beats: int) -> tuple[slice, float]:
        """This process's part of a batch of so many beats, and the weight of its mean loss.

        Where there are fewer beats than processes some get the first of them at weight 0.
        """
        each, more = divmod(beats, self.count)
        start = self.rank * each + min(self.rank, more)
        stop = start + each + (self.rank < more)
        if start == stop:
            return slice(0, 1), 0.0
        return slice(start, stop), (stop - start) * self.count / beats

    def wrap(self, model: nn.Module) -> nn.Module:
        """The network whose gradients are averaged over all processes."""
        if self.count == 1:
            return model
        if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules()):
            raise SettingError(
                f"{type(model).__name__} normalises by batch, and each of {self.count} processes "
                f"would see another batch: train it in one process."
            )
        return DistributedDataParallel(model)

    def total(self, values: list[Tensor | float | int], device: torch.device) -> list[float]:
        """Sums over all processes."""
        stacked = torch.stack([torch.as_tensor(v, device=device).double() for v in values])
        if self.count > 1:
            dist.all_reduce(stacked)
        return stacked.tolist()


def processes() -> Processes:
    """The place of this process; the only one unless `joined` is open."""
    if dist.is_available() and dist.is_initialized():
        return Processes(dist.get_rank(), dist.get_world_size())
    return Processes()


@contextmanager
def joined(device: str) -> Iterator[str]:
    """Join the processes that ``torchrun`` has started, if it has; yields this one's device."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    cuda = device.startswith("cuda")
    if cuda:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()
