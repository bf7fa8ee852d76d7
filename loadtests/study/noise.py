"""What else the machine did while something was measured."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def noted() -> Iterator[dict[str, float]]:
    """Yield a mapping that is filled at the end of the block.

    ``stolen``: the share of the processors' time that another guest of the host had.
    ``others``: the processors that other processes of this system kept busy, on average.
    ``load``: the system's own average of the last minute, at the end.
    """
    found: dict[str, float] = {}
    began, before, own = time.monotonic(), psutil.cpu_times(), _own_seconds()
    yield found
    wall, after, spent = time.monotonic() - began, psutil.cpu_times(), _own_seconds() - own
    busy = _busy(after) - _busy(before)
    cores = psutil.cpu_count() or 1
    found["stolen"] = _steal(after, before) / (wall * cores)
    found["others"] = max(0.0, busy - spent) / wall
    found["load"] = os.getloadavg()[0]


def _busy(times: object) -> float:
    """What programs took; the system counts those of a low priority apart."""
    return sum(float(getattr(times, each, 0.0)) for each in ("user", "nice", "system"))


def _own_seconds() -> float:
    """Processor time of this process and of all that it has started, as far as they live."""
    process = psutil.Process()
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        times = each.cpu_times()
        total += times.user + times.system
    return total


def _steal(after: object, before: object) -> float:
    return float(getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0))
