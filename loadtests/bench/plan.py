"""Does the simulation of ``xcopa plan`` say what the real service does?

The server's capacity is measured first, and with that the pace of its batches and the processor
time of a request in front. Then requests come at random times at shares of the capacity, to the
server and to the simulation. The simulation knows nothing of what it is compared with.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from app.serving.admission import Limits
from app.settings import Settings
from app.weights.variant import Variant, load_models
from loadtests.bench.closed_load import CALLERS, closed_load
from loadtests.bench.inputs import MODEL, body, mixed_items, rows_of
from loadtests.bench.open_load import Arrival, OpenLoad
from loadtests.bench.results import RATIO, BenchResult, milliseconds
from loadtests.bench.servers import JSON, SERVICE, BenchServer, Samples, started
from loadtests.items import ItemFields
from planning.figures import Effort, LoadFigures, observe
from planning.lengths import LengthMix
from planning.simulation import Fleet, quantile
from planning.speed import ReplicaSpeed, speed_of
from planning.traffic import Traffic

LOADS, ROUNDS, ROUND_S = (0.3, 0.6, 0.9), 3, 60.0
WARM_UP_S, CAPACITY_S = 5.0, 15.0
ITEMS, SIMULATED = 1024, 20_000
TARGET = "0.85 to 1.15"
SHARES = {"p50": 0.5, "p99": 0.99}

_SECONDS, _BATCHES = (
    "xcopa_batch_duration_seconds_sum",
    "xcopa_batch_duration_seconds_count",
)
_TOKENS = "xcopa_batch_tokens_sum"


@dataclass(frozen=True)
class Capacity:
    """What the server does when callers always wait."""

    rate: float
    """Requests per second."""
    speed: ReplicaSpeed


@dataclass(frozen=True)
class ComparedRound:
    """Some seconds at a share of the capacity."""

    load: float
    rate: float
    """Requests per second."""
    measured: dict[str, float]
    """Seconds; p50 and p99 of all requests that were answered."""
    simulated: LoadFigures
    unanswered: int
    """Requests without an answer; a figure is worth nothing where there are many."""
    speed: ReplicaSpeed
    """Of the simulation, as the capacity has shown it."""
    pace: float
    """Of the batches in this round. At a low load it is less than that of the simulation, because
    engines that are idle take some of the rows of a batch; the simulation does that, too."""

    def ratio(self, name: str) -> float:
        """Return the simulated p50 or p99 over the measured one."""
        figure = self.simulated.p50 if name == "p50" else self.simulated.p99
        return figure.value / self.measured[name]


def measure(console: Console) -> list[BenchResult]:
    """Return simulated over measured quantiles at each load."""
    settings = Settings(engines=0)
    items = mixed_items(ITEMS)
    lengths = lengths_of(load_models(settings)[MODEL], items)
    bodies = [body(item) for item in items]
    rounds: list[ComparedRound] = []
    with started(SERVICE) as server:
        closed_load(server, bodies, CALLERS, WARM_UP_S)
        turns = [load for _ in range(ROUNDS) for load in LOADS]
        for load in track(turns, description="plan", console=console):
            # Before each, because the machine drifts within minutes.
            capacity = measure_capacity(server, bodies)
            rounds.append(_round(server, bodies, capacity, load, lengths, settings))
    return results_of(rounds)


def lengths_of(variant: Variant, items: Sequence[ItemFields]) -> LengthMix:
    """Return how many tokens the items have, both rows together."""
    rows = rows_of(variant.tokenizer, items)
    return LengthMix.counted([sum(map(len, each)) for each in rows])


def measure_capacity(server: BenchServer, bodies: Sequence[bytes]) -> Capacity:
    """Have callers ask without pause, and read off how fast a replica is."""
    with server.client(1) as client:
        curve = speed_of(json.loads(client.get("/models").read()), MODEL, front_seconds=0.0)
    before, front = server.metrics(), server.front_cpu_seconds
    load = closed_load(server, bodies, CALLERS, CAPACITY_S)
    spent = server.front_cpu_seconds - front
    pace = pace_of(curve, before, server.metrics())
    speed = replace(curve, pace=pace, front_seconds=spent / len(load.latencies))
    return Capacity(load.rate, speed)


def pace_of(curve: ReplicaSpeed, before: Samples, after: Samples) -> float:
    """Return how many times as long as on the curve the batches between two scrapes took."""
    seconds, batches, tokens = (
        after[name, MODEL] - before[name, MODEL] for name in (_SECONDS, _BATCHES, _TOKENS)
    )
    if not batches:
        return 1.0
    return seconds / batches / curve.seconds(round(tokens / batches))


def _round(
    server: BenchServer,
    bodies: Sequence[bytes],
    capacity: Capacity,
    load: float,
    lengths: LengthMix,
    settings: Settings,
) -> ComparedRound:
    rate = load * capacity.rate
    before = server.metrics()
    sent = OpenLoad.to(server.port, "/predict/xcopa", bodies, JSON)
    sent.send(rate, ROUND_S)
    sent.wait()
    pace = pace_of(replace(capacity.speed, pace=1.0), before, server.metrics())
    fleet = Fleet(capacity.speed, 1, "random", Limits(settings.queue_seconds))
    simulated = observe(fleet, Traffic(rate, lengths), Effort(requests=SIMULATED), _nothing)
    measured, unanswered = quantiles(sent.arrivals)
    return ComparedRound(load, rate, measured, simulated, unanswered, capacity.speed, pace)


def _nothing() -> None:
    """A simulation was made."""


def quantiles(arrivals: Sequence[Arrival]) -> tuple[dict[str, float], int]:
    """Return p50 and p99 of the answers, in seconds, and how many requests had none.

    Raises:
        RuntimeError: no request was answered.
    """
    answered = np.array([each.seconds for each in arrivals if each.status == HTTPStatus.OK])
    if not answered.size:
        raise RuntimeError("no request was answered")
    found = {name: quantile(answered, share) for name, share in SHARES.items()}
    return found, len(arrivals) - answered.size


def results_of(rounds: Sequence[ComparedRound]) -> list[BenchResult]:
    """Return a line for each load and each quantile, over all of its rounds."""
    return [
        BenchResult.of(
            f"simulated {name} over the measured one at {100 * load:.0f} % load",
            RATIO,
            [each.ratio(name) for each in rounds if each.load == load],
            TARGET,
            **_details(name, [each for each in rounds if each.load == load]),
        )
        for load in dict.fromkeys(each.load for each in rounds)
        for name in SHARES
    ]


def _details(name: str, rounds: Sequence[ComparedRound]) -> dict[str, Any]:
    simulated = [each.simulated.p50 if name == "p50" else each.simulated.p99 for each in rounds]
    return {
        "requests_per_second": round(statistics.median(each.rate for each in rounds), 1),
        "measured_ms": milliseconds(statistics.median(each.measured[name] for each in rounds)),
        "simulated_ms": milliseconds(statistics.median(each.value for each in simulated)),
        "simulated_half_interval_ms": milliseconds(
            statistics.median(each.high - each.value for each in simulated)
        ),
        "unanswered": sum(each.unanswered for each in rounds),
        "pace_at_capacity": round(statistics.median(each.speed.pace for each in rounds), 3),
        "pace_at_this_load": round(statistics.median(each.pace for each in rounds), 3),
        "front_ms": milliseconds(statistics.median(each.speed.front_seconds for each in rounds), 3),
        "capacity_per_second": [round(each.rate / each.load, 1) for each in rounds],
    }
