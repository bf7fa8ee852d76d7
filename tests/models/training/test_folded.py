"""A folded low-rank layer answers and learns as PEFT's own does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig
from peft.tuners.lora import Linear
from torch import Tensor, nn

from models.training.folded import folded


@pytest.fixture
def layer() -> Any:
    """PEFT's, of rank 4 from 24 to 40 channels, every weight drawn."""
    torch.manual_seed(3)
    base = nn.Linear(24, 40).requires_grad_(False)
    made = Linear(base, "default", LoraConfig(r=4, lora_alpha=6), r=4, lora_alpha=6)
    nn.init.normal_(made.lora_B["default"].weight)
    return made


def learned(layer: Any, compute: Any) -> dict[str, Tensor]:
    """Return the answer of a layer to drawn input, and the gradients of a drawn loss."""
    drawn = torch.Generator().manual_seed(5)
    x = torch.randn(2, 9, 24, generator=drawn).requires_grad_()
    layer.zero_grad()
    answer = compute(x)
    (answer.float() * torch.randn(answer.shape, generator=drawn)).sum().backward()
    factors = {name: each["default"].weight.grad for name, each in factors_of(layer).items()}
    return {"answer": answer.detach(), "input": x.grad, **factors}


def factors_of(layer: Any) -> dict[str, Any]:
    return {"down": layer.lora_A, "up": layer.lora_B}


def test_answers_and_gradients_are_those_of_peft(layer: Any) -> None:
    ours, theirs = learned(layer, lambda x: folded(layer, x)), learned(layer, layer)
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, atol=1e-4, rtol=1e-5, msg=name)


def test_under_bf16_the_gradients_come_back_in_the_type_of_the_weights(layer: Any) -> None:
    exact = learned(layer, layer)

    def rounded(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return folded(layer, x)

    ours = learned(layer, rounded)
    assert ours.pop("answer").dtype == torch.bfloat16
    for name, found in ours.items():
        assert found.dtype == torch.float32, name
        assert (found - exact[name]).norm() < 0.02 * exact[name].norm(), name


def test_an_update_smaller_than_the_rounding_of_its_base_is_not_lost(layer: Any) -> None:
    """0.0035 beside 1.001: with the base rounded to bf16 first, the sum would be rounded to 1."""
    nn.init.constant_(layer.base_layer.weight, 1.001)
    nn.init.constant_(layer.lora_A["default"].weight, 0.5)
    nn.init.constant_(layer.lora_B["default"].weight, 0.0035 / (4 * 0.5 * 1.5))
    x = torch.ones(1, 24)
    with torch.autocast("cpu", torch.bfloat16):
        found = folded(layer, x) - layer.base_layer.bias
    assert torch.all(found > 24)


def test_the_base_takes_no_gradient(layer: Any) -> None:
    learned(layer, lambda x: folded(layer, x))
    assert layer.base_layer.weight.grad is None


def test_a_layer_without_bias_is_computed(layer: Any) -> None:
    layer.base_layer.bias = None
    x = torch.randn(3, 24)
    torch.testing.assert_close(folded(layer, x), layer(x), atol=1e-5, rtol=1e-5)
