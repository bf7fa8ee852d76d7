"""Weights that several models have alike, in memory once.

Adapters of one base leave some of its layers as they are, and a variant may be there twice under
two prompts. What is equal is told by the SHA-256 of its bytes: a layer is kept as its kernel reads
it, and not as it was given.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from app.engine.kernel_choice import Kernel
from app.engine.linear import Activation, Linear, make_linear


class WeightStore:
    """Copies weights, and gives the same copy for the same values.

    Nobody writes into what it gives. Whoever makes a single model uses one, too.
    """

    def __init__(self) -> None:
        self._linears: dict[tuple[object, ...], Linear] = {}
        self._tensors: dict[tuple[object, ...], Tensor] = {}

    def linear(
        self,
        weight: Tensor,
        bias: Tensor,
        activation: Activation | None = None,
        kernel: Kernel = Kernel.TORCH,
    ) -> Linear:
        """Return a linear layer with copies of these weights; see ``make_linear``."""
        key = (*_identity(weight), *_identity(bias), activation, kernel)
        if key not in self._linears:
            self._linears[key] = make_linear(weight, bias, activation, kernel)
        return self._linears[key]

    def tensor(self, values: Tensor) -> Tensor:
        """Return a copy of a tensor."""
        key = _identity(values)
        if key not in self._tensors:
            self._tensors[key] = values.clone()
        return self._tensors[key]


def _identity(values: Tensor) -> tuple[object, ...]:
    """Return what two tensors have in common if and only if one can stand for the other."""
    if values.device.type != "cpu":
        return (object(),)  # to read it back would cost more than it saves
    content = values.detach().contiguous().view(torch.uint8).numpy()
    return (hashlib.sha256(content.data).digest(), tuple(values.shape), values.dtype)
