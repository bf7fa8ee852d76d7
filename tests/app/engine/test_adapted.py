"""An adapter that is kept apart: transformers' logits, and a base that several models share."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import XLMRobertaForMultipleChoice

from app.engine.adapted import AdaptedLinear, adapted_layers, merge_adapters
from app.engine.encoder import PackedEncoder
from app.engine.kernel_choice import Kernel, Kernels
from app.engine.target import EXACT, Target
from app.engine.weight_store import WeightStore
from tests import tiny
from tests.app.engine.test_parity import FORMS, ROWS
from tests.oracle import PaddedOracle

EVERY_LAYER = ("query", "key", "value", "output.dense", "intermediate.dense")
RANK = 3


def adapted(
    which: tuple[str, ...], seed: int = 8, **changes: object
) -> XLMRobertaForMultipleChoice:
    """Return a drawn model, of which some layers have a drawn change."""
    model = tiny.drawn_multiple_choice(1, num_hidden_layers=3, **changes)
    drawn = torch.Generator().manual_seed(seed)
    for name, layer in list(model.roberta.encoder.named_modules()):
        if isinstance(layer, nn.Linear) and name.endswith(which):
            outputs, inputs = layer.weight.shape
            down = torch.randn(RANK, inputs, generator=drawn) / inputs**0.5
            up = torch.randn(outputs, RANK, generator=drawn)
            model.roberta.encoder.set_submodule(name, AdaptedLinear(layer, down, up, 0.7))
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize(
    "which", [EVERY_LAYER, ("query", "value"), ("key",), ("intermediate.dense", "output.dense")]
)
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize(("kernel", "target", "tolerance"), FORMS)
def test_the_logits_are_those_of_transformers(
    kernel: Kernel, target: Target, tolerance: float, activation: str, which: tuple[str, ...]
) -> None:
    model = adapted(which, hidden_act=activation)
    expected = PaddedOracle(model).logits(ROWS)
    encoder = PackedEncoder(model, target, Kernels(otherwise=kernel))
    assert encoder.logits(ROWS) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("name", adapted_layers(adapted(EVERY_LAYER)))
@pytest.mark.parametrize("factor", ["down", "up"])
def test_each_factor_counts_as_it_does_in_transformers(name: str, factor: str) -> None:
    model = adapted(EVERY_LAYER)
    before = PaddedOracle(model).logits(ROWS)
    parameter = model.get_parameter(f"{name}.{factor}")
    parameter += torch.randn(parameter.shape, generator=torch.manual_seed(5))
    expected = PaddedOracle(model).logits(ROWS)
    assert expected != pytest.approx(before, abs=1e-3)
    assert PackedEncoder(model).logits(ROWS) == pytest.approx(expected, abs=1e-4)


def test_merged_it_gives_the_same_logits() -> None:
    model = adapted(EVERY_LAYER)
    expected = PackedEncoder(model).logits(ROWS)
    merge_adapters(model)
    assert not adapted_layers(model)
    assert PackedEncoder(model).logits(ROWS) == pytest.approx(expected, abs=1e-4)


def test_an_encoder_leaves_the_model_that_it_is_made_of_as_it_was() -> None:
    model = adapted(EVERY_LAYER)
    before = PaddedOracle(model).logits(ROWS)
    PackedEncoder(model)
    assert PaddedOracle(model).logits(ROWS) == before


class Counting(WeightStore):
    """Counts the numbers that it holds."""

    @property
    def numbers(self) -> int:
        weights = [each._weight for each in self._linears.values()]  # type: ignore[attr-defined]
        return sum(each.numel() for each in (*weights, *self._tensors.values()))


def held_by(*models: XLMRobertaForMultipleChoice) -> int:
    store = Counting()
    for model in models:
        PackedEncoder(model, EXACT, Kernels(otherwise=Kernel.TORCH), store)
    return store.numbers


def test_two_adapters_hold_their_base_once() -> None:
    first, second = adapted(EVERY_LAYER, seed=8), adapted(EVERY_LAYER, seed=9)
    hidden = second.config.hidden_size
    # Query, key and value of the last layer are merged.
    assert held_by(first, second) - held_by(first) == 3 * hidden**2
    merge_adapters(first)
    merge_adapters(second)
    assert held_by(first, second) == 2 * held_by(first) - shared_by_all(first)


def shared_by_all(model: XLMRobertaForMultipleChoice) -> int:
    """Return the numbers that no adapter changes: positions, a late bias, the head."""
    own = model.roberta
    parts = (own.embeddings.position_embeddings, own.pooler.dense, model.classifier)
    late = own.encoder.layer[-1].attention.self.value.bias
    return int(sum(part.weight.numel() for part in parts) + late.numel())
