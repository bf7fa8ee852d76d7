"""How many operations a second the machine does in products of large matrices."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from app.engine.engine import Row
from app.engine.kernel_choice import Kernel
from app.engine.lanes import Lanes
from app.engine.linear import kernels_for, make_linear
from app.engine.target import EXACT
from app.engine.threads import LanePlan
from loadtests.timing import seconds

SIDE = 2048
"""Of the square matrices."""


class MatmulRate:
    """Operations a second of a kernel's product on all lanes at once.

    Args:
        plan: how many lanes compute at the same time.
        kernel: which library multiplies.
        side: of the matrices.
    """

    def __init__(self, plan: LanePlan, kernel: Kernel, side: int = SIDE) -> None:
        self._product = Lanes(_Product(kernel, side), plan)
        self._lanes = plan.lanes
        self._operations = 2 * side**3
        self()

    def __call__(self) -> float:
        took = seconds(self._product.logits, [(0,)] * self._lanes)
        return self._lanes * self._operations / took


class BestMatmulRate:
    """The rate of the kernel that is the fastest each time: the most that the machine is known for.

    Args:
        plan: how many lanes compute at the same time.
        side: of the matrices.
    """

    def __init__(self, plan: LanePlan, side: int = SIDE) -> None:
        kernels = kernels_for(EXACT.device, EXACT.dtype)
        self._rates = {kernel: MatmulRate(plan, kernel, side) for kernel in kernels}

    def __call__(self) -> tuple[float, Kernel]:
        """Return operations a second, and whose they are."""
        return max((rate(), kernel) for kernel, rate in self._rates.items())


class _Product:
    """An engine whose forward pass is one large product."""

    def __init__(self, kernel: Kernel, side: int) -> None:
        self._x = torch.randn(side, side)
        self._linear = make_linear(torch.randn(side, side), torch.zeros(side), kernel=kernel)

    @torch.inference_mode()
    def logits(self, rows: Sequence[Row]) -> list[float]:
        self._linear(self._x)
        return [0.0] * len(rows)

    def warm_up(self) -> None:
        """Nothing to warm."""
