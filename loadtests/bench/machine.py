"""A description of the machine, stored with the results of a measurement."""

from __future__ import annotations

import datetime
import platform

import psutil
import torch

from models.machine import processor_name


def describe_machine() -> dict[str, object]:
    """Return date, processor, cores that may be used, instructions, versions, and any GPU."""
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "processor": processor_name(),
        "cores": len(psutil.Process().cpu_affinity()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        **gpu,
    }
