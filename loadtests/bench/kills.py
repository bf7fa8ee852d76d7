"""Kills an engine every two seconds under load: what fails, and what does it cost?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import gevent
from geventhttpclient import HTTPClient
from rich.console import Console
from rich.progress import track

from loadtests.bench.closed_load import CALLERS
from loadtests.bench.inputs import mixed_bodies
from loadtests.bench.open_load import HUNG_S
from loadtests.bench.results import RATIO, BenchResult
from loadtests.bench.servers import JSON, SERVICE, BenchServer, started

ROUNDS, ROUND_S, PAUSE_S, WARM_UP_S = 4, 15.0, 2.0, 5.0
"""A round is so many seconds without kills, then as many with one after each pause."""


@dataclass(frozen=True)
class Seen:
    """What the callers of one round saw."""

    statuses: list[int]
    """0 is a connection that broke."""
    seconds: list[float]
    """Of each request."""
    lasted: float
    kills: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.statuses.count(HTTPStatus.OK) / self.lasted


def measure(console: Console) -> list[BenchResult]:
    """Return throughput with kills over that without, and the calls that failed or hung."""
    bodies = mixed_bodies()
    with started(SERVICE) as server:
        _load(server, bodies, WARM_UP_S)
        pairs = [
            (_load(server, bodies, ROUND_S), _load(server, bodies, ROUND_S, PAUSE_S))
            for _ in track(range(ROUNDS), description="engines killed", console=console)
        ]
    return results_of(pairs)


def results_of(pairs: Sequence[tuple[Seen, Seen]]) -> list[BenchResult]:
    """Return the results of rounds, each without kills and with them."""
    shaken = [with_kills for _, with_kills in pairs]
    statuses = [status for each in shaken for status in each.statuses]
    hung = sum(took > HUNG_S for each in shaken for took in each.seconds)
    return [
        BenchResult.of(
            "throughput with an engine killed every 2 s over that without",
            RATIO,
            [with_kills.rate / quiet.rate for quiet, with_kills in pairs],
            ">= 0.7",
            requests_per_second=[round(quiet.rate, 1) for quiet, _ in pairs],
            kills=sum(each.kills for each in shaken),
            answered=statuses.count(HTTPStatus.OK),
            failed=len(statuses) - statuses.count(HTTPStatus.OK),
            hung=hung,
            slowest_ms=round(1000 * max(took for each in shaken for took in each.seconds)),
        ),
    ]


def _load(
    server: BenchServer, bodies: Sequence[bytes], seconds: float, kill_every: float | None = None
) -> Seen:
    """Have callers ask one request after the other; a failure is noted, and they go on."""
    statuses: list[int] = []
    times: list[float] = []
    began = time.monotonic()

    def caller(client: HTTPClient, turn: int) -> None:
        while time.monotonic() < began + seconds:
            asked = time.monotonic()
            statuses.append(_ask(client, bodies[turn % len(bodies)]))
            times.append(time.monotonic() - asked)
            turn += CALLERS

    with server.client(CALLERS) as client:
        asking = [gevent.spawn(caller, client, turn) for turn in range(CALLERS)]
        kills = 0
        if kill_every is not None:
            kills = _kill(server, began + seconds, kill_every)
        gevent.joinall(asking, raise_error=True)
        return Seen(statuses, times, time.monotonic() - began, kills)


def _ask(client: HTTPClient, body: bytes) -> int:
    try:
        response = client.post("/predict/xcopa", body, JSON)
        response.read()
    except OSError:
        return 0
    return int(response.status_code)


def _kill(server: BenchServer, until: float, pause: float) -> int:
    """Kill one engine after another, as the system does when memory is short."""
    kills = 0
    while time.monotonic() + pause < until:
        gevent.sleep(pause)
        engines = server.engines
        if engines:
            os.kill(engines[kills % len(engines)], signal.SIGKILL)
            kills += 1
    return kills
