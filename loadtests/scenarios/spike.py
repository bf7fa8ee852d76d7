"""Few users, suddenly five times as many, few again: how soon is all as before?

locust -f loadtests/scenarios/spike.py --headless -u 64 -t 3m
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from loadtests.callers import profiles
from loadtests.callers.shapes import ProfileShape
from loadtests.xcopa import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ranker", "SingleCaller", "Spike"]


class Spike(ProfileShape):
    """See above."""

    def share(self, time: float) -> float:
        return profiles.spike(time)
