"""What a benchmark comes to: a figure beside its target, and the runs it was made of."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ParamSpec

P = ParamSpec("P")


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    least: float
    """Of the runs: the interval that a reader should believe."""
    greatest: float
    target: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, runs: Sequence[float], target: str = "", **details: Any) -> Figure:
        """Make the figure of several runs: their median, least and greatest."""
        return cls(name, statistics.median(runs), min(runs), max(runs), target, details)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def seconds(work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> float:
    """Return how long the work took by the clock."""
    began = time.perf_counter()
    work(*args, **kwargs)
    return time.perf_counter() - began


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time of this process, all threads, that the work took."""
    began = time.process_time()
    work()
    return time.process_time() - began
