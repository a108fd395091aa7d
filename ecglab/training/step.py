"""One batch through a network: its logits and its loss, eager or as one compiled graph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ecglab.training.settings import Precision, TrainSettings

Scored = tuple[Tensor, Tensor]  # mean cross-entropy, number of right predictions
Forward = Callable[[Float[Tensor, "batch ..."], Int[Tensor, " batch"]], Scored]
Logits = Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch classes"]]


def fastest_precision(device: torch.device | str) -> Precision:
    """The fastest precision that this device computes in by itself and that keeps accuracy.

    bfloat16 where the processor (AVX-512 BF16, AMX) or the GPU multiplies in it, TF32 on any other
    GPU, else float32: emulated bfloat16 rounds and saves nothing.
    """
    if torch.device(device).type == "cuda":
        own = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if own else "tf32"
    own = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if own else "float32"


def eager_logits(model: nn.Module, precision: Precision, device: torch.device) -> Logits:
    """``logits(values)`` in float32; under bfloat16 autocast where that is the precision."""

    def logits(values: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            found = model(values)
        return found.float()

    return logits


def compiled_for(
    compute: Callable[..., Any], size: float, device: torch.device
) -> Callable[..., Any]:
    """``compute`` as one graph for batches of ``size``, replayed as a CUDA graph on CUDA.

    A last batch that is smaller runs eagerly, since it would have to be compiled anew.
    """
    # Code of its own: torch counts graphs by code, and from the ninth on it would run eagerly.
    own = FunctionType(compute.__code__.replace(), compute.__globals__, closure=compute.__closure__)
    mode = "reduce-overhead" if device.type == "cuda" else None
    compiled = torch.compile(own, dynamic=False, mode=mode)

    def run(values: Tensor, *others: Tensor) -> Any:
        if len(values) != size:
            return compute(values, *others)
        if device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        return compiled(values, *others)

    return run


def make_logits(
    model: nn.Module,
    *,
    batch_size: int,
    precision: Precision = "float32",
    compile: bool = False,
    device: torch.device,
) -> Logits:
    """``logits(values)`` of a network that is only scored; `make_forward` is for training."""
    logits = eager_logits(model, precision, device)
    return compiled_for(logits, batch_size, device) if compile else logits


def make_forward(
    model: nn.Module,
    settings: TrainSettings,
    device: torch.device,
    *,
    processes: int = 1,
    adjustment: Float[Tensor, " classes"] | None = None,
) -> Forward:
    """``forward(values, labels)``: mean cross-entropy and number of right predictions.

    Compiled, network and loss are one graph. ``processes`` share a batch. ``adjustment`` is added
    to the logits.
    """
    logits_of = eager_logits(model, settings.precision, device)

    def eager(values: Tensor, labels: Tensor) -> Scored:
        logits = logits_of(values)
        if adjustment is not None:
            logits = logits + adjustment
        with torch.no_grad():
            correct = (logits.argmax(1) == labels).sum()
        return cross_entropy(logits, labels), correct

    if not settings.compile:
        return eager
    return compiled_for(eager, settings.batch_size / processes, device)


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
