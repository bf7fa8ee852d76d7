"""Linear layers: the forms agree with each other, in both precisions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from app.engine import linear
from app.engine.kernel_choice import Kernel
from app.engine.linear import (
    Activation,
    has_onednn,
    kernels_for,
    make_linear,
    onednn_takes_bf16,
)
from app.engine.target import CPU

FORMS = [
    pytest.param(
        *(kernel, dtype, tolerance),
        marks=pytest.mark.skipif(kernel not in kernels_for(CPU, dtype), reason="not here"),
    )
    for kernel in Kernel
    for dtype, tolerance in [(torch.float32, 1e-5), (torch.bfloat16, 0.03)]
]


def parts() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    chance = torch.manual_seed(1)
    shapes = [(48, 33), (17, 33), (17,), (48, 17)]
    x, weight, bias, residual = (torch.randn(shape, generator=chance) for shape in shapes)
    return x, weight / 33**0.5, bias, residual


@pytest.mark.parametrize("activation", [None, functional.gelu, torch.tanh])
@pytest.mark.parametrize(("kernel", "dtype", "tolerance"), FORMS)
def test_it_is_a_product_and_an_activation(
    kernel: Kernel, activation: Activation | None, dtype: torch.dtype, tolerance: float
) -> None:
    x, weight, bias, _ = parts()
    expected = functional.linear(x, weight, bias)
    if activation is not None:
        expected = activation(expected)
    found = make_linear(weight.to(dtype), bias, activation, kernel)(x)
    assert found.dtype is dtype
    torch.testing.assert_close(found.float(), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("activation", [None, functional.gelu, torch.tanh])
@pytest.mark.parametrize(("kernel", "dtype", "tolerance"), FORMS)
def test_a_residual_is_added_in_its_own_numbers(
    kernel: Kernel, activation: Activation | None, dtype: torch.dtype, tolerance: float
) -> None:
    x, weight, bias, residual = parts()
    before = [x.clone(), residual.clone()]
    found = make_linear(weight.to(dtype), bias, activation, kernel)(x, residual)
    assert found.dtype is torch.float32
    expected = functional.linear(x, weight, bias)
    if activation is not None:
        expected = activation(expected)
    torch.testing.assert_close(found, expected + residual, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close([x, residual], before, atol=0, rtol=0)


@pytest.mark.parametrize("kernel", kernels_for(CPU, torch.float32))
@pytest.mark.parametrize("transposed", [False, True])
def test_it_keeps_copies_of_what_it_was_made_from(kernel: Kernel, transposed: bool) -> None:
    x, weight, bias, _ = parts()
    if transposed:
        weight = weight.t().contiguous().t()
    made = make_linear(weight, bias, kernel=kernel)
    expected = functional.linear(x, weight, bias)
    weight.zero_()
    bias.zero_()
    torch.testing.assert_close(made(x), expected, atol=1e-5, rtol=1e-5)


def test_without_onednn_there_are_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    torchs = (Kernel.TORCH, Kernel.TORCH_TRANSPOSED)
    assert kernels_for(CPU, torch.float32) == kernels_for(CPU, torch.bfloat16) == torchs


@pytest.mark.skipif(not has_onednn(), reason="torch has no oneDNN")
def test_a_cpu_with_onednn_has_every_kernel_and_another_device_torchs_alone() -> None:
    assert set(kernels_for(CPU, torch.float32)) == set(Kernel)
    assert kernels_for(torch.device("meta"), torch.float32) == (Kernel.TORCH,)


def test_onednn_that_takes_no_bf16_is_for_fp32_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "has_onednn", lambda: True)
    monkeypatch.setattr(linear, "onednn_takes_bf16", lambda: False)
    assert Kernel.ONEDNN in kernels_for(CPU, torch.float32)
    assert Kernel.ONEDNN not in kernels_for(CPU, torch.bfloat16)


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
