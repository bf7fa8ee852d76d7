"""An even load for a long time: does the service's memory grow, or its latency?

    locust -f loadtests/scenarios/soak.py --headless -u 16 -t 1h --lengths 1:6,4:2,8:1

At the end the memory of the process that speaks HTTP may be 2 % above what it was after a tenth of
the time, the p50 a fifth and the p99 a half; otherwise the run fails. Its exit status is 3 if it is
too short, or /metrics cannot be read. (`make bench BENCH=soak` measures all processes.)
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from loadtests.callers import profiles, recording
from loadtests.callers.growth import latency_growth, memory_growth
from loadtests.callers.shapes import ProfileShape
from loadtests.xcopa import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ranker", "SingleCaller", "Soak"]

recording.ask(memory_growth, latency_growth)


class Soak(ProfileShape):
    """See above."""

    seconds = 3600.0

    def share(self, time: float) -> float:
        return profiles.steady(time)
