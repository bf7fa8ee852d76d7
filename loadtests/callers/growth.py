"""Whether memory or latency has grown in the course of a run with an even load."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from loadtests.callers.record import RunRecord
from loadtests.callers.scenario_answer import ScenarioAnswer
from loadtests.report.timeline import Moment

MOST_MEMORY = 1.02
MOST_LATENCY = {"p50": 1.2, "p99": 1.5}
"""Of a moment; the longest latencies of a second vary more than the middle ones."""

_EARLY, _LATE, _FEWEST = 0.1, 0.9, 10
_TOO_SHORT = f"too short a run to say: fewer than {_FEWEST} readings"


def growth_of(readings: Sequence[float]) -> float | None:
    """Return the median of the last tenth over that of the second; None of a few readings."""
    tenth = round(_EARLY * len(readings))
    if len(readings) < _FEWEST:
        return None
    early = statistics.median(readings[tenth : 2 * tenth])
    return statistics.median(readings[round(_LATE * len(readings)) :]) / early


def memory_growth(record: RunRecord) -> ScenarioAnswer:
    """Say whether the memory of the process that speaks HTTP has grown."""
    readings = [each.memory_mib for each in record.moments if each.memory_mib is not None]
    if not readings:
        return ScenarioAnswer.none("memory: the service's /metrics could not be read")
    growth = growth_of(readings)
    if growth is None:
        return ScenarioAnswer.none(f"memory: {_TOO_SHORT}")
    said = f"memory: {growth:.3f} times that after a tenth of the run (bound {MOST_MEMORY:g})"
    return ScenarioAnswer.judged(growth <= MOST_MEMORY, said)


def latency_growth(record: RunRecord) -> ScenarioAnswer:
    """Say whether latencies have grown."""
    moments = [each for each in record.moments if each.is_busy]
    values: dict[str, Callable[[Moment], float]] = {
        "p50": lambda moment: moment.p50_ms,
        "p99": lambda moment: moment.p99_ms,
    }
    growths = {name: growth_of(list(map(value, moments))) for name, value in values.items()}
    found = {name: growth for name, growth in growths.items() if growth is not None}
    if not found:
        return ScenarioAnswer.none(f"latency: {_TOO_SHORT}")
    told = ", ".join(
        f"{name} {growth:.3f} (bound {MOST_LATENCY[name]:g})" for name, growth in found.items()
    )
    is_good = all(growth <= MOST_LATENCY[name] for name, growth in found.items())
    return ScenarioAnswer.judged(is_good, f"latency: times that after a tenth of the run: {told}")
