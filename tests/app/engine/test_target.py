"""The device and the precision follow the hardware, and a wrong wish stops the start."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from app.engine import target as target_module
from app.engine.target import EXACT, Precision, Target, choose_target
from app.errors import StartError

CUDA = torch.device("cuda")


def hardware(
    monkeypatch: pytest.MonkeyPatch,
    cuda: bool = False,
    bf16: bool = False,
    onednn: bool = True,
    gain: float = 1.8,
    **cpu: bool,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: bf16 or including_emulation
    )
    monkeypatch.setattr(target_module, "onednn_takes_bf16", lambda: onednn)
    monkeypatch.setattr(target_module, "bf16_gain", lambda: gain)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)


@pytest.mark.parametrize(
    ("machine", "precision", "expected"),
    [
        ({}, "fp32", EXACT),
        ({}, "auto", EXACT),
        ({"avx512_bf16": True}, "fp32", EXACT),
        ({"avx512_bf16": True}, "auto", Target(precision=Precision.BF16)),
        ({"avx512_bf16": True}, "bf16", Target(precision=Precision.BF16)),
        ({"amx_bf16": True}, "auto", Target(precision=Precision.BF16)),
        # AVX512-BF16 alone was taken for fast: on one processor it is half as fast as fp32.
        ({"avx512_bf16": True, "gain": 0.5}, "auto", EXACT),
        ({"avx512_bf16": True, "gain": 1.09}, "auto", EXACT),
        ({"avx512_bf16": True, "gain": 1.1}, "auto", Target(precision=Precision.BF16)),
        ({"avx512_bf16": True, "gain": 0.5}, "bf16", Target(precision=Precision.BF16)),
        ({"amx_bf16": False, "avx512_f": True}, "auto", EXACT),
        ({"amx_bf16": True, "onednn": False}, "auto", EXACT),
        ({"cuda": True}, "fp32", Target(CUDA)),
        ({"cuda": True}, "auto", Target(CUDA)),
        ({"cuda": True, "bf16": True}, "auto", Target(CUDA, Precision.BF16)),
    ],
)
def test_the_choice_follows_the_hardware(
    monkeypatch: pytest.MonkeyPatch, machine: dict[str, Any], precision: Any, expected: Target
) -> None:
    hardware(monkeypatch, **machine)
    choice = choose_target("auto", precision)
    assert choice.target == expected
    assert expected.precision in choice.reason
    assert expected.device.type in choice.reason


def test_the_cpu_can_be_had_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    hardware(monkeypatch, cuda=True, bf16=True)
    assert choose_target("cpu", "auto").target == EXACT


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        (
            "cuda",
            "fp32",
            "XCOPA_DEVICE is cuda, but torch finds no CUDA device; set it to auto or cpu, or "
            "install a CUDA build of torch where there is a GPU",
        ),
        (
            "auto",
            "bf16",
            "XCOPA_PRECISION is bf16 and this processor has no bf16 instructions: set it to auto "
            "or fp32, which is faster here",
        ),
    ],
)
def test_what_the_machine_lacks_stops_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch, device: Any, precision: Any, message: str
) -> None:
    hardware(monkeypatch)
    with pytest.raises(StartError) as stopped:
        choose_target(device, precision)
    assert str(stopped.value) == message


@pytest.mark.parametrize(
    ("machine", "device", "precision", "reason"),
    [
        ({}, "cpu", "fp32", "cpu as XCOPA_DEVICE says; fp32 as XCOPA_PRECISION says"),
        (
            {},
            "auto",
            "auto",
            "cpu: torch finds no CUDA device; fp32: this processor has no bf16 instructions",
        ),
        (
            {"amx_bf16": True, "avx512_bf16": True},
            "cpu",
            "auto",
            "cpu as XCOPA_DEVICE says; bf16: in bf16 products are 1.80 times as fast here",
        ),
        (
            {"avx512_bf16": True, "onednn": False},
            "cpu",
            "auto",
            "cpu as XCOPA_DEVICE says; fp32: oneDNN does not use this processor's bf16 "
            "instructions",
        ),
        (
            {"cuda": True},
            "cuda",
            "auto",
            "cuda: A GPU; fp32: this GPU cannot multiply bf16",
        ),
        (
            {"cuda": True, "bf16": True},
            "auto",
            "auto",
            "cuda: A GPU; bf16: this GPU multiplies bf16",
        ),
        (
            {"avx512_bf16": True},
            "cpu",
            "bf16",
            "cpu as XCOPA_DEVICE says; bf16 as XCOPA_PRECISION says",
        ),
    ],
)
def test_the_reason_tells_what_was_found_and_what_was_set(
    monkeypatch: pytest.MonkeyPatch, machine: Any, device: Any, precision: Any, reason: str
) -> None:
    hardware(monkeypatch, **machine)
    assert choose_target(device, precision).reason == reason
