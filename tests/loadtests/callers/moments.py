"""Runs that were made up, a reading a second."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.callers.record import RunRecord
from loadtests.report.timeline import Moment


def run_of(
    users: Sequence[float],
    p50_ms: Sequence[float],
    p99_ms: Sequence[float] | None = None,
    memory_mib: Sequence[float] | None = None,
) -> RunRecord:
    """Return a run with so many users and such latencies; a p50 of 0 is of no answer."""
    record = RunRecord()
    record.moments = [
        Moment(
            at_s=at + 1.0,
            offered=users[at],
            answered_per_s=10.0 if p50 else 0.0,
            failed_per_s=0.0,
            p50_ms=p50,
            p99_ms=p99_ms[at] if p99_ms else 2 * p50,
            batch_rows=None,
            memory_mib=memory_mib[at] if memory_mib else None,
        )
        for at, p50 in enumerate(p50_ms)
    ]
    return record
