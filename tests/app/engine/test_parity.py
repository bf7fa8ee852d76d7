"""Parity with transformers for every form that the engine can take, parameter by parameter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from _pytest.mark import ParameterSet
from transformers import XLMRobertaForMultipleChoice

from app.engine.encoder import PackedEncoder
from app.engine.kernel_choice import Kernel, Kernels
from app.engine.linear import kernels_for
from app.engine.target import CPU, Precision, Target
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

HERE = {precision: kernels_for(CPU, Target(CPU, precision).dtype) for precision in Precision}


def form(kernel: Kernel, precision: Precision, tolerance: float) -> ParameterSet:
    lacking = pytest.mark.skipif(kernel not in HERE[precision], reason="not on this machine")
    target = Target(precision=precision)
    return pytest.param(kernel, target, tolerance, id=f"{kernel}-{precision}", marks=lacking)


EXACT_FORMS = [form(kernel, Precision.FP32, 1e-4) for kernel in Kernel]
ROUNDED_FORMS = [form(kernel, Precision.BF16, 0.1) for kernel in Kernel]
FORMS = [*EXACT_FORMS, *ROUNDED_FORMS]

Build = Callable[[XLMRobertaForMultipleChoice, Target], PackedEncoder]


def make(seed: int = 1, **changes: object) -> XLMRobertaForMultipleChoice:
    return tiny.drawn_multiple_choice(seed, **changes).eval().requires_grad_(False)


@pytest.fixture
def build(kernel: Kernel) -> Build:
    """Makes encoders with linear layers of one kernel alone."""

    def encoder(model: XLMRobertaForMultipleChoice, target: Target) -> PackedEncoder:
        return PackedEncoder(model, target, Kernels(otherwise=kernel))

    return encoder


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu", "tanh", "silu"])
@pytest.mark.parametrize(("kernel", "target", "tolerance"), FORMS)
def test_every_kernel_gives_the_logits_of_transformers(
    build: Build, target: Target, tolerance: float, activation: str
) -> None:
    model = make(num_hidden_layers=3, hidden_act=activation)
    expected = PaddedOracle(model).logits(ROWS)
    assert build(model, target).logits(ROWS) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("kernel", "target", "tolerance"), EXACT_FORMS)
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


@pytest.mark.parametrize(("kernel", "target", "tolerance"), ROUNDED_FORMS)
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
