"""A description of this machine, for the records of training runs and measurements."""

from __future__ import annotations

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name as Linux has it, else what Python knows, which may be empty.

    Family and model follow, since virtual machines hide in the name which generation it is.
    """
    try:
        first, _, _ = cpuinfo.read_text(encoding="utf-8").partition("\n\n")
    except OSError:
        return platform.processor()
    pairs = (line.partition(":") for line in first.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    name = fields.get("model name", platform.processor())
    if "cpu family" not in fields:
        return name
    return f"{name} (family {fields['cpu family']}, model {fields.get('model', '?')})"
