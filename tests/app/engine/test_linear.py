"""Linear layers: the forms agree with each other, in both precisions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from app.engine import linear
from app.engine.linear import (
    Activation,
    Linear,
    OneDnnLinear,
    PlainLinear,
    has_onednn,
    make_linear,
    onednn_takes_bf16,
)
from app.engine.target import Precision, choose_target

# oneDNN takes bf16 weights only where it can multiply them well.
BF16_HERE = choose_target("cpu", "auto").target.precision is Precision.BF16
DTYPES = [
    (torch.float32, 1e-5),
    pytest.param(
        *(torch.bfloat16, 0.03), marks=pytest.mark.skipif(not BF16_HERE, reason="no bf16 here")
    ),
]
KINDS = [
    PlainLinear,
    pytest.param(
        OneDnnLinear, marks=pytest.mark.skipif(not has_onednn(), reason="torch has no oneDNN")
    ),
]


def parts() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    chance = torch.manual_seed(1)
    shapes = [(48, 33), (17, 33), (17,), (48, 17)]
    x, weight, bias, residual = (torch.randn(shape, generator=chance) for shape in shapes)
    return x, weight / 33**0.5, bias, residual


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", [None, functional.gelu, torch.tanh])
@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
def test_it_is_a_product_and_an_activation(
    kind: type[PlainLinear | OneDnnLinear],
    activation: Activation | None,
    dtype: torch.dtype,
    tolerance: float,
) -> None:
    x, weight, bias, _ = parts()
    expected = functional.linear(x, weight, bias)
    if activation is not None:
        expected = activation(expected)
    found = kind(weight.to(dtype), bias, activation)(x)
    assert found.dtype is dtype
    torch.testing.assert_close(found.float(), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
def test_a_residual_is_added_in_its_own_numbers(
    kind: type[PlainLinear | OneDnnLinear], dtype: torch.dtype, tolerance: float
) -> None:
    x, weight, bias, residual = parts()
    before = residual.clone()
    found = kind(weight.to(dtype), bias)(x, residual)
    assert found.dtype is torch.float32
    expected = functional.linear(x, weight, bias) + residual
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(residual, before, atol=0, rtol=0)


def test_it_keeps_copies_of_what_it_was_made_from() -> None:
    x, weight, bias, _ = parts()
    made: list[Linear] = [make_linear(weight, bias), PlainLinear(weight, bias)]
    expected = functional.linear(x, weight, bias)
    weight.zero_()
    bias.zero_()
    for each in made:
        torch.testing.assert_close(each(x), expected, atol=1e-5, rtol=1e-5)


def test_without_onednn_it_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    _, weight, bias, _ = parts()
    assert isinstance(make_linear(weight, bias), PlainLinear)


@pytest.mark.skipif(not has_onednn(), reason="torch has no oneDNN")
def test_onednn_is_chosen_on_a_cpu_that_has_it_and_nowhere_else() -> None:
    _, weight, bias, _ = parts()
    assert isinstance(make_linear(weight, bias), OneDnnLinear)
    meta = torch.device("meta")
    assert isinstance(make_linear(weight.to(meta), bias.to(meta)), PlainLinear)


@pytest.mark.parametrize("built_in", [True, False])
@pytest.mark.parametrize("lacks", [None, *linear.OPERATORS])
def test_onednn_is_there_when_torch_has_it_and_every_operator(
    monkeypatch: pytest.MonkeyPatch, built_in: bool, lacks: str | None
) -> None:
    operators = {name: object() for name in linear.OPERATORS if name != lacks}
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: built_in)
    monkeypatch.setattr(linear, "_onednn", SimpleNamespace(**operators))
    assert has_onednn() is (built_in and lacks is None)


@pytest.mark.parametrize(("there", "able"), [(True, True), (True, False), (False, True)])
def test_onednn_takes_bf16_where_it_is_there_and_says_so(
    monkeypatch: pytest.MonkeyPatch, there: bool, able: bool
) -> None:
    monkeypatch.setattr(linear, "has_onednn", lambda: there)
    fake = SimpleNamespace(_is_mkldnn_bf16_supported=lambda: able)
    monkeypatch.setattr(linear, "_onednn", fake)
    assert onednn_takes_bf16() is (there and able)
