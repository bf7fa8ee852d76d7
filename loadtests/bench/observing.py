"""What it costs to watch the service: metrics, traces, and a line of the log a request.

With engines that answer at once, beside itself without each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import track

from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import BenchServer, started, uvicorn
from loadtests.bench.trace_receiver import RECEIVED
from loadtests.bench.wrk import WrkRound, question_script, run_wrk

FULL, UNCOUNTED, TRACED, LOGGED = "metrics", "nothing", "traces", "log"
"""With metrics; without them; with metrics and traces; with metrics and a line a request."""

SERVICE = "loadtests.bench.null_server:service"
_UNCOUNTED = "loadtests.bench.uncounted_server:service"
_LOGGED = "loadtests.bench.logged_server:service"
_RECEIVER = "loadtests.bench.trace_receiver:receiver"
SCRAPE_EVERY_S = 5.0
"""As ``observability/prometheus/prometheus.yml`` has it."""

SAMPLED = 0.1
"""The share of requests whose spans are sent."""

COSTS = {
    f"null engine: requests per second with {FULL} over those without": (FULL, UNCOUNTED, ">= 0.9"),
    f"null engine: requests per second with {SAMPLED:.0%} traced over none": (
        *(TRACED, FULL),
        ">= 0.85",
    ),
    "null engine: requests per second with a line of the log each over none": (LOGGED, FULL, ""),
}
"""What is compared with what, and what the project wants to reach."""

WatchedRound = Mapping[str, WrkRound]


class NotWatchedError(Exception):
    """A server did not do what its cost was to be measured of."""


def measure_observing(
    console: Console, rounds: int, round_seconds: int, warm_up_seconds: int
) -> list[BenchResult]:
    """Return requests per second with each over those without, in turns; needs wrk.

    Raises:
        NotWatchedError: no spans came, or no lines were written.
    """
    with sides() as servers, question_script() as script:
        for server in servers.values():
            run_wrk(server, script, warm_up_seconds)
        done: list[WatchedRound] = []
        for turn in track(range(rounds), description="observing", console=console):
            # The order is turned round, so that a machine that slows down favours none.
            names = list(servers) if turn % 2 else list(reversed(servers))
            ended = {}
            for name in names:
                with scraped(servers[name]):
                    ended[name] = run_wrk(servers[name], script, round_seconds)
            done.append(ended)
    return costs(done)


def costs(rounds: Sequence[WatchedRound]) -> list[BenchResult]:
    """Return the ratio of the rates of each round, for each of ``COSTS``."""
    return [
        BenchResult.of(
            name,
            RATIO,
            [each[watched].rate / each[bare].rate for each in rounds],
            target,
            requests_per_second=medians([(each[watched].rate, each[bare].rate) for each in rounds]),
            cpu_us_a_request=medians(
                [(1e6 * each[watched].cpu, 1e6 * each[bare].cpu) for each in rounds]
            ),
        )
        for name, (watched, bare, target) in COSTS.items()
    ]


@contextmanager
def sides() -> Iterator[dict[str, BenchServer]]:
    """Yield the servers; see afterwards that what was to be measured has happened."""
    with TemporaryDirectory() as folder, ExitStack() as running:
        lines = Path(folder, "log")
        receiver = running.enter_context(started(uvicorn(_RECEIVER), probe=RECEIVED))
        traced = started(
            uvicorn(SERVICE),
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.port}",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_TRACES_SAMPLER="parentbased_traceidratio",
            OTEL_TRACES_SAMPLER_ARG=str(SAMPLED),
        )
        yield {
            FULL: running.enter_context(started(uvicorn(SERVICE))),
            UNCOUNTED: running.enter_context(started(uvicorn(_UNCOUNTED))),
            TRACED: running.enter_context(traced),
            LOGGED: running.enter_context(started(uvicorn(_LOGGED), BENCH_LOG=str(lines))),
        }
        with receiver.client(1) as client:
            exports = int(client.get(RECEIVED).read())
        written = lines.read_bytes().count(b"/predict/xcopa")
        if not exports or not written:
            raise NotWatchedError(f"{exports} exports of spans, {written} lines of requests")


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
