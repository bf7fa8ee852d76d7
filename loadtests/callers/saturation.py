"""Where a service is saturated: the answer of a staircase."""

from __future__ import annotations

from loadtests.callers.profiles import knee_of
from loadtests.callers.record import RunRecord
from loadtests.callers.scenario_answer import ScenarioAnswer


def saturation(record: RunRecord) -> ScenarioAnswer:
    """Say from how many users on hardly more is answered."""
    knee = knee_of(record.stairs)
    if knee is not None:
        said = f"the knee is at {knee.users} users: {knee.answered_per_s:.1f} answers/s"
        return ScenarioAnswer.judged(True, f"saturation: {said}")
    if not record.stairs:
        return ScenarioAnswer.none("saturation: no step was finished; allow more time with -t")
    last = record.stairs[-1]
    said = f"not reached with {last.users} users ({last.answered_per_s:.1f} answers/s)"
    return ScenarioAnswer.none(f"saturation: {said}; allow more with -u")
