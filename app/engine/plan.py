"""How many engines, and how many threads in each; imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.errors import StartError

EnginesSetting = Literal["auto"] | int

IN_PROCESS = 0
"""The setting that runs the models in the process of the service."""

MOST_SINGLE_THREADS = 8
"""Where nothing is measured, up to so many threads have an engine each. Beyond, an engine has
several: each engine costs the memory of a forward pass, and a lone item has no more than two rows
to share out."""

MOST_ENGINES = 16
"""Of a plan that is measured."""
MOST_CANDIDATES = 4
"""Plans that are measured."""
_LEFT_OUT = 8
"""Of so many threads, a plan that is measured leaves out one at most."""

SHARE_OF_BEST = 0.95
"""Plans whose rate is at least this share of the best one's are as good as that."""


@dataclass(frozen=True)
class MeasuredPlan:
    """What a number of engines, with a number of threads each, did when it was measured."""

    engines: int
    threads: int
    tokens_per_second: float
    """Through a few layers, of all engines together, while all of them run full batches."""
    lone_seconds: float
    """Of an item of two rows through the same layers, while nothing else runs."""

    def __str__(self) -> str:
        return f"{self.engines} x {self.threads}"


@dataclass(frozen=True)
class EnginePlan:
    """How many engines run, and the threads of a pass in each."""

    engines: int
    threads: int
    measured: tuple[MeasuredPlan, ...] = field(default=(), compare=False)
    """This and its rivals; empty where nothing was measured."""
    gain: float = field(default=1.0, compare=False)
    """How many times as many tokens a second as the plan that is taken without measuring."""

    @classmethod
    def of(cls, threads: int) -> EnginePlan:
        """Share out threads evenly, leaving as few out as can be."""
        if threads <= MOST_SINGLE_THREADS:
            return cls(threads, 1)
        engines = max(range(4, MOST_SINGLE_THREADS + 1), key=lambda n: (n * (threads // n), n))
        return cls(engines, threads // engines)

    @classmethod
    def best(cls, measured: Sequence[MeasuredPlan], unmeasured: EnginePlan) -> EnginePlan:
        """Take the highest rate or, among those within 5 % of it, the shortest lone item.

        Args:
            measured: one or more.
            unmeasured: the plan that is taken without measuring.
        """
        rates = {str(each): each.tokens_per_second for each in measured}
        enough = SHARE_OF_BEST * max(rates.values())
        rivals = [each for each in measured if each.tokens_per_second >= enough]
        best = min(rivals, key=lambda each: each.lone_seconds)
        gain = best.tokens_per_second / rates.get(str(unmeasured), best.tokens_per_second)
        return cls(best.engines, best.threads, tuple(measured), gain)

    def __str__(self) -> str:
        return f"{self.engines} x {self.threads}"


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
    """Return how many processes run the models where nothing is measured.

    Args:
        setting: ``auto``, or how many.
        threads: of all passes together.
        devices: accelerators, of which each gets one engine; 0 where the CPU computes.
    """
    if setting != "auto":
        return EnginePlan(setting, max(1, threads // setting))
    return EnginePlan(devices, max(1, threads // devices)) if devices else EnginePlan.of(threads)


def candidates(
    setting: EnginesSetting, threads: int, devices: int, most_engines: int = MOST_ENGINES
) -> tuple[EnginePlan, ...]:
    """Return the plans to measure, the one of ``plan_engines`` first; one alone needs no measuring.

    Args:
        setting, threads, devices: what ``plan_engines`` takes.
        most_engines: that memory has room for.
    """
    unmeasured = plan_engines(setting, threads, devices)
    if setting != "auto" or devices:
        return (unmeasured,)
    most = min(most_engines, MOST_ENGINES)
    plans = [unmeasured, *(plan for plan in _rivals(threads) if plan.engines <= most)]
    return tuple(dict.fromkeys(plans))[:MOST_CANDIDATES]


def _rivals(threads: int) -> list[EnginePlan]:
    """Return plans with one, two, four ... threads in an engine, and few left out."""
    counts = [threads // 2**power for power in range(threads.bit_length())]
    plans = [EnginePlan(engines, threads // engines) for engines in counts]
    most_left_out = threads // _LEFT_OUT
    return [each for each in plans if threads - each.engines * each.threads <= most_left_out]
