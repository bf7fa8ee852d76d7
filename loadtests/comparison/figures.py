"""What a load showed of a server."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from loadtests.capacity.live import SentRequest
from loadtests.report.histogram import LatencyHistogram

_THOUSAND = 1000


@dataclass(frozen=True)
class ContenderFigures:
    """Figures of one load. Latencies count from when a request was due."""

    offered_per_s: float
    """Requests that were due each second."""
    answered_per_s: float
    """Sound answers within the load, those after its end not counted."""
    goodput_per_s: float
    """Sound answers that came in good time, by when their requests were due."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    """Of sound answers; see ``failed_share`` for how many there were not."""
    failed_share: float
    cpu_s_per_1000: float
    """Processor seconds of the server for a thousand sound answers; 0 without an answer."""
    lag_ms: float
    """By how much 1 % of the requests were sent too late: the load generator's own doing."""
    failures: str = ""
    """Why requests had no sound answer."""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Read back what ``to_json`` returned."""
        return cls(**content)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class LoadSpan:
    """When a load ran, and what it cost."""

    began: float
    ended: float
    """Of the load, not of its last answer. Both on the monotonic clock, in seconds."""
    cpu_s: float
    """Processor seconds of the server, until its last answer."""
    lag_s: float = 0.0
    failures: str = ""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def load_figures(
    requests: Sequence[SentRequest], span: LoadSpan, good_s: float
) -> ContenderFigures:
    """Return the figures of a load.

    Args:
        requests: all that were due within the span.
        span: when the load ran.
        good_s: an answer is good that takes no longer.
    """
    ends = [(each.due, each.ended) for each in requests if each.is_sound and each.ended is not None]
    latencies = LatencyHistogram(ended - due for due, ended in ends)
    good = sum(ended - due <= good_s for due, ended in ends)
    within = sum(ended <= span.ended for _, ended in ends)
    p50, p95, p99 = (_THOUSAND * latencies.quantile(share) for share in (0.5, 0.95, 0.99))
    return ContenderFigures(
        offered_per_s=len(requests) / span.seconds,
        answered_per_s=within / span.seconds,
        goodput_per_s=good / span.seconds,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        failed_share=1 - len(ends) / len(requests) if requests else 0.0,
        cpu_s_per_1000=_THOUSAND * span.cpu_s / len(ends) if ends else 0.0,
        lag_ms=_THOUSAND * span.lag_s,
        failures=span.failures,
    )


def middle(loads: Sequence[ContenderFigures], value: Callable[[ContenderFigures], float]) -> float:
    """Return the median of a figure over loads."""
    return statistics.median(map(value, loads))


def capacity(loads: Sequence[ContenderFigures]) -> float:
    """Return a server's own capacity: the median of what it answered when callers always wait."""
    return middle(loads, lambda load: load.answered_per_s)
