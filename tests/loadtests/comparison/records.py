"""Records as a run writes them, with figures that were made up."""

from __future__ import annotations

from typing import Any

from loadtests.comparison.origin import RunOrigin
from loadtests.comparison.plan import OURS, SHARES, THEIRS, LoadPlan
from loadtests.mlperf.server_rate import ServerRate

MACHINE = {
    "date": "2026-01-02",
    "processor": "A Processor (family 6, model 1)",
    "cores": 2,
    "instructions": "AVX2",
    "torch": "9.9",
    "python": "3.99",
}
PLAN = LoadPlan.full(20.0)
ORIGIN = RunOrigin(
    {"processor": "A Processor", "cores": 2}, "revision", "service", "peers", "items"
)


def load(rate: float, **changes: float) -> dict[str, Any]:
    figures = {
        "offered_per_s": rate,
        "answered_per_s": rate,
        "goodput_per_s": rate,
        "p50_ms": 100.0,
        "p95_ms": 200.0,
        "p99_ms": 300.0,
        "failed_share": 0.0,
        "cpu_s_per_1000": 2000 / rate,
        "lag_ms": 1.0,
    }
    return {**figures, **changes}


def head(name: str, **versions: str) -> dict[str, Any]:
    return {
        "name": name,
        "slug": name.lower().replace(" ", "-"),
        "versions": versions,
        "plan": PLAN.to_json(),
        "origin": ORIGIN.to_json(),
        "machine": MACHINE,
    }


def service(**changes: Any) -> dict[str, Any]:
    return {
        **head("service"),
        "start_s": 5.0,
        "memory_mib": 600.0,
        "server": ServerRate(60.0, p99_ms=480.0, too_high=62.0).to_json(),
        "null": load(1000.0, cpu_s_per_1000=0.5),
        **changes,
    }


def peer(name: str = "mosec", rate: float = 40.0, **changes: Any) -> dict[str, Any]:
    return {
        **head(name, **{name.lower(): "1.2.3"}),
        "setup": "2 x 1 threads, batches up to 8, wait 5 ms",
        "tried": {"2 x 1 threads, batches up to 8, wait 5 ms": rate},
        "start_s": 9.0,
        "memory_mib": 900.0,
        "closed": {
            OURS: [load(79), load(80), load(84), load(80)],
            THEIRS: [load(rate), load(rate), load(rate / 2), load(rate)],
        },
        "open": [
            {
                "share": share,
                OURS: load(80 * share, p99_ms=100 + 300 * share),
                THEIRS: load(rate * share, p99_ms=200 + 900 * share),
            }
            for share in SHARES
        ],
        "server": ServerRate(rate / 2, p99_ms=450.0, too_high=rate).to_json(),
        "agreement": {"items": 256, "labels": 1.0, "greatest_difference": 1e-5},
        "null": load(700.0, cpu_s_per_1000=0.8),
        **changes,
    }


def refused(name: str = "Triton", reason: str = "no such package") -> dict[str, Any]:
    return {**head(name), "reason": reason}
