"""How long a single caller waits, compared with the time of the engine alone."""

from __future__ import annotations

import statistics

from geventhttpclient import HTTPClient
from rich.console import Console
from rich.progress import track

from app.settings import Settings
from app.weights.variant import load_models
from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import MODEL, body, mixed_bodies, mixed_items, rows_of
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import JSON, SERVICE, started
from loadtests.timing import seconds

ITEMS, REQUESTS, WARM_UP_S = 10, 40, 5


def measure(console: Console) -> list[BenchResult]:
    """Return a lone request's median over the engine's own, item by item, turn by turn."""
    variant = load_models(Settings(engines=0))[MODEL]
    variant.engine.warm_up()
    times: list[tuple[float, float]] = []
    with started(SERVICE) as server, server.client(1) as client:
        closed_load(server, mixed_bodies(), CALLERS, WARM_UP_S)
        for item in track(mixed_items(ITEMS), description="lone requests", console=console):
            [rows] = rows_of(variant.tokenizer, [item])
            request, asked, ran = body(item), [], []
            for _ in range(REQUESTS):
                asked.append(seconds(_ask, client, request))
                ran.append(seconds(variant.engine.logits, rows))
            times.append((statistics.median(asked), statistics.median(ran)))
    return [over_engine(times)]


def over_engine(times: list[tuple[float, float]]) -> BenchResult:
    """Return the ratio of the medians of each item: of its requests, and of the engine's runs.

    Args:
        times: seconds, a pair an item.
    """
    return BenchResult.of(
        "a lone request's median over the engine's own time for the item",
        RATIO,
        [request / engine for request, engine in times],
        "<= 1.2",
        request_ms=milliseconds(statistics.median(request for request, _ in times), 2),
        engine_ms=milliseconds(statistics.median(engine for _, engine in times), 2),
    )


def _ask(client: HTTPClient, request: bytes) -> None:
    client.post("/predict/xcopa", request, JSON).read()
