"""The gradient of the steps themselves at little memory: each step is run again when it is needed.

Source: A. Griewank, A. Walther, Algorithm 799: revolve (2000), in its simplest form.
"""

from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ecglab.errors import SettingError
from ecglab.models.tableaus import Tableau, runge_kutta_step


def integrate_checkpointed(
    tableau: Tableau,
    f: Callable[[Any, Any], Any],
    y0: Float[Tensor, "*state"],
    *,
    t0: float | Float[Tensor, ""] = 0.0,
    t1: float | Float[Tensor, ""] = 1.0,
    steps: int = 1,
) -> Float[Tensor, "*state"]:
    """`integrate`, keeping only the state before each step for the backward pass.

    The backward pass runs every step once more, with a graph, and drops it at once. The gradient
    is that of `integrate`, to the last bit.
    """
    if steps < 1:
        raise SettingError(f"A solve needs at least one step, found steps={steps}.")
    h = (t1 - t0) / steps
    y = y0
    for i in range(steps):
        y = checkpoint(runge_kutta_step, tableau, f, t0 + i * h, y, h, use_reentrant=False)
    return y
