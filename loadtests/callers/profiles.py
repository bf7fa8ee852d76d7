"""How the number of users changes in the course of a run, as a share of ``--users``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BASE = 0.2
"""Users beside a spike."""

SPIKE_FROM, SPIKE_TO = 0.4, 0.6
"""Of the time."""

STEPS = 10
GROWTH = 1.05
"""A step is worth its users if so many times as much was answered as in the step before."""


def steady(time: float) -> float:
    """All of them, all the time. (Time is a share of the run's, for each profile.)"""
    del time
    return 1.0


def ramp(time: float) -> float:
    """From none to all, evenly."""
    return min(1.0, time)


def spike(time: float) -> float:
    """A few; all of them in the middle; a few again."""
    return 1.0 if SPIKE_FROM <= time < SPIKE_TO else BASE


def staircase(time: float) -> float:
    """One step more after each tenth of the time."""
    return min(STEPS, math.floor(time * STEPS) + 1) / STEPS


@dataclass(frozen=True)
class Stair:
    """What was answered on one step of a staircase."""

    users: int
    answered_per_s: float


def is_saturated(stairs: Sequence[Stair]) -> bool:
    """Whether the last two steps, one after the other, brought hardly more answers."""
    if len(stairs) < 3:  # noqa: PLR2004
        return False
    before, first, second = (each.answered_per_s for each in stairs[-3:])
    return first < GROWTH * before and second < GROWTH * before


def knee_of(stairs: Sequence[Stair]) -> Stair | None:
    """Return the last step that was worth its users; None before it was reached."""
    return stairs[-3] if is_saturated(stairs) else None
