"""How many engines, and how many threads in each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from app.errors import StartError

EnginesSetting = Literal["auto"] | int

IN_PROCESS = 0
"""The setting that runs the models in the process of the service."""

MOST_SINGLE_THREADS = 8
"""Up to so many threads have an engine each. Beyond, an engine has several: each engine costs the
memory of a forward pass, and a lone item has no more than two rows to share out."""


@dataclass(frozen=True)
class EnginePlan:
    """How many engines run, and the threads of a pass in each."""

    engines: int
    threads: int

    @classmethod
    def of(cls, threads: int) -> EnginePlan:
        """Share out threads evenly, leaving as few out as can be."""
        if threads <= MOST_SINGLE_THREADS:
            return cls(threads, 1)
        engines = max(range(4, MOST_SINGLE_THREADS + 1), key=lambda n: (n * (threads // n), n))
        return cls(engines, threads // engines)


def in_process(setting: EnginesSetting, platform: str = sys.platform) -> bool:
    """Return whether the process of the service runs the models itself.

    Args:
        setting: ``auto``, or how many engines; 0 is none.
        platform: of the system, as ``sys.platform`` names it.

    Raises:
        StartError: the system cannot fork a process that has loaded torch.
    """
    # macOS can fork, but its own libraries may crash in the process that comes of it.
    forks = platform == "linux"
    if setting == IN_PROCESS or (setting == "auto" and not forks):
        return True
    if not forks:
        raise StartError(
            f"XCOPA_ENGINES is {setting}, and engines in processes of their own need Linux; set "
            "it to auto or 0"
        )
    return False


def plan_engines(setting: EnginesSetting, threads: int, devices: int) -> EnginePlan:
    """Return how many processes run the models.

    Args:
        setting: ``auto``, or how many.
        threads: of all passes together.
        devices: accelerators, of which each gets one engine; 0 where the CPU computes.
    """
    if setting != "auto":
        return EnginePlan(setting, max(1, threads // setting))
    return EnginePlan(devices, max(1, threads // devices)) if devices else EnginePlan.of(threads)
