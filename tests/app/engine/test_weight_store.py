"""What models have alike is in memory once, and nothing else is taken for it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional

from app.engine.encoder import PackedEncoder
from app.engine.kernel_choice import Kernel
from app.engine.weight_store import WeightStore
from tests import tiny

WEIGHT, BIAS = torch.arange(6.0).view(2, 3), torch.tensor([0.5, -0.5])
ROWS = [(0, 5, 6, 7, 2), (0, 9, 2)]


def test_equal_layers_are_one_and_a_layer_is_not_what_it_was_made_of() -> None:
    store, weight = WeightStore(), WEIGHT.clone()
    made = store.linear(weight, BIAS)
    assert store.linear(WEIGHT.clone(), BIAS.clone()) is made
    weight.zero_()
    x = torch.ones(1, 3)
    assert torch.equal(made(x), functional.linear(x, WEIGHT, BIAS))


@pytest.mark.parametrize(
    "other",
    [
        lambda store: store.linear(WEIGHT + 1e-7, BIAS),
        lambda store: store.linear(WEIGHT, BIAS + 1e-7),
        lambda store: store.linear(WEIGHT.view(3, 2), torch.zeros(3)),
        lambda store: store.linear(WEIGHT, BIAS, functional.gelu),
        lambda store: store.linear(WEIGHT, BIAS, None, Kernel.TORCH_TRANSPOSED),
        lambda store: store.linear(WEIGHT.bfloat16(), BIAS),
    ],
)
def test_what_differs_in_anything_is_another(other) -> None:  # type: ignore[no-untyped-def]
    store = WeightStore()
    assert other(store) is not store.linear(WEIGHT, BIAS)


def test_the_same_bytes_in_another_shape_or_type_are_another_tensor() -> None:
    store = WeightStore()
    made = store.tensor(WEIGHT)
    assert store.tensor(WEIGHT.clone()) is made
    assert made is not WEIGHT
    assert store.tensor(WEIGHT.view(3, 2)).shape == (3, 2)
    assert store.tensor(WEIGHT.view(torch.int32)).dtype is torch.int32
    across = WEIGHT.t()
    assert torch.equal(store.tensor(across), across)


def test_models_that_differ_in_some_layers_share_the_others_and_answer_as_alone() -> None:
    one = tiny.drawn_multiple_choice(1)
    other = copy.deepcopy(one)
    with torch.no_grad():
        for layer in other.roberta.encoder.layer:
            layer.attention.self.value.weight += 0.1
    alone = [PackedEncoder(model).logits(ROWS) for model in (one, other)]
    store = WeightStore()
    shared = [PackedEncoder(model, store=store) for model in (one, other)]
    assert [encoder.logits(ROWS) for encoder in shared] == alone
    assert alone[0] != alone[1]
    for mine, theirs in zip(*(encoder._layers for encoder in shared), strict=True):
        assert mine._qkv is not theirs._qkv
        for name in ("_project", "_up", "_down"):
            assert getattr(mine._feed_forward, name) is getattr(theirs._feed_forward, name)
    first, second = shared
    assert first._places is second._places
    assert first._pool is second._pool
    assert first._last._query is second._last._query
    assert first._last._key_weight.data_ptr() == second._last._key_weight.data_ptr()
    assert first._last._value_weight.data_ptr() != second._last._value_weight.data_ptr()


def test_on_another_device_nothing_is_read_back_to_be_compared() -> None:
    store, away = WeightStore(), WEIGHT.to("meta")
    assert store.tensor(away) is not store.tensor(away)
