"""A closed load: each caller asks again as soon as it has its answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import gevent
from geventhttpclient import HTTPClient

from loadtests.bench.servers import JSON, BenchServer

CALLERS = 32
"""Callers that saturate the service."""

AnswerCheck = Callable[[bytes, bytes], None]
"""Takes the body of a request and that of its response; raises if they do not belong together."""


@dataclass(frozen=True)
class ClosedLoad:
    """How long each request took, and all of them together, in seconds."""

    latencies: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        """Of the latencies, in seconds."""
        return statistics.median(self.latencies)


def closed_load(
    server: BenchServer,
    bodies: Sequence[bytes],
    callers: int,
    seconds: float,
    path: str = "/predict/xcopa",
    check: AnswerCheck | None = None,
    headers: Mapping[str, str] = JSON,
) -> ClosedLoad:
    """Have callers ask one request after the other for some seconds, each at least one.

    Args:
        server: who is asked.
        bodies: of the requests, taken in turns.
        callers: how many ask at the same time, each over a connection of its own.
        seconds: how long they go on.
        path: of the endpoint.
        check: looks at each answer, outside of the latencies.
        headers: of the requests.

    Raises:
        RuntimeError: a status was not 200.
    """
    return _load(server, bodies, callers, lambda _, asked: asked <= seconds, path, check, headers)


def counted_load(
    server: BenchServer, bodies: Sequence[bytes], callers: int, requests: int
) -> ClosedLoad:
    """Have callers ask so many requests each, one after the other.

    Args:
        server, bodies, callers: as of ``closed_load``.
        requests: of each caller.

    Raises:
        RuntimeError: a status was not 200.
    """
    return _load(server, bodies, callers, lambda done, _: done < requests)


def _load(
    server: BenchServer,
    bodies: Sequence[bytes],
    callers: int,
    goes_on: Callable[[int, float], bool],
    path: str = "/predict/xcopa",
    check: AnswerCheck | None = None,
    headers: Mapping[str, str] = JSON,
) -> ClosedLoad:
    """Have callers ask while each may.

    Args:
        server, bodies, callers, path, check, headers: as of ``closed_load``.
        goes_on: is told how many a caller has asked, and after how many seconds the last one.
    """
    latencies: list[float] = []
    began = time.monotonic()

    def caller(client: HTTPClient, turn: int) -> None:
        asked, done = began, 0
        while goes_on(done, asked - began):
            asked = time.monotonic()
            body = bodies[turn % len(bodies)]
            response = client.post(path, body, headers)
            content = response.read()
            if response.status_code != HTTPStatus.OK:
                raise RuntimeError(f"status {response.status_code}")
            latencies.append(time.monotonic() - asked)
            if check is not None:
                check(body, content)
            turn, done = turn + callers, done + 1

    with server.client(callers) as client:
        asking = [gevent.spawn(caller, client, turn) for turn in range(callers)]
        gevent.joinall(asking, raise_error=True)
        return ClosedLoad(latencies, time.monotonic() - began)
