"""One batch through a network: the loss to descend, eager or as one compiled graph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ecglab.training.settings import Precision, TrainSettings

Scored = tuple[Tensor, Tensor]  # mean cross-entropy, number of right predictions
Forward = Callable[[Float[Tensor, "batch ..."], Int[Tensor, " batch"]], Scored]


def make_forward(
    model: nn.Module,
    settings: TrainSettings,
    device: torch.device,
    *,
    processes: int = 1,
    adjustment: Float[Tensor, " classes"] | None = None,
) -> Forward:
    """``forward(values, labels)``: mean cross-entropy and number of right predictions.

    Compiled, network and loss are one graph for full batches, replayed as a CUDA graph where there
    is CUDA; a last batch that is smaller runs eagerly, since it would have to be compiled anew.
    ``adjustment`` is added to the logits.
    """

    def eager(values: Tensor, labels: Tensor) -> Scored:
        with torch.autocast(
            device.type, dtype=torch.bfloat16, enabled=settings.precision == "bfloat16"
        ):
            logits = model(values)
        logits = logits.float()
        if adjustment is not None:
            logits = logits + adjustment
        with torch.no_grad():
            correct = (logits.argmax(1) == labels).sum()
        return cross_entropy(logits, labels), correct

    if not settings.compile:
        return eager
    mode = "reduce-overhead" if device.type == "cuda" else None
    compiled = torch.compile(eager, dynamic=False, mode=mode)

    def forward(values: Tensor, labels: Tensor) -> Scored:
        if len(labels) * processes != settings.batch_size:
            return eager(values, labels)
        if device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        return compiled(values, labels)

    return forward


@contextmanager
def tensor_cores(precision: Precision) -> Iterator[None]:
    """Let CUDA multiply in TF32 while the context is open, unless ``precision`` is float32."""
    matmul, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    allowed = precision != "float32"
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution
