"""A long saturation with mixed lengths, singles and lists, both models: does memory grow?"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from http import HTTPStatus

import gevent
import gevent.event
from rich.console import Console
from rich.progress import Progress

from app.settings import VARIANTS
from loadtests.bench.closed_load import CALLERS
from loadtests.bench.inputs import batch_body, body, mixed_items
from loadtests.bench.results import RATIO, BenchResult
from loadtests.bench.servers import JSON, SERVICE, BenchServer, started

MINUTES = 20.0
REQUESTS = 2000
EARLY_S = (105, 135)
"""The readings around two minutes: by then every buffer has had its first size."""

LAST_S = 30
SEED = 3

PathAndBody = tuple[str, bytes]
MemoryReading = tuple[float, int]
"""Seconds since the beginning, and bytes that are resident."""


def measure(console: Console) -> list[BenchResult]:
    """Return the memory at the end over the memory after two minutes."""
    requests = soak_requests()
    readings: list[MemoryReading] = []
    with started(SERVICE) as server, Progress(console=console) as progress:
        task = progress.add_task("soak", total=60 * MINUTES)
        stop = gevent.event.Event()
        callers = [gevent.spawn(_keep_asking, server, requests, stop, n) for n in range(CALLERS)]
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < 60 * MINUTES:
            readings.append((elapsed, server.memory))
            progress.update(task, completed=elapsed)
            gevent.sleep(2)
        stop.set()
        gevent.joinall(callers, raise_error=True)
    return [growth(readings)]


def growth(readings: Sequence[MemoryReading]) -> BenchResult:
    """Return the memory of the last half minute over that after two minutes."""
    first, last = EARLY_S
    early = statistics.median(memory for at, memory in readings if first <= at <= last)
    late = statistics.median(memory for at, memory in readings if at >= 60 * MINUTES - LAST_S)
    return BenchResult.of(
        f"memory after {MINUTES:g} minutes of saturation over after 2",
        RATIO,
        [late / early],
        "<= 1.02",
        megabytes=[round(early / 1e6), round(late / 1e6)],
        most=round(max(memory for _, memory in readings) / 1e6),
    )


def soak_requests(count: int = REQUESTS) -> list[PathAndBody]:
    """Return requests from a few tokens to the model's limit, every tenth of them a list."""
    chance = random.Random(SEED)  # noqa: S311 - lengths, no secret
    requests = []
    for number, item in enumerate(mixed_items(count)):
        model = chance.choice(VARIANTS)
        premise = " ".join([item["premise"]] * chance.choice((1, 1, 1, 2, 4, 8)))
        if number % 10:
            requests.append(("/predict/xcopa", body({**item, "premise": premise}, model)))
        else:
            several = mixed_items(chance.randrange(2, 40))
            requests.append(("/predict/xcopa/batch", batch_body(several, model)))
    return requests


def _keep_asking(
    server: BenchServer, requests: Sequence[PathAndBody], stop: gevent.event.Event, turn: int
) -> None:
    with server.client(1) as client:
        while not stop.is_set():
            path, request = requests[turn % len(requests)]
            response = client.post(path, request, JSON)
            response.read()
            if response.status_code not in (HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS):
                raise RuntimeError(f"status {response.status_code}")
            turn += CALLERS
