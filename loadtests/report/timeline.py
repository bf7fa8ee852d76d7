"""What happened in each few seconds of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """Some seconds of a run. Latencies are in milliseconds."""

    at_s: float
    """Since the beginning, when it ended."""
    offered: float
    """Users, or requests a second that were due."""
    answered_per_s: float
    failed_per_s: float
    p50_ms: float
    p99_ms: float
    batch_rows: float | None
    """Mean rows of a batch, a row for each choice; None where the service did not say."""
    memory_mib: float | None = None
    """Of the process that speaks HTTP; None where it was not read."""

    @property
    def is_busy(self) -> bool:
        """Whether anybody asked: without an answer there is no latency."""
        return self.answered_per_s + self.failed_per_s > 0


@dataclass(frozen=True)
class LoadPoint:
    """What a load led to."""

    offered_per_s: float
    """Requests a second; of callers that wait for their answers, how many they are."""
    p50_ms: float
    p99_ms: float
    holds: bool | None
    """Whether the bound was held; None where it was not decided."""
