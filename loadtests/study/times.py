"""How long the blocks of a study take, from its plan alone."""

from __future__ import annotations

from loadtests.study.setting import StudyEffort
from loadtests.study.side import Comparison, Side

START_S = 8.0
"""From the start of a process to its warm-up: libraries, weights and items. This and what follows
are seconds on two cores of an Intel Xeon (family 6, model 207), rounded up."""

LONGER_START_S = {"http": 14.0, "base": 12.0, "large": 17.0}
"""The same, where a server starts as well, or where random weights of a larger shape are drawn."""


def block_seconds(comparison: Comparison, effort: StudyEffort) -> float:
    """Return the seconds of a block: each side starts, and has its turns."""
    sides = comparison.first, comparison.second
    return sum(_start(side) + effort.warm_up + effort.seconds for side in sides)


def _start(side: Side) -> float:
    return LONGER_START_S.get(side.how, LONGER_START_S.get(side.model, START_S))
