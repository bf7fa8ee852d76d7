"""As many users all the time: how much is answered, and how soon?

    locust -f loadtests/scenarios/steady.py --headless -u 16 -t 2m

The verdict is the answer. The run fails if a request does, or above ``--p99-ms``.
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from loadtests.callers import profiles
from loadtests.callers.shapes import ProfileShape
from loadtests.xcopa import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ranker", "SingleCaller", "Steady"]


class Steady(ProfileShape):
    """See above."""

    def share(self, time: float) -> float:
        return profiles.steady(time)
