"""A recipe in bf16 on a processor where that is slower than fp32."""

from __future__ import annotations

import pytest
import torch

from models.training import run
from models.training.recipe import Full
from tests.models.training.networks import recipe

SAID = (
    "products in bf16 take 2.0 times as long as in fp32 on this processor: "
    'precision = "fp32" in the recipe is faster here'
)


@pytest.mark.parametrize(
    ("precision", "gain", "cuda", "said"),
    [
        ("bf16", 0.5, False, [SAID]),
        ("bf16", 1.0, False, []),
        ("bf16", 0.5, True, []),
        ("fp32", 0.5, False, []),
    ],
)
def test_a_recipe_whose_numbers_are_slow_here_says_so(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    precision: str,
    gain: float,
    cuda: bool,
    said: list[str],
) -> None:
    monkeypatch.setattr(run, "bf16_gain", lambda: gain)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    run._warn_of_slow_products(recipe(Full(), precision=precision))
    assert caplog.messages == said
