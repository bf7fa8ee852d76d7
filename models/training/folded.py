"""A low-rank layer computed with the sum of its weights, forward and backward.

PEFT keeps the two apart, ``W x + s B (A x)``, which takes three products and two sums over all
tokens. ``(W + s B A) x`` is the same without dropout between them, and the sum of the weights is
small beside a batch. Backward, torch would make the gradient of the whole sum, a product as large
as the forward one, only to project it onto the factors. Here the factors' gradients come from
products with the rank as one side: a fifth of all time of a training step on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional


def folded(layer: Any, x: Tensor) -> Tensor:
    """Compute one of PEFT's low-rank linear layers.

    Args:
        layer: a ``peft.tuners.lora.Linear`` whose base takes no gradient, without dropout.
        x: ``[..., inputs]``

    Returns:
        ``[..., outputs]``, in autocast's type where it is on.
    """
    base = layer.base_layer
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    device = x.device.type
    if torch.is_autocast_enabled(device):
        x = x.to(torch.get_autocast_dtype(device))
    scale = layer.scaling["default"]
    answer: Tensor = _Folded.apply(  # type: ignore[no-untyped-call]
        x, base.weight, base.bias, down, up, scale
    )
    return answer


class _Folded(torch.autograd.Function):
    """``x (W + s B A)^T + b``; gradients for x, A and B."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        base: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        scale: float,
    ) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            # In fp32: small updates of weights that are already rounded to bf16 would be lost.
            weight = torch.addmm(base, up, down, alpha=scale).to(x.dtype)
            ctx.save_for_backward(x, weight, down, up)
            ctx.scale = scale
            return functional.linear(x, weight, None if bias is None else bias.to(x.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, down, up = ctx.saved_tensors  # type: ignore[attr-defined]
        scale: float = ctx.scale  # type: ignore[attr-defined]
        kind = x.dtype
        gradient = gradients[0].to(kind).flatten(end_dim=-2)
        rows = x.flatten(end_dim=-2)
        of_up = gradient.T @ (rows @ down.to(kind).T)
        of_down = (gradient @ up.to(kind)).T @ rows
        return (
            (gradient @ weight).view(x.shape),
            None,
            None,
            scale * of_down.to(down.dtype),
            scale * of_up.to(up.dtype),
            None,
        )
