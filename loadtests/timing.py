"""How long a piece of work takes, in wall time and in processor time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def timed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[float, T]:
    """Return the seconds that the work took by the clock, and what it returned."""
    began = time.perf_counter()
    result = work(*args, **kwargs)
    return time.perf_counter() - began, result


def seconds(work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> float:
    """Return the seconds that the work took by the clock."""
    return timed(work, *args, **kwargs)[0]


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time of this process, all threads, that the work took, in seconds."""
    began = time.process_time()
    work()
    return time.process_time() - began
