"""The most that options of load tests may be: what is infinite never ends."""

from __future__ import annotations

MOST_MS, MOST_S, MOST_RATE = 600_000.0, 86_400.0, 1e9
"""Of a bound on latency, of a run, and of requests a second."""
