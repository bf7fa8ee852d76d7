"""Sends three times as many requests as the service can answer; which are answered in time?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from rich.console import Console

from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import mixed_bodies
from loadtests.bench.open_load import HUNG_S, Arrival, OpenLoad
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import JSON, SERVICE, BenchServer, started

TIMES_CAPACITY, OVERLOAD_S, DEADLINE_S = 3.0, 60.0, 1.0
WARM_UP_S, CAPACITY_S, LONE_S = 5, 15, 3
NORMAL_IN_A_ROW = 3


def measure(console: Console) -> list[BenchResult]:
    """Return the share of the capacity answered in time, and how soon all is as before."""
    bodies = mixed_bodies()
    headers = {**JSON, "X-Request-Timeout-Ms": str(round(1000 * DEADLINE_S))}
    with started(SERVICE) as server:
        closed_load(server, bodies, CALLERS, WARM_UP_S)
        before = closed_load(server, bodies, CALLERS, CAPACITY_S).rate
        lone = closed_load(server, bodies, 1, LONE_S).median
        console.print(
            f"capacity {before:.0f}/s, single request {1000 * lone:.1f} ms; overloading ..."
        )
        load = OpenLoad.to(server.port, "/predict/xcopa", bodies, headers)
        load.send(TIMES_CAPACITY * before, OVERLOAD_S)
        normal_after = _back_to_normal(server, bodies, lone)
        load.wait()
        after = closed_load(server, bodies, CALLERS, CAPACITY_S).rate
    return [
        share_in_time(load.arrivals, (before, after)),
        BenchResult.of(
            "seconds until a lone request is as fast as before", "s", [normal_after], "<= 2"
        ),
    ]


def share_in_time(arrivals: Sequence[Arrival], capacity: tuple[float, float]) -> BenchResult:
    """Return the requests answered in time per second over the capacity.

    Args:
        arrivals: of the whole overload.
        capacity: requests per second before and after: the machine drifts within minutes.
    """
    in_time = sum(each.status == HTTPStatus.OK and each.seconds <= DEADLINE_S for each in arrivals)
    return BenchResult.of(
        "share of capacity answered within 1 s at three times as many arrivals",
        RATIO,
        [in_time / OVERLOAD_S / statistics.mean(capacity)],
        ">= 0.92",
        capacity_per_second=[round(rate, 1) for rate in capacity],
        **_details(arrivals),
    )


def _details(arrivals: Sequence[Arrival]) -> dict[str, Any]:
    """Count the responses of each kind; the times of a kind are left out where it has none."""
    answered = sorted(each.seconds for each in arrivals if each.status == HTTPStatus.OK)
    refused = [each for each in arrivals if each.status == HTTPStatus.TOO_MANY_REQUESTS]
    statuses = [each.status for each in arrivals]
    details: dict[str, Any] = {
        "arrivals": len(arrivals),
        "statuses": {str(status): statuses.count(status) for status in sorted(set(statuses))},
        "refused_without_retry_after": sum(not each.retry_after for each in refused),
        "hung": sum(each.seconds > HUNG_S or not each.status for each in arrivals),
    }
    if answered:
        p50, p99 = (answered[int(share * len(answered))] for share in (0.5, 0.99))
        details["answered_ms"] = {"p50": milliseconds(p50, None), "p99": milliseconds(p99, None)}
    if refused:
        details["refused_ms"] = milliseconds(statistics.median(each.seconds for each in refused))
    return details


def _back_to_normal(server: BenchServer, bodies: Sequence[bytes], lone: float) -> float:
    """Return the seconds until some requests in a row take no more than twice the usual."""
    began, in_a_row = time.monotonic(), 0
    while in_a_row < NORMAL_IN_A_ROW:
        latency = closed_load(server, bodies, 1, 0).median
        in_a_row = in_a_row + 1 if latency < 2 * lone else 0
        if time.monotonic() - began > 6 * HUNG_S:
            break
    return time.monotonic() - began
