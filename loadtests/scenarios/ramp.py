"""From no users to all of them, evenly: where does the latency begin to grow?

    locust -f loadtests/scenarios/ramp.py --headless -u 64 -t 5m

The answer is the number of users from which on the p50 is more than twice that of few users. The
exit status is 3 if there are too few readings for one.
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from loadtests.callers import profiles, recording
from loadtests.callers.onset import onset
from loadtests.callers.shapes import ProfileShape
from loadtests.xcopa import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ramp", "Ranker", "SingleCaller"]

recording.ask(onset)


class Ramp(ProfileShape):
    """See above."""

    def share(self, time: float) -> float:
        return profiles.ramp(time)
