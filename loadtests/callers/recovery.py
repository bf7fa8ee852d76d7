"""How soon all is as before, after a spike."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loadtests.callers.record import RunRecord
from loadtests.callers.scenario_answer import ScenarioAnswer
from loadtests.report.timeline import Moment

TIMES = 1.5
"""The p50 is as before if it is no more than so many times what it was."""

_FEWEST = 5
_TOGETHER = 3
"""Moments, one after the other, whose middle one must be as before: one alone may be chance."""


def recovery(record: RunRecord) -> ScenarioAnswer:
    """Say how long after a spike the latency is as it was before it."""
    before, high, after = parts_of(record.moments)
    if not high:
        return ScenarioAnswer.none("recovery: there was no spike; allow more users with -u")
    if len(before) < _FEWEST or len(after) < _TOGETHER:
        said = f"fewer than {_FEWEST} readings before the spike, or {_TOGETHER} after it"
        return ScenarioAnswer.none(f"recovery: {said}; allow more time with -t")
    usual, ended = statistics.median(each.p50_ms for each in before), high[-1].at_s
    most = max(each.p50_ms for each in high)
    told = f"p50 {usual:.1f} ms before the spike, at most {most:.1f} ms in it"
    calm = _calm_at(after, TIMES * usual)
    if calm is None:
        said = f"not as before within {after[-1].at_s - ended:.0f} s after the spike"
        return ScenarioAnswer.judged(False, f"recovery: {said}; {told}")
    said = f"as before {max(0.0, calm - ended):.1f} s after the spike"
    return ScenarioAnswer.judged(True, f"recovery: {said}; {told}")


def parts_of(
    moments: Sequence[Moment],
) -> tuple[Sequence[Moment], Sequence[Moment], Sequence[Moment]]:
    """Return the moments before a spike, in it and after it, without those in which none asked."""
    busy = [each for each in moments if each.is_busy]
    if not busy:
        return [], [], []
    usual = statistics.median(each.offered for each in busy)
    high = [place for place, each in enumerate(busy) if each.offered > 2 * usual]
    if not high:
        return busy, [], []
    first, last = high[0], high[-1] + 1
    return busy[:first], busy[first:last], busy[last:]


def _calm_at(after: Sequence[Moment], bound_ms: float) -> float | None:
    """Return when the first moment ended from which on some together are as before."""
    for place in range(len(after) - _TOGETHER + 1):
        together = after[place : place + _TOGETHER]
        if statistics.median(each.p50_ms for each in together) <= bound_ms:
            return together[0].at_s
    return None
