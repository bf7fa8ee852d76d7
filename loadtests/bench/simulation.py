"""How long a million simulated requests take on one core: what ``xcopa plan`` is made of.

Processor time is what counts, so that other programs do not: the simulation has one thread. A
replica is about as fast as the shipped models on two cores. How large its batches are, and so how
often the scheduler is asked, changes the figure; what a batch takes does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from rich.console import Console
from rich.progress import track

from app.serving.work import ModelProfile, ServiceCurve
from loadtests.bench.results import BenchResult
from loadtests.timing import cpu_seconds
from planning.figures import MOST_REQUESTS
from planning.simulation import Fleet, simulate
from planning.speed import FRONT_SECONDS, ReplicaSpeed
from planning.traffic import Traffic

REQUESTS, ROUNDS = MOST_REQUESTS, 2
REPLICAS = (1, 7_000)
"""The larger fleet takes a million requests a second, and does not fit into the caches."""

LOAD = 0.75
"""Of what a fleet answers at most."""

SPEED = ReplicaSpeed(
    ModelProfile(512, ServiceCurve(0.002, 0.0002)), engines=2, front_seconds=FRONT_SECONDS
)
TARGET = "<= 60"


def measure(console: Console) -> list[BenchResult]:
    """Return the processor seconds of a simulation with one replica, and with thousands."""
    turns = [replicas for _ in range(ROUNDS) for replicas in REPLICAS]
    runs: dict[int, list[float]] = {replicas: [] for replicas in REPLICAS}
    for turn, replicas in enumerate(track(turns, description="simulation", console=console)):
        runs[replicas].append(cpu_seconds(partial(_simulated, replicas, turn)))
    return results_of(runs)


def _simulated(replicas: int, seed: int) -> None:
    simulate(Fleet(SPEED, replicas), _traffic(replicas), REQUESTS, seed)


def _traffic(replicas: int) -> Traffic:
    usual = Traffic(1.0)
    return usual.at(LOAD * replicas * SPEED.most_per_second(usual.lengths.mean))


def results_of(runs: Mapping[int, list[float]]) -> list[BenchResult]:
    """Return a line for each fleet; ``runs`` are processor seconds, by its replicas."""
    return [
        BenchResult.of(
            f"processor time of {REQUESTS:,} simulated requests to "
            + ("1 replica" if replicas == 1 else f"{replicas:,} replicas"),
            "s",
            seconds,
            TARGET,
            us_a_request=round(1e6 * min(seconds) / REQUESTS, 1),
            simulated_per_second=round(_traffic(replicas).rate),
        )
        for replicas, seconds in runs.items()
    ]
