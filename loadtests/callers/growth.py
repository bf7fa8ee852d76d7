"""How much a reading has grown in the course of a run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

_EARLY, _LATE, _FEWEST = 0.1, 0.9, 10


def growth_of(readings: Sequence[float]) -> float | None:
    """Return the memory of the last tenth over that of the second; None of a few readings."""
    tenth = round(_EARLY * len(readings))
    if len(readings) < _FEWEST:
        return None
    early = statistics.median(readings[tenth : 2 * tenth])
    return statistics.median(readings[round(_LATE * len(readings)) :]) / early
