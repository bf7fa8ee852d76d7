"""Compares the service behind Ray Serve's proxy with the service itself.

Both sides compute with the same number of threads. The proxy, its controller and the cluster take
processor time too, so on a machine of few cores a part of the difference is theirs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from contextlib import ExitStack

import gevent
from rich.console import Console
from rich.progress import track

from app.engine.threads import choose_threads
from app.settings import Settings
from loadtests.bench.closed_load import CALLERS, ClosedLoad, closed_load
from loadtests.bench.inputs import mixed_bodies
from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import SERVICE, BenchServer, started

ROUNDS, ROUND_S, WARM_UP_S = 5, 10.0, 3.0

REPLICAS = 2
"""Of the fleet; each has as many threads as a half of the machine's."""

PROXIES = {"Serve's proxy": "0", "Serve's HAProxy": "1"}
"""What Ray has for callers to come through, and ``RAY_SERVE_ENABLE_HA_PROXY`` for it."""

RatePair = tuple[ClosedLoad, ClosedLoad]
"""Of one round: through the proxy, and without it."""


def measure(console: Console) -> list[BenchResult]:
    """Return what the proxy costs a replica, and the goodput of a fleet beside its replicas'."""
    if importlib.util.find_spec("ray") is None:
        console.print("not measured: pip install 'xcopa-service[ray]' brings Ray", markup=False)
        return []
    cores = choose_threads(Settings().threads).threads
    one = _rounds(console, 1, cores)
    each = max(1, cores // REPLICAS)
    results = of_the_proxy(one)
    for name, haproxy in PROXIES.items():
        results.append(of_the_fleet(name, _rounds(console, REPLICAS, each, haproxy)))
    return results


def _rounds(console: Console, replicas: int, threads: int, haproxy: str = "0") -> list[RatePair]:
    """Measure replicas behind a proxy, and as many services that share the callers."""
    bodies = mixed_bodies()
    on_ray = (*SERVICE, "--ray", "--replicas", str(replicas))
    with ExitStack() as running:
        fleet = running.enter_context(
            started(on_ray, XCOPA_THREADS=str(threads), RAY_SERVE_ENABLE_HA_PROXY=haproxy)
        )
        alone = [
            running.enter_context(started(SERVICE, XCOPA_THREADS=str(threads)))
            for _ in range(replicas)
        ]
        for servers in ([fleet], alone):
            _load(servers, bodies, WARM_UP_S)
        return [
            (_load([fleet], bodies, ROUND_S), _load(alone, bodies, ROUND_S))
            for _ in track(range(ROUNDS), description=f"{replicas} on Ray", console=console)
        ]


def _load(servers: Sequence[BenchServer], bodies: Sequence[bytes], seconds: float) -> ClosedLoad:
    """Share the callers out over servers that are asked at the same time."""
    asking = [
        gevent.spawn(closed_load, server, bodies, CALLERS // len(servers), seconds)
        for server in servers
    ]
    gevent.joinall(asking, raise_error=True)
    loads: list[ClosedLoad] = [each.value for each in asking]
    latencies = [latency for load in loads for latency in load.latencies]
    return ClosedLoad(latencies, max(load.seconds for load in loads))


def of_the_proxy(rounds: Sequence[RatePair]) -> list[BenchResult]:
    """Return what the proxy takes of the throughput of one replica, and adds to its calls."""
    return [
        BenchResult.of(
            "requests per second of a replica behind Ray Serve's proxy over those without it",
            RATIO,
            [ray.rate / plain.rate for ray, plain in rounds],
            requests_per_second=medians([(ray.rate, plain.rate) for ray, plain in rounds], 1),
        ),
        BenchResult.of(
            "median latency behind Ray Serve's proxy over that without it",
            RATIO,
            [ray.median / plain.median for ray, plain in rounds],
            median_ms=medians([(1000 * ray.median, 1000 * plain.median) for ray, plain in rounds]),
        ),
    ]


def of_the_fleet(proxy: str, rounds: Sequence[RatePair]) -> BenchResult:
    """Return the goodput of replicas on Ray over that of as many services side by side.

    Args:
        proxy: what callers reach the replicas through; one of ``PROXIES``.
        rounds: what was measured.
    """
    return BenchResult.of(
        f"goodput of two replicas on Ray behind {proxy} over that of two services side by side",
        RATIO,
        [ray.rate / plain.rate for ray, plain in rounds],
        ">= 0.9",
        requests_per_second=medians([(ray.rate, plain.rate) for ray, plain in rounds], 1),
    )
