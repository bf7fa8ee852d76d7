"""Latencies in a histogram of high dynamic range: every quantile, to a thousandth of its value.

locust rounds the times that it keeps to two digits. http://hdrhistogram.org describes this kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hdrh.histogram import HdrHistogram

_LEAST_US, _GREATEST_US, _DIGITS = 1, 3_600_000_000, 3
_US = 1e6
_STEPS_A_HALVING = 5

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


class LatencyHistogram:
    """Latencies from a microsecond to an hour; longer ones count as an hour."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._counts = HdrHistogram(_LEAST_US, _GREATEST_US, _DIGITS)
        for each in seconds:
            self.record(each)

    def record(self, seconds: float) -> None:
        """Count a latency."""
        self._counts.record_value(min(max(round(_US * seconds), _LEAST_US), _GREATEST_US))

    def __len__(self) -> int:
        return int(self._counts.get_total_count())

    def quantile(self, share: float) -> float:
        """Return the latency, in seconds, within which that share lies; 0 of none."""
        return float(self._counts.get_value_at_percentile(100 * share)) / _US

    @property
    def mean(self) -> float:
        """In seconds; 0 of none."""
        return float(self._counts.get_mean_value()) / _US if len(self) else 0.0

    def add(self, other: LatencyHistogram) -> None:
        """Count what another has counted, too."""
        self._counts.add(other._counts)

    def curve(self) -> list[tuple[float, float]]:
        """Return shares and their latencies in seconds, closer together towards the longest."""
        steps = self._counts.get_percentile_iterator(_STEPS_A_HALVING)
        return [
            (step.percentile_level_iterated_to / 100, step.value_iterated_to / _US)
            for step in steps
        ]

    def encoded(self) -> str:
        """Return all counts as text, in the format that HDR histograms share."""
        return str(self._counts.encode().decode())

    @classmethod
    def of(cls, encoded: str) -> LatencyHistogram:
        """Read back what ``encoded`` returned."""
        found = cls()
        found._counts.decode_and_add(encoded)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return what a reader wants to know, in milliseconds, and all counts as text."""
        quantiles = {f"{name}_ms": 1000 * self.quantile(share) for name, share in SHARES.items()}
        return {
            "count": len(self),
            "mean_ms": 1000 * self.mean,
            **quantiles,
            "greatest_ms": 1000 * self.quantile(1),
            "hdr": self.encoded(),
        }
