"""From how many users on the latency grows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loadtests.callers.record import RunRecord
from loadtests.callers.scenario_answer import ScenarioAnswer
from loadtests.report.timeline import LoadPoint

TIMES = 2.0
"""The p50 has grown if it is more than so many times that of few users."""

_FEWEST = 5
_FEW = 0.1
"""Of the numbers of users that were seen, the lowest, whose p50 is that of few."""


def onset(record: RunRecord) -> ScenarioAnswer:
    """Say from how many users on the p50 stays above what it is with few."""
    points = record.points
    if len(points) < _FEWEST:
        said = f"fewer than {_FEWEST} numbers of users were seen; allow more users or more time"
        return ScenarioAnswer.none(f"latency: {said}")
    few = points[: max(1, round(_FEW * len(points)))]
    usual = statistics.median(each.p50_ms for each in few)
    grown, most = grown_from(points, TIMES * usual), points[-1]
    last = f"{most.p50_ms:.1f} ms with {most.offered_per_s:g}"
    if grown is None:
        said = f"stays within {TIMES:g} times that of few users ({usual:.1f} ms); {last}"
        return ScenarioAnswer.judged(True, f"latency: the p50 {said}")
    said = f"is more than {TIMES:g} times that of few ({usual:.1f} ms); {last}"
    return ScenarioAnswer.judged(
        True, f"latency: from {grown.offered_per_s:g} users on the p50 {said}"
    )


def grown_from(points: Sequence[LoadPoint], bound_ms: float) -> LoadPoint | None:
    """Return the first point from which on all are above a bound; None if the last one is not."""
    found = None
    for point in reversed(points):
        if point.p50_ms <= bound_ms:
            break
        found = point
    return found
