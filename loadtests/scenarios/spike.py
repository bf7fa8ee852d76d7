"""Few users, suddenly five times as many, few again: how soon is all as before?

    locust -f loadtests/scenarios/spike.py --headless -u 64 -t 3m

The answer is the time after the spike until the p50 is no more than 1.5 times what it was before
it. The run fails if that does not happen, and its exit status is 3 if there are too few readings.
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from loadtests.callers import profiles, recording
from loadtests.callers.recovery import recovery
from loadtests.callers.shapes import ProfileShape
from loadtests.xcopa import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ranker", "SingleCaller", "Spike"]

recording.ask(recovery)


class Spike(ProfileShape):
    """See above."""

    def share(self, time: float) -> float:
        return profiles.spike(time)
