"""The knee of latency against load: where the most is got for the wait.

It is the load at which load over latency, the *power*, is the greatest (Kleinrock 1979, "Power and
deterministic rules of thumb for probabilistic problems in computer communications", ICC '79).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loadtests.report.timeline import LoadPoint

_FEWEST = 3


def power_knee(points: Sequence[LoadPoint]) -> float | None:
    """Return the load with the greatest power; None of fewer than three loads.

    Args:
        points: in any order; of one load the middle latency counts.
    """
    latencies: dict[float, list[float]] = {}
    for point in points:
        if point.p50_ms > 0:
            latencies.setdefault(point.offered_per_s, []).append(point.p50_ms)
    if len(latencies) < _FEWEST:
        return None
    return max(latencies, key=lambda load: load / statistics.median(latencies[load]))
