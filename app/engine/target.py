"""Chooses device and number format of the forward pass by the hardware and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import torch

from app.engine.bf16_gain import bf16_gain
from app.engine.linear import onednn_takes_bf16
from app.errors import StartError

DeviceSetting = Literal["auto", "cpu", "cuda"]
PrecisionSetting = Literal["auto", "fp32", "bf16"]

CPU = torch.device("cpu")

BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""As torch names them; without them bf16 on a CPU is many times slower than fp32."""

LEAST_GAIN = 1.1
"""``auto`` rounds only if products are so many times as fast for it."""


class Precision(StrEnum):
    """The numbers that linear layers and attention compute in."""

    FP32 = "fp32"
    """Transformers' answer within 1e-4."""
    BF16 = "bf16"
    """Eight bits of mantissa; how far labels agree is in ``docs/decisions/0007-precision.md``."""


@dataclass(frozen=True)
class Target:
    """A device and a precision."""

    device: torch.device = CPU
    precision: Precision = Precision.FP32

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.precision is Precision.BF16 else torch.float32


EXACT = Target()


@dataclass(frozen=True)
class TargetChoice:
    """A target and the reason for it, as the log states it."""

    target: Target
    reason: str


def choose_target(device: DeviceSetting, precision: PrecisionSetting) -> TargetChoice:
    """Choose a device and a precision that it is good at.

    Raises:
        StartError: a setting asks for what this machine lacks.
    """
    chosen, device_reason = _choose_device(device)
    numbers, numbers_reason = _choose_precision(precision, chosen)
    return TargetChoice(Target(chosen, numbers), f"{device_reason}; {numbers_reason}")


def _choose_device(setting: DeviceSetting) -> tuple[torch.device, str]:
    if setting == "cpu":
        return CPU, "cpu as XCOPA_DEVICE says"
    if torch.cuda.is_available():
        return torch.device("cuda"), f"cuda: {torch.cuda.get_device_name()}"
    if setting == "auto":
        return CPU, "cpu: torch finds no CUDA device"
    raise StartError(
        "XCOPA_DEVICE is cuda, but torch finds no CUDA device; set it to auto or cpu, or install "
        "a CUDA build of torch where there is a GPU"
    )


def _choose_precision(setting: PrecisionSetting, device: torch.device) -> tuple[Precision, str]:
    if setting == "fp32":
        return Precision.FP32, "fp32 as XCOPA_PRECISION says"
    lacks = lacks_bf16(device)
    if setting == "bf16":
        if lacks:
            raise StartError(
                f"XCOPA_PRECISION is bf16 and {lacks}: set it to auto or fp32, which is faster here"
            )
        return Precision.BF16, "bf16 as XCOPA_PRECISION says"
    if lacks:
        return Precision.FP32, f"fp32: {lacks}"
    if device.type == "cuda":
        return Precision.BF16, "bf16: this GPU multiplies bf16"
    gain = bf16_gain()
    precision = Precision.BF16 if gain >= LEAST_GAIN else Precision.FP32
    return precision, f"{precision}: in bf16 products are {gain:.2f} times as fast here"


def lacks_bf16(device: torch.device) -> str:
    """Return why a device cannot multiply bf16 by itself; empty where it can."""
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
        return "" if able else "this GPU cannot multiply bf16"
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in BF16_INSTRUCTIONS):
        return "this processor has no bf16 instructions"
    if not onednn_takes_bf16():
        return "oneDNN does not use this processor's bf16 instructions"
    return ""
