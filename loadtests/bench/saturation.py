"""The processor time that the service adds to the engine's, when every caller always waits."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import track

from app.engine.tokenizer import Rows
from app.settings import Settings
from app.weights.variant import Variant, load_models
from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import MODEL, mixed_bodies, mixed_items, rows_of
from loadtests.bench.results import RATIO, BenchResult
from loadtests.bench.servers import SERVICE, Samples, started
from loadtests.timing import cpu_seconds

ROUNDS, ROUND_S, WARM_UP_S = 5, 10.0, 5
ITEMS, ENGINE_ITEMS = 1024, 300
BATCHES = "xcopa_batch_rows_count"


def measure(console: Console) -> list[BenchResult]:
    """Return the server's processor time an item over the engine's alone, in as large batches."""
    variant = load_models(Settings(engines=0))[MODEL]
    variant.engine.warm_up()
    bodies = mixed_bodies(ITEMS)
    rows = itertools.cycle(rows_of(variant.tokenizer, mixed_items(ITEMS)))
    ratios, rates, sizes = [], [], []
    with started(SERVICE) as server:
        closed_load(server, bodies, CALLERS, WARM_UP_S)
        for _ in track(range(ROUNDS), description="processor time", console=console):
            before, cpu = server.metrics(), server.cpu_seconds
            load = closed_load(server, bodies, CALLERS, ROUND_S)
            spent, after = server.cpu_seconds - cpu, server.metrics()
            size = items_a_batch(len(load.latencies), before, after)
            batches = [list(itertools.islice(rows, size)) for _ in range(batches_of(size))]
            engine = cpu_seconds(_engine_on(variant, batches)) / (size * len(batches))
            ratios.append(spent / len(load.latencies) / engine)
            rates.append(load.rate)
            sizes.append(size)
    return [
        BenchResult.of(
            "processor time of the server over the engine's alone, at saturation",
            RATIO,
            ratios,
            "<= 1.15",
            requests_per_second=round(statistics.median(rates), 1),
            items_a_batch=statistics.median(sizes),
        )
    ]


def items_a_batch(items: int, before: Samples, after: Samples) -> int:
    """Return the mean size of the batches that were run between two scrapes, in items."""
    return max(1, round(items / (after[BATCHES, MODEL] - before[BATCHES, MODEL])))


def batches_of(size: int) -> int:
    """Return how many batches of that size the engine runs alone: about as much work each time."""
    return max(1, ENGINE_ITEMS // size)


def _engine_on(variant: Variant, batches: Sequence[Sequence[Rows]]) -> Callable[[], None]:
    def run() -> None:
        for items in batches:
            variant.engine.logits(list(itertools.chain.from_iterable(items)))

    return run
