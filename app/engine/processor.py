"""Which processor this is, exactly enough to know whether a measurement holds here."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")

_FIELDS = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features")
"""What tells processors apart. A virtual machine may hide the name, and seldom the rest."""


def name_processor(cpu_info: Path = CPU_INFO) -> str:
    """Return the processor's name and eight hex digits of all that tells it from another.

    Args:
        cpu_info: what Linux says of it; elsewhere Python's ``platform`` and torch must do.
    """
    fields = _first_processor(cpu_info)
    name = fields.get("model name") or platform.processor() or platform.machine()
    capability: str = torch.backends.cpu.get_cpu_capability()
    known = [platform.machine(), name, capability, *(fields.get(each, "") for each in _FIELDS)]
    return f"{name}, {hashlib.sha256(repr(known).encode()).hexdigest()[:8]}"


def _first_processor(cpu_info: Path) -> dict[str, str]:
    try:
        first, _, _ = cpu_info.read_text(encoding="utf-8", errors="replace").partition("\n\n")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
