"""Compares the service with an endpoint that runs one padded pass for each request."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import track

from app.engine.threads import choose_threads
from app.settings import Settings
from loadtests.bench.checkpoint import exported
from loadtests.bench.closed_load import CALLERS, ClosedLoad, closed_load
from loadtests.bench.inputs import MODEL, mixed_bodies
from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import SERVICE, started
from loadtests.peers.catalogue import PLAIN
from loadtests.peers.setup import PeerSetup

ROUNDS, ROUND_S, WARM_UP_S = 5, 10.0, 3


def measure(console: Console) -> list[BenchResult]:
    """Return the service's requests per second over those of the plain endpoint."""
    bodies = mixed_bodies()
    setup = PeerSetup(1, choose_threads(Settings().threads).threads)
    with (
        exported(MODEL) as checkpoint,
        started(SERVICE) as ours,
        started(
            PLAIN.arguments(setup, checkpoint),
            PLAIN.probe,
            sys.executable,
            PLAIN.stop,
            **PLAIN.environment(setup, checkpoint),
        ) as plain,
    ):
        for server in (ours, plain):
            closed_load(server, bodies, CALLERS, WARM_UP_S)
        rounds = [
            (
                closed_load(ours, bodies, CALLERS, ROUND_S),
                closed_load(plain, bodies, CALLERS, ROUND_S),
            )
            for _ in track(range(ROUNDS), description="plain endpoint", console=console)
        ]
    return [over_plain(rounds)]


def over_plain(rounds: Sequence[tuple[ClosedLoad, ClosedLoad]]) -> BenchResult:
    """Return the ratio of the rates of each round: of the service, and of the plain endpoint."""
    return BenchResult.of(
        "requests per second over a plain endpoint with the padded pass",
        RATIO,
        [ours.rate / plain.rate for ours, plain in rounds],
        requests_per_second=medians([(ours.rate, plain.rate) for ours, plain in rounds], 1),
        median_ms=medians([(1000 * ours.median, 1000 * plain.median) for ours, plain in rounds]),
    )
