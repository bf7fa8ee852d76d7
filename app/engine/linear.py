"""The linear layers of the encoder, in the fastest form for the hardware.

On a CPU with oneDNN the weights are reordered for its kernels when they are loaded, and the kernel
applies the activation or adds the residual before it writes the result. torch's own ``linear``
calls MKL there, which uses only AVX2 on processors that are not from Intel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

# These operators are what torch's own compiler calls on a CPU. They are private: the release of
# torch is pinned, and `has_onednn` looks for them.
_onednn = torch.ops.mkldnn
OPERATORS = ("_reorder_linear_weight", "_linear_pointwise", "_is_mkldnn_bf16_supported")

Activation = Callable[[Tensor], Tensor]


class Linear(Protocol):
    """``x @ weight.T + bias``, then an activation or a sum with what bypassed the layer."""

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map ``[tokens, in]`` to ``[tokens, out]``; the residual is ``[tokens, out]``.

        The result is in the weight's numbers, and in the residual's where one is added.
        """


class PlainLinear:
    """torch's own, for CUDA and for CPUs without oneDNN."""

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation | None = None) -> None:
        self._weight = weight.clone()
        self._bias = bias.to(weight.dtype, copy=True)
        self._activation = activation

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        y = functional.linear(x.to(self._bias.dtype), self._weight, self._bias)
        if self._activation is not None:
            y = self._activation(y)
        return y if residual is None else residual + y


class OneDnnLinear:
    """oneDNN's inner product on a weight in its own layout, sum and GELU fused (exact, erf)."""

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation | None = None) -> None:
        self._weight = _onednn._reorder_linear_weight(weight.contiguous())  # noqa: SLF001
        self._bias = bias.to(weight.dtype, copy=True)
        self._fused = "gelu" if activation is functional.gelu else "none"
        self._activation = None if activation is functional.gelu else activation

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        linear = _onednn._linear_pointwise  # noqa: SLF001
        x = x.to(self._bias.dtype)
        y: Tensor
        if residual is not None and residual.dtype is x.dtype:
            y = linear.binary(x, residual, self._weight, self._bias, "add")
            return y
        y = linear(x, self._weight, self._bias, self._fused, [], "none")
        if self._activation is not None:
            y = self._activation(y)
        return y if residual is None else residual + y


def make_linear(weight: Tensor, bias: Tensor, activation: Activation | None = None) -> Linear:
    """Return the fastest linear layer for where the weights are; it keeps copies of them.

    Args:
        weight: ``[out, in]``, in the numbers to compute in.
        bias: ``[out]``, in fp32.
        activation: applied to the result.
    """
    if weight.device.type == "cpu" and has_onednn():
        return OneDnnLinear(weight, bias, activation)
    return PlainLinear(weight, bias, activation)


def has_onednn() -> bool:
    """Whether this torch has oneDNN and the operators that ``OneDnnLinear`` calls."""
    built_in: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return built_in and all(hasattr(_onednn, name) for name in OPERATORS)


def onednn_takes_bf16() -> bool:
    """Whether ``OneDnnLinear`` takes weights in bf16 here."""
    return has_onednn() and bool(_onednn._is_mkldnn_bf16_supported())  # noqa: SLF001
