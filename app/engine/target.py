"""Chooses device and number format of the forward pass by the hardware and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import torch

from app.engine.linear import onednn_takes_bf16
from app.errors import StartError

DeviceSetting = Literal["auto", "cpu", "cuda"]
PrecisionSetting = Literal["auto", "fp32", "bf16"]

CPU = torch.device("cpu")

BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")
"""As torch names them; without them bf16 on a CPU is many times slower than fp32."""


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
    fast, why = _bf16_is_fast(device)
    if setting == "auto":
        precision = Precision.BF16 if fast else Precision.FP32
        return precision, f"{precision}: {why}"
    if not fast:
        raise StartError(
            f"XCOPA_PRECISION is bf16 and {why}: set it to auto or fp32, which is faster here"
        )
    return Precision.BF16, "bf16 as XCOPA_PRECISION says"


def _bf16_is_fast(device: torch.device) -> tuple[bool, str]:
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return fast, f"this GPU {'multiplies' if fast else 'cannot multiply'} bf16"
    capabilities = torch.cpu.get_capabilities()
    names = [name for name in BF16_INSTRUCTIONS if capabilities.get(name)]
    if not names:
        return False, "this processor has no bf16 instructions"
    if not onednn_takes_bf16():
        return False, "oneDNN does not use this processor's bf16 instructions"
    return True, f"this processor has {names[0]}"
