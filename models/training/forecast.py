"""What the phases of a run will take, in words, and how long at which rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.training.cost import Memory, PhaseCost
from models.training.done import DonePhase

ASSUMED_FLOPS = 100e12
"""A second, on each device, where nothing is measured: a round number, less than half of what
one NVIDIA A100 can do in bf16 (312e12, by its data sheet). Another device has another."""

_TERA, _MB = 1e12, 1e6
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True)
class Rate:
    """FLOPs a second, of all processes together."""

    flops: float
    source: Path
    """The phase that was measured."""


def measured_rate(folders: Iterable[Path]) -> Rate | None:
    """Return the rate of the last phase that is done, its evaluations included; None without one.

    Args:
        folders: of phases, in order.

    Raises:
        TrainingError: the record of a phase is damaged.
    """
    rate = None
    for folder in filter(DonePhase.is_in, folders):
        progress = DonePhase.read(folder).progress
        if progress.wall_seconds > 0:
            rate = Rate(progress.flops / progress.wall_seconds, folder)
    return rate


class Forecast:
    """Says what each phase takes, and adds up what is left to do."""

    def __init__(self, rate: Rate | None, processes: int) -> None:
        self.processes = processes
        self._flops_a_second = ASSUMED_FLOPS * processes if rate is None else rate.flops
        self._by = _assumed(processes) if rate is None else _measured(rate)
        self._left: list[PhaseCost] = []

    def lines(self, cost: PhaseCost, is_done: bool) -> Iterator[str]:
        """Yield tokens, FLOPs and time of a phase, then its memory."""
        if not is_done:
            self._left.append(cost)
        yield f"  {self._taken(cost.tokens, cost.flops)}"
        yield f"  {memory_said(cost.memory)}"

    @property
    def has_phases(self) -> bool:
        """Whether any phase that is not done was counted."""
        return bool(self._left)

    def left(self) -> str:
        """Sum up the phases that are not done, each from its first step."""
        tokens = sum(cost.tokens for cost in self._left)
        flops = sum(cost.flops for cost in self._left)
        return f"phases that are not done: {self._taken(tokens, flops)}, {self._by}"

    def _taken(self, tokens: int, flops: float) -> str:
        time = _duration(flops / self._flops_a_second)
        return f"{tokens:,} tokens, {flops:.2e} FLOPs, about {time}"


def memory_said(memory: Memory) -> str:
    """Say what a device holds, as an estimate, with its parts."""
    activations = f"{memory.activations / _MB:,.1f}" if memory.activations else "not known"
    return (
        f"about {memory.total / _MB:,.1f} MB on each device: weights {memory.weights / _MB:,.1f}, "
        f"gradients {memory.gradients / _MB:,.1f}, AdamW {memory.moments / _MB:,.1f}, "
        f"activations {activations}"
    )


def _assumed(processes: int) -> str:
    each = "" if processes == 1 else f" on each of {processes} devices"
    rate = f"{ASSUMED_FLOPS / _TERA:,.0f} TFLOP/s{each}"
    return f"at {rate} (assumed: small batches do less, evaluations come on top)"


def _measured(rate: Rate) -> str:
    return f"at the {rate.flops / _TERA:.3g} TFLOP/s of {rate.source}"


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.1f} min"
    return f"{seconds / _HOUR:.1f} h"
