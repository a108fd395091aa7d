"""Measure what a computation costs: memory, and bytes kept for the backward pass."""

import threading
from collections.abc import Callable
from types import TracebackType

import psutil
import torch
from torch import nn


class PeakMemory:
    """Context manager: highest memory in use while it is open, in bytes.

    On CUDA what the allocator handed out; elsewhere the resident size of this process, sampled
    every 10 ms, so that a shorter peak can be missed.
    """

    def __init__(self, device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self.bytes = 0

    def __enter__(self) -> "PeakMemory":
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            self.process = psutil.Process()
            self.bytes = self.process.memory_info().rss
            self.closed = threading.Event()
            self.thread = threading.Thread(target=self.sample, daemon=True)
            self.thread.start()
        return self

    def sample(self) -> None:
        while not self.closed.wait(0.01):
            self.bytes = max(self.bytes, self.process.memory_info().rss)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self.device)
        else:
            self.closed.set()
            self.thread.join()
            self.bytes = max(self.bytes, self.process.memory_info().rss)


def saved_bytes(compute: Callable[[], object]) -> int:
    """Bytes that autograd keeps for the backward pass of ``compute()``; a tensor counts once."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # the tensor itself would hold its own graph in a cycle

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = compute()  # held until the count is read: freed storages could be handed out again
    total = sum(kept.values())
    del result
    return total


def evaluations(model: nn.Module) -> tuple[int, int]:
    """Evaluations of the dynamics in the last solves of a model: (forward, backward)."""
    reports = [block.report for block in model.modules() if hasattr(block, "report")]
    return (
        sum(report.evaluations_forward for report in reports),
        sum(report.evaluations_backward for report in reports),
    )


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
