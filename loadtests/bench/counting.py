"""Compares the service, with an engine that answers at once, with itself without metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import track

from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import BenchServer, started, uvicorn
from loadtests.bench.wrk import WrkRound, question_script, run_wrk

SERVICE = "loadtests.bench.null_server:service"
UNCOUNTED = "loadtests.bench.uncounted_server:service"
SCRAPE_EVERY_S = 5.0
"""As ``observability/prometheus/prometheus.yml`` has it."""


def measure_counting(
    console: Console, rounds: int, round_seconds: int, warm_up_seconds: int
) -> BenchResult:
    """Return requests per second with metrics over those without, in turns; needs wrk."""
    with (
        started(uvicorn(SERVICE)) as counted,
        started(uvicorn(UNCOUNTED)) as uncounted,
        question_script() as script,
    ):
        for server in (counted, uncounted):
            run_wrk(server, script, warm_up_seconds)
        pairs: list[tuple[WrkRound, WrkRound]] = []
        for turn in track(range(rounds), description="counting", console=console):
            # Who goes first changes, so that a machine that slows down favours neither.
            pair = {}
            for server in (counted, uncounted) if turn % 2 else (uncounted, counted):
                with scraped(server):
                    pair[server] = run_wrk(server, script, round_seconds)
            pairs.append((pair[counted], pair[uncounted]))
    return over_uncounted(pairs)


def over_uncounted(rounds: Sequence[tuple[WrkRound, WrkRound]]) -> BenchResult:
    """Return the ratio of the rates of each round: with metrics, and without."""
    return BenchResult.of(
        "null engine: requests per second with metrics over those without",
        RATIO,
        [counted.rate / uncounted.rate for counted, uncounted in rounds],
        ">= 0.9",
        requests_per_second=medians([(one.rate, other.rate) for one, other in rounds]),
        cpu_us_a_request=medians([(1e6 * one.cpu, 1e6 * other.cpu) for one, other in rounds]),
    )


@contextmanager
def scraped(server: BenchServer) -> Iterator[None]:
    """Scrape a server now and every five seconds, as Prometheus does."""
    over = threading.Event()

    def scrape() -> None:
        while True:
            server.metrics()
            if over.wait(SCRAPE_EVERY_S):
                return

    scraping = threading.Thread(target=scrape)
    scraping.start()
    try:
        yield
    finally:
        over.set()
        scraping.join()
