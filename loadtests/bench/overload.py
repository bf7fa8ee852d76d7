"""Sends three times as many requests as the service can answer; which are answered in time?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from rich.console import Console
from rich.progress import track

from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import mixed_bodies
from loadtests.bench.open_load import HUNG_S, Arrival, OpenLoad
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import JSON, SERVICE, BenchServer, started

TIMES_CAPACITY, ROUNDS, OVERLOAD_S, DEADLINE_S = 3.0, 3, 60.0, 1.0
WARM_UP_S, CAPACITY_S, LONE_S = 5, 15, 3
NORMAL_IN_A_ROW = 3


@dataclass(frozen=True)
class OverloadRound:
    """One overload, between two measurements of the capacity."""

    arrivals: Sequence[Arrival]
    capacity: tuple[float, float]
    """Requests per second before and after: the machine drifts within minutes."""
    normal_after: float
    """Seconds until a lone request was as fast as before."""
    cpu: tuple[float, float]
    """Processor seconds that a request took in the front, and in the generator beside it."""

    @property
    def share(self) -> float:
        """Requests answered in time per second, over the capacity."""
        in_time = sum(
            each.status == HTTPStatus.OK and each.seconds <= DEADLINE_S for each in self.arrivals
        )
        return in_time / OVERLOAD_S / statistics.mean(self.capacity)


def measure(console: Console) -> list[BenchResult]:
    """Return the share of the capacity answered in time, and how soon all is as before."""
    bodies = mixed_bodies()
    with started(SERVICE) as server:
        closed_load(server, bodies, CALLERS, WARM_UP_S)
        lone = closed_load(server, bodies, 1, LONE_S).median
        before = closed_load(server, bodies, CALLERS, CAPACITY_S).rate
        rounds = []
        for _ in track(range(ROUNDS), description="overload", console=console):
            rounds.append(_round(server, bodies, before, lone))
            before = rounds[-1].capacity[1]
    return results_of(rounds)


def _round(
    server: BenchServer, bodies: Sequence[bytes], before: float, lone: float
) -> OverloadRound:
    headers = {**JSON, "X-Request-Timeout-Ms": str(round(1000 * DEADLINE_S))}
    load = OpenLoad.to(server.port, "/predict/xcopa", bodies, headers)
    front, generator = server.front_cpu_seconds, time.process_time()
    load.send(TIMES_CAPACITY * before, OVERLOAD_S)
    spent = (server.front_cpu_seconds - front, time.process_time() - generator)
    normal_after = _back_to_normal(server, bodies, lone)
    load.wait()
    after = closed_load(server, bodies, CALLERS, CAPACITY_S).rate
    a_request = (spent[0] / len(load.arrivals), spent[1] / len(load.arrivals))
    return OverloadRound(load.arrivals, (before, after), normal_after, a_request)


def results_of(rounds: Sequence[OverloadRound]) -> list[BenchResult]:
    """Return the results of rounds; details are of all arrivals together."""
    capacity = [rounds[0].capacity[0], *(each.capacity[1] for each in rounds)]
    return [
        BenchResult.of(
            "share of capacity answered within 1 s at three times as many arrivals",
            RATIO,
            [each.share for each in rounds],
            ">= 0.92",
            capacity_per_second=[round(rate, 1) for rate in capacity],
            cpu_us_a_request={
                "front": round(1e6 * statistics.median(each.cpu[0] for each in rounds)),
                "generator": round(1e6 * statistics.median(each.cpu[1] for each in rounds)),
            },
            **_details([arrival for each in rounds for arrival in each.arrivals]),
        ),
        BenchResult.of(
            "seconds until a lone request is as fast as before",
            "s",
            [each.normal_after for each in rounds],
            "<= 2",
        ),
    ]


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
