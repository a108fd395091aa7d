"""How fast a batch could be at best: its arithmetic, its traffic, and what the device reaches.

The roofline of S. Williams, A. Waterman, D. Patterson (2009): a computation takes at least the
time of its floating-point operations at the device's rate, and at least the time of its traffic at
the device's bandwidth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from ecglab.training.costs import seconds_of
from ecglab.training.settings import Precision

MATRIX: Final = 2048  # rows and columns of the product that measures the arithmetic rate
COPIED: Final = 2**27  # bytes of the copy that measures the bandwidth: more than a cache holds
TRIES: Final = 5


@dataclass(frozen=True)
class Work:
    """Floating-point operations (a multiplication and an addition are two), and bytes.

    ``bytes`` are what convolutions and matrix products read and write; everything between them
    could be fused into them, so that this is the least traffic.
    """

    operations: int
    bytes: int


@dataclass(frozen=True)
class Rate:
    """What the device reached: operations per second, and bytes per second."""

    operations: float
    bytes: float


class Counted(TorchDispatchMode):
    """Sums up the operations and the traffic of convolutions and matrix products while open.

    torch's own `FlopCounterMode` fails inside torchdiffeq's adjoint; its formulas are used here.
    """

    def __init__(self):
        super().__init__()
        self.operations = 0
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        count = flop_registry.get(function._overloadpacket)
        if count is not None:
            self.operations += count(*args, **(kwargs or {}), out_val=result)
            for tensor in tree_leaves((args, kwargs, result)):
                if isinstance(tensor, Tensor):
                    self.bytes += tensor.nbytes
        return result


def work_of(compute: Callable[[], object]) -> Work:
    """Operations and bytes of ``compute()``, a backward pass included; it has to run eagerly."""
    with Counted() as counted:
        compute()
    return Work(counted.operations, counted.bytes)


def measured_rate(device: torch.device | str, precision: Precision) -> Rate:
    """The best of some tries: a large matrix product in ``precision``, and a large copy."""
    device = torch.device(device)
    number = torch.bfloat16 if precision == "bfloat16" else torch.float32
    matrix = torch.ones(MATRIX, MATRIX, dtype=number, device=device)
    source = torch.ones(COPIED // 4, device=device)
    target = torch.empty_like(source)
    product = [seconds_of(lambda: matrix @ matrix, device) for _ in range(TRIES)]
    copy = [seconds_of(lambda: target.copy_(source), device) for _ in range(TRIES)]
    return Rate(2 * MATRIX**3 / min(product), 2 * source.nbytes / min(copy))


def least_seconds(work: Work, rate: Rate) -> float:
    """The floor: no computation of this work can take less time at this rate."""
    return max(work.operations / rate.operations, work.bytes / rate.bytes)
