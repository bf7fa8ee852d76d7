"""How well the machine is used when every caller always waits.

That is: the processor time that the service adds to that of the engine, and the useful arithmetic
through HTTP over what the machine can do in products of large matrices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.progress import track

from app.engine.threads import LanePlan, choose_threads
from app.engine.tokenizer import Rows
from app.settings import Settings
from app.weights.variant import Variant, load_models
from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.encoder import encoder_weights
from loadtests.bench.inputs import MODEL, mixed_bodies, mixed_items, rows_of
from loadtests.bench.matmul import BestMatmulRate
from loadtests.bench.results import RATIO, BenchResult
from loadtests.bench.servers import SERVICE, Samples, started
from loadtests.peers.padded import PaddedVariant
from loadtests.timing import cpu_seconds

ROUNDS, ROUND_S, WARM_UP_S = 5, 10.0, 5
ITEMS, ENGINE_ITEMS = 1024, 300
BATCHES, TOKENS = "xcopa_batch_rows_count", "xcopa_batch_tokens_sum"


@dataclass(frozen=True)
class Round:
    """Some seconds of load, and what the engine and the machine could do right after them."""

    requests_per_second: float
    items_a_batch: int
    cpu: float
    """Processor time of an item in the server, over that in the engine alone."""
    arithmetic: float
    """Useful operations a second over those of the best matrix product known here."""
    best_rate: float
    """Operations a second of that product."""


def measure(console: Console) -> list[BenchResult]:
    """Return the server's processor time over the engine's, and its arithmetic over the best."""
    settings = Settings(engines=0)
    variant = load_models(settings)[MODEL]
    variant.engine.warm_up()
    weights = encoder_weights(PaddedVariant.load(variant.source, settings.cache_dir).model)
    best = BestMatmulRate(LanePlan.of(choose_threads(settings.threads).threads))
    bodies = mixed_bodies(ITEMS)
    rows = itertools.cycle(rows_of(variant.tokenizer, mixed_items(ITEMS)))
    rounds = []
    with started(SERVICE) as server:
        closed_load(server, bodies, CALLERS, WARM_UP_S)
        for _ in track(range(ROUNDS), description="saturation", console=console):
            before, cpu = server.metrics(), server.cpu_seconds
            load = closed_load(server, bodies, CALLERS, ROUND_S)
            spent, after = server.cpu_seconds - cpu, server.metrics()
            size = items_a_batch(len(load.latencies), before, after)
            batches = [list(itertools.islice(rows, size)) for _ in range(batches_of(size))]
            engine = cpu_seconds(_engine_on(variant, batches)) / (size * len(batches))
            rate, _ = best()
            tokens = after[TOKENS, MODEL] - before[TOKENS, MODEL]
            rounds.append(
                Round(
                    requests_per_second=load.rate,
                    items_a_batch=size,
                    cpu=spent / len(load.latencies) / engine,
                    arithmetic=2 * weights * tokens / load.seconds / rate,
                    best_rate=rate,
                )
            )
    return results_of(rounds)


def results_of(rounds: Sequence[Round]) -> list[BenchResult]:
    """Return what the rounds show."""
    return [
        BenchResult.of(
            "processor time of the server over the engine's alone, at saturation",
            RATIO,
            [each.cpu for each in rounds],
            "<= 1.08",
            requests_per_second=round(median(each.requests_per_second for each in rounds), 1),
            items_a_batch=median(each.items_a_batch for each in rounds),
        ),
        BenchResult.of(
            "useful arithmetic through HTTP over the best matrix product known here",
            RATIO,
            [each.arithmetic for each in rounds],
            ">= 0.88",
            gflops=round(median(each.best_rate for each in rounds) / 1e9),
        ),
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
