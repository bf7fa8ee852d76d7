"""A linear layer that several models share, with what one adapter adds to its product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from app.engine.linear import Activation, Linear, in_place


@dataclass(frozen=True)
class LowRankChange:
    """What an adapter adds to some outputs of a layer: ``(x down^T) up^T``."""

    down: Tensor
    """``[rank, inputs]``"""
    up: Tensor
    """``[outputs, rank]``, scaled."""
    first: int = 0
    """The first of the outputs that change."""

    @property
    def outputs(self) -> slice:
        return slice(self.first, self.first + len(self.up))


class LowRankLinear:
    """``x (W + B A)^T + b`` as ``x W^T + b + (x A^T) B^T``, then an activation or a sum.

    Args:
        base: the product with W, with nothing after it; others may use it, too.
        changes: of outputs that do not overlap; with a residual, of all outputs. Copied.
        activation: applied to the sum.
    """

    def __init__(
        self, base: Linear, changes: Sequence[LowRankChange], activation: Activation | None = None
    ) -> None:
        self._base = base
        self._down = torch.cat([each.down for each in changes])
        self._ups = [(each.outputs, each.up.t().contiguous()) for each in changes]
        self._ranks = [len(each.down) for each in changes]
        self._activation = in_place(activation)

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map ``[tokens, in]`` to ``[tokens, out]``; see ``Linear``."""
        x = x.to(self._down.dtype)
        low = functional.linear(x, self._down)
        if residual is not None:
            (_, up), *_ = self._ups
            # Added before, so that the base's kernel may add both in its own pass.
            return self._base(x, residual + low @ up)
        y = self._base(x)
        for (outputs, up), part in zip(
            self._ups, torch.split(low, self._ranks, dim=1), strict=True
        ):
            y[:, outputs].addmm_(part, up)
        return y if self._activation is None else self._activation(y)
