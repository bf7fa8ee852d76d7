"""More users step by step, until hardly more is answered: where is the service saturated?

    locust -f loadtests/scenarios/staircase.py --headless -u 64 -t 5m

The answer is the knee: the last step that brought a twentieth more answers. The exit status is 3 if
it is not reached with all users.
"""

from __future__ import annotations

import sys
from pathlib import Path

# locust loads this file by path, so the project's root is not on Python's path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from loadtests.callers import recording
from loadtests.callers.saturation import saturation
from loadtests.callers.shapes import StaircaseShape
from loadtests.xcopa import BatchCaller, Comparer, Ranker, SingleCaller

__all__ = ["BatchCaller", "Comparer", "Ranker", "SingleCaller", "Staircase"]

recording.ask(saturation)


class Staircase(StaircaseShape):
    """See above."""
