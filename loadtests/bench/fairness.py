"""How long a caller with single questions waits while another sends lists without pause."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from http import HTTPStatus

import gevent
import gevent.event
from rich.console import Console

from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import MODEL, batch_body, mixed_bodies, mixed_items
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import JSON, SERVICE, BenchServer, Samples, started

BULK_CONNECTIONS, BULK_ITEMS, SINGLES = 4, 64, 60
WARM_UP_S = 5
BULK_LEAD_S = 3
"""How long the bulk caller is alone before the single one comes."""

BATCH_TIME = "xcopa_batch_duration_seconds"


def measure(console: Console) -> list[BenchResult]:
    """Return a single caller's median beside a saturating bulk caller, over what it may be."""
    singles = mixed_bodies(256)
    bulk = batch_body(mixed_items(BULK_ITEMS))
    with started(SERVICE) as server:
        closed_load(server, singles, CALLERS, WARM_UP_S)
        unloaded = statistics.median(_ask_singles(server, singles))
        console.print(f"unloaded {1000 * unloaded:.1f} ms; now with a bulk caller ...")
        stop = gevent.event.Event()
        callers = [gevent.spawn(_keep_asking, server, bulk, stop) for _ in range(BULK_CONNECTIONS)]
        gevent.sleep(BULK_LEAD_S)
        before = server.metrics()
        loaded = statistics.median(_ask_singles(server, singles))
        after = server.metrics()
        stop.set()
        gevent.joinall(callers, raise_error=True)
    return [over_allowed(unloaded, loaded, seconds_a_batch(before, after))]


def seconds_a_batch(before: Samples, after: Samples) -> float:
    """Return the mean time of a batch between two scrapes."""
    spent, count = (
        after[f"{BATCH_TIME}_{part}", MODEL] - before[f"{BATCH_TIME}_{part}", MODEL]
        for part in ("sum", "count")
    )
    return spent / count


def over_allowed(unloaded: float, loaded: float, batch: float) -> BenchResult:
    """Return the loaded median over 3 times the unloaded one and a batch, all in seconds."""
    return BenchResult.of(
        "a single caller's median beside a bulk caller, over 3 x unloaded + one batch",
        RATIO,
        [loaded / (3 * unloaded + batch)],
        "<= 1",
        unloaded_ms=milliseconds(unloaded),
        loaded_ms=milliseconds(loaded),
        batch_ms=milliseconds(batch),
    )


def _ask_singles(server: BenchServer, bodies: Sequence[bytes]) -> list[float]:
    headers = {**JSON, "X-API-Key": "single"}
    latencies = []
    with server.client(1) as client:
        for number in range(SINGLES):
            began = time.monotonic()
            response = client.post("/predict/xcopa", bodies[number % len(bodies)], headers)
            response.read()
            if response.status_code != HTTPStatus.OK:
                raise RuntimeError(f"a single caller got status {response.status_code}")
            latencies.append(time.monotonic() - began)
            gevent.sleep(random.uniform(0.02, 0.1))  # noqa: S311 - a pause, no secret
    return latencies


def _keep_asking(server: BenchServer, request: bytes, stop: gevent.event.Event) -> None:
    headers = {**JSON, "X-API-Key": "bulk"}
    with server.client(1) as client:
        while not stop.is_set():
            response = client.post("/predict/xcopa/batch", request, headers)
            response.read()
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                gevent.sleep(float(response.get("retry-after", "1")))
