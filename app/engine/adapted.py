"""A linear layer of transformers' model with a low-rank change that is kept apart (LoRA).

Hu et al. 2021, arXiv 2106.09685.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class AdaptedLinear(nn.Module):
    """``x W^T + b + s (x A^T) B^T``.

    Args:
        base: W and b; several adapters may change the same layer.
        down: A, ``[rank, inputs]``.
        up: B, ``[outputs, rank]``.
        scale: s.
    """

    def __init__(self, base: nn.Linear, down: Tensor, up: Tensor, scale: float) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(down, requires_grad=False)
        self.up = nn.Parameter(up, requires_grad=False)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., inputs]`` to ``[..., outputs]``."""
        low = functional.linear(functional.linear(x, self.down), self.up)
        changed: Tensor = self.base(x) + self.scale * low
        return changed

    def __str__(self) -> str:
        outputs, inputs = self.base.weight.shape
        return f"{inputs} to {outputs} by {len(self.down)}"

    @property
    def merged_weight(self) -> Tensor:
        """``W + s B A``, a new tensor."""
        return self.base.weight + self.up @ self.down * self.scale


def merge_adapters(model: nn.Module) -> None:
    """Merge every adapted layer of a model, in place, as PEFT's ``merge_and_unload`` does."""
    for name, layer in adapted_layers(model).items():
        layer.base.weight = nn.Parameter(layer.merged_weight, requires_grad=False)
        model.set_submodule(name, layer.base)


def adapted_layers(model: nn.Module) -> dict[str, AdaptedLinear]:
    """Return the layers whose change is apart, by name."""
    return {
        name: layer for name, layer in model.named_modules() if isinstance(layer, AdaptedLinear)
    }
