"""Parity with transformers for every form that the engine can take, parameter by parameter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import XLMRobertaForMultipleChoice

from app.engine import linear
from app.engine.encoder import PackedEncoder
from app.engine.linear import OneDnnLinear, PlainLinear, has_onednn, onednn_takes_bf16
from app.engine.target import EXACT, Precision, Target
from tests import tiny
from tests.oracle import PaddedOracle

ROWS = [
    [0, 7, 2],
    # A literal padding id has the padding rows of both tables.
    [0, 5, tiny.PADDING, 9, 2],
    [0, 11, 12, 13, 2],
    [0, *range(20, 42), 2],
    [0, *range(50, 90), 2],
]
PARAMETERS = [name for name, _ in tiny.drawn_multiple_choice(1).named_parameters()]
BF16 = Target(precision=Precision.BF16)

needs_onednn = pytest.mark.skipif(not has_onednn(), reason="torch has no oneDNN")
needs_bf16 = pytest.mark.skipif(not onednn_takes_bf16(), reason="oneDNN takes no bf16 here")
FORMS = [
    pytest.param(PlainLinear, EXACT, 1e-4, id="plain-fp32"),
    pytest.param(PlainLinear, BF16, 0.1, id="plain-bf16"),
    pytest.param(OneDnnLinear, EXACT, 1e-4, id="onednn-fp32", marks=needs_onednn),
    pytest.param(OneDnnLinear, BF16, 0.1, id="onednn-bf16", marks=needs_bf16),
]
EXACT_FORMS = [FORMS[0], FORMS[2]]
ROUNDED_FORMS = [FORMS[1], FORMS[3]]

Kind = type[PlainLinear | OneDnnLinear]
Build = Callable[[XLMRobertaForMultipleChoice, Target], PackedEncoder]


def make(seed: int = 1, **changes: object) -> XLMRobertaForMultipleChoice:
    return tiny.drawn_multiple_choice(seed, **changes).eval().requires_grad_(False)


@pytest.fixture
def build(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Makes encoders with linear layers of one kind alone."""
    monkeypatch.setattr(linear, "has_onednn", lambda: kind is OneDnnLinear)

    def encoder(model: XLMRobertaForMultipleChoice, target: Target) -> PackedEncoder:
        made = PackedEncoder(model, target)
        assert isinstance(made._layers[0]._qkv, kind)
        return made

    return encoder


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu", "tanh", "silu"])
@pytest.mark.parametrize(("kind", "target", "tolerance"), FORMS)
def test_every_kind_of_linear_layer_gives_the_logits_of_transformers(
    build: Build, target: Target, tolerance: float, activation: str
) -> None:
    model = make(num_hidden_layers=3, hidden_act=activation)
    expected = PaddedOracle(model).logits(ROWS)
    assert build(model, target).logits(ROWS) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("kind", "target", "tolerance"), EXACT_FORMS)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_counts_as_it_does_in_transformers(
    build: Build, target: Target, tolerance: float, name: str
) -> None:
    """The value bias of the last layer was dropped, and no test saw it: all biases were zero."""
    model = make()
    before = PaddedOracle(model).logits(ROWS)
    parameter = model.get_parameter(name)
    parameter += torch.randn(parameter.shape, generator=torch.manual_seed(5))
    expected = PaddedOracle(model).logits(ROWS)
    # A key's bias adds the same to all scores of a query.
    moves = not name.endswith("key.bias")
    assert (expected != pytest.approx(before, abs=10 * tolerance)) is moves
    assert build(model, target).logits(ROWS) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("kind", "target", "tolerance"), ROUNDED_FORMS)
def test_the_head_and_the_stream_of_bf16_are_not_rounded(
    build: Build, target: Target, tolerance: float
) -> None:
    model = make(6)
    encoder = build(model, target)
    found = torch.tensor(encoder.logits(ROWS))
    assert (found != found.bfloat16()).any()
    [layer] = encoder._layers
    own, last = layer._feed_forward, encoder._last._feed_forward
    rounded = [layer._qkv, own._project, own._up, own._down]
    exact = [encoder._last._query, last._project, last._up, last._down, encoder._pool]
    assert {part._bias.dtype for part in rounded} == {torch.bfloat16}  # type: ignore[attr-defined]
    assert {part._bias.dtype for part in exact} == {torch.float32}  # type: ignore[attr-defined]
    assert encoder.word_table.data_ptr() == PackedEncoder(model).word_table.data_ptr()


@needs_onednn
def test_gelu_is_computed_by_onednn_and_other_activations_after_it() -> None:
    [gelu] = PackedEncoder(make())._layers
    [relu] = PackedEncoder(make(hidden_act="relu"))._layers
    ups = [layer._feed_forward._up for layer in (gelu, relu)]
    assert [up._fused for up in ups] == ["gelu", "none"]  # type: ignore[attr-defined]
