"""The linear layers of the encoder, one class for each kernel that can compute them.

Which kernel is fastest depends on the processor, on the layer's shape and on the release of the
libraries: ``app.engine.kernels`` measures them. All give the same answer but for rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from app.engine.kernel_choice import Kernel

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


class _SeparateLinear(ABC):
    """A product, and then in place what follows it.

    Args:
        weight: ``[out, in]``, in the numbers to compute in.
        bias: ``[out]``.
        activation: applied to the result.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation | None = None) -> None:
        self._weight = self._laid_out(weight)
        self._bias = bias.to(weight.dtype, copy=True)
        self._activation = in_place(activation)

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        y = self._product(x.to(self._bias.dtype))
        if self._activation is not None:
            y = self._activation(y)
        if residual is None:
            return y
        return y.add_(residual) if residual.dtype is y.dtype else residual + y

    @abstractmethod
    def _laid_out(self, weight: Tensor) -> Tensor:
        """Return a copy of the weight as the kernel reads it."""

    @abstractmethod
    def _product(self, x: Tensor) -> Tensor:
        """Return ``x @ weight.T + bias`` as a new tensor."""


class TorchLinear(_SeparateLinear):
    """torch's own, on every device."""

    def _laid_out(self, weight: Tensor) -> Tensor:
        return weight.clone()

    def _product(self, x: Tensor) -> Tensor:
        return functional.linear(x, self._weight, self._bias)


class TransposedLinear(_SeparateLinear):
    """torch's own, on a weight that is laid out as ``[in, out]``."""

    def _laid_out(self, weight: Tensor) -> Tensor:
        return weight.t().clone(memory_format=torch.contiguous_format)

    def _product(self, x: Tensor) -> Tensor:
        return torch.addmm(self._bias, x, self._weight)


class OneDnnLinear(_SeparateLinear):
    """oneDNN's product on a weight in its own layout."""

    def _laid_out(self, weight: Tensor) -> Tensor:
        reordered: Tensor = _onednn._reorder_linear_weight(weight.contiguous())  # noqa: SLF001
        return reordered

    def _product(self, x: Tensor) -> Tensor:
        return self._pointwise(x, "none")

    def _pointwise(self, x: Tensor, fused: str) -> Tensor:
        pointwise = _onednn._linear_pointwise  # noqa: SLF001
        y: Tensor = pointwise(x, self._weight, self._bias, fused, [], "none")
        return y


class FusedOneDnnLinear(OneDnnLinear):
    """oneDNN's product with a GELU or a sum in the same pass; other activations follow it."""

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation | None = None) -> None:
        self._fused = "gelu" if activation is functional.gelu else "none"
        super().__init__(weight, bias, None if self._fused == "gelu" else activation)

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        activated = self._activation is not None or self._fused != "none"
        if residual is None or residual.dtype is not self._bias.dtype or activated:
            return super().__call__(x, residual)
        binary = _onednn._linear_pointwise.binary  # noqa: SLF001
        y: Tensor = binary(x.to(self._bias.dtype), residual, self._weight, self._bias, "add")
        return y

    def _product(self, x: Tensor) -> Tensor:
        return self._pointwise(x, self._fused)


_CLASSES: Mapping[Kernel, type[_SeparateLinear]] = MappingProxyType(
    {
        Kernel.TORCH: TorchLinear,
        Kernel.TORCH_TRANSPOSED: TransposedLinear,
        Kernel.ONEDNN: OneDnnLinear,
        Kernel.ONEDNN_FUSED: FusedOneDnnLinear,
    }
)


def make_linear(
    weight: Tensor,
    bias: Tensor,
    activation: Activation | None = None,
    kernel: Kernel = Kernel.TORCH,
) -> Linear:
    """Return a linear layer that a kernel computes; it keeps copies of its weights.

    Args:
        weight: ``[out, in]``, in the numbers to compute in.
        bias: ``[out]``, in fp32.
        activation: applied to the result.
        kernel: one of ``kernels_for`` the weight's device and numbers.
    """
    return _CLASSES[kernel](weight, bias, activation)


def kernels_for(device: torch.device, dtype: torch.dtype) -> tuple[Kernel, ...]:
    """Return the kernels that can compute there, the one that needs no measurement first."""
    if device.type != "cpu":
        return (Kernel.TORCH,)
    takes = onednn_takes_bf16 if dtype is torch.bfloat16 else has_onednn
    if not takes():
        return (Kernel.TORCH, Kernel.TORCH_TRANSPOSED)
    return (Kernel.ONEDNN_FUSED, Kernel.ONEDNN, Kernel.TORCH, Kernel.TORCH_TRANSPOSED)


def has_onednn() -> bool:
    """Whether this torch has oneDNN and the operators that ``OneDnnLinear`` calls."""
    built_in: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return built_in and all(hasattr(_onednn, name) for name in OPERATORS)


def onednn_takes_bf16() -> bool:
    """Whether ``OneDnnLinear`` takes weights in bf16 here."""
    return has_onednn() and bool(_onednn._is_mkldnn_bf16_supported())  # noqa: SLF001


def in_place(activation: Activation | None) -> Activation | None:
    """Return an activation that may write over what it is given, as the product is its own."""
    if activation is not functional.gelu:
        return activation
    in_place: Activation = torch.ops.aten.gelu_.default
    return in_place
