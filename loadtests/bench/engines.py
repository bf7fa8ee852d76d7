"""What engines in processes of their own cost: the hand-over of a batch, and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import track

from app.engine.engine import Engine
from app.engine.plan import EnginePlan
from app.engine.pool import EnginePool
from app.engine.pool_seats import PoolSeats
from app.engine.processes.messages import Order, SharedWeights
from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import mixed_bodies
from loadtests.bench.null_engine import NullEngine
from loadtests.bench.results import RATIO, BenchResult
from loadtests.bench.servers import SERVICE, started

BATCHES, ROUNDS = 2_000, 5
ROWS, ROW_TOKENS = 16, 28
LOAD_S = 10
_MICRO = 1e6


class NullWeights:
    """Engines that answer zeros at once; a ``SharedWeights``."""

    about = None
    plan = EnginePlan(1, 1)

    def warm_up(self) -> None:
        """See ``SharedWeights``."""

    def engines(self, number: int) -> Sequence[Engine]:  # noqa: ARG002
        """See ``SharedWeights``."""
        return [NullEngine()]


def null_weights(argument: None) -> SharedWeights:  # noqa: ARG001
    """Return what the template of this measurement holds."""
    return NullWeights()


def measure(console: Console) -> list[BenchResult]:
    """Return the time of a hand-over, there and back, and the memory of two engines over one."""
    return [handover(console), memory(console)]


def handover(console: Console) -> BenchResult:
    """Return the time of a batch on an engine that computes nothing."""
    pool = EnginePool(Order(f"{__name__}:null_weights", None, log_level=30))
    pool.start()
    pool.number_models(["null"])
    seat = PoolSeats(pool).take()
    assert seat is not None
    rows = [list(range(ROW_TOKENS))] * ROWS
    try:
        runs = []
        for _ in track(range(ROUNDS), description="hand-over", console=console):
            times = []
            for _ in range(BATCHES):
                began = time.perf_counter()
                seat.logits("null", rows)
                times.append(time.perf_counter() - began)
            runs.append(_MICRO * statistics.median(times))
    finally:
        pool.stop()
    return BenchResult.of(
        "hand-over of a batch to an engine and back",
        "us",
        runs,
        "<= 150",
        rows=ROWS,
        tokens=ROWS * ROW_TOKENS,
    )


def memory(console: Console) -> BenchResult:
    """Return the memory of the service with two engines over that with one, after some load."""
    megabytes = [
        _after_load(count) / 1e6
        for count in track((1, 2), description="memory of engines", console=console)
    ]
    return BenchResult.of(
        "memory of the service with two engines over that with one",
        RATIO,
        [megabytes[1] / megabytes[0]],
        "<= 1.15",
        megabytes=[round(each) for each in megabytes],
    )


def _after_load(engines: int) -> int:
    with started(SERVICE, XCOPA_ENGINES=str(engines), XCOPA_THREADS="2") as server:
        closed_load(server, mixed_bodies(), CALLERS, LOAD_S)
        return server.memory
