"""Compares the service, with an engine that answers at once, with a minimal FastAPI endpoint.

And with itself without metrics, traces and a log (``observing.py``).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from rich.console import Console
from rich.progress import track

from loadtests.bench.observing import SERVICE, measure_observing
from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import started, uvicorn
from loadtests.bench.wrk import ROUND_S, WARM_UP_S, WrkRound, question_script, run_wrk

ROUNDS = 15
ECHO = "loadtests.bench.null_server:echo"


def measure(console: Console) -> list[BenchResult]:
    """Return the service's requests per second over a bare echo's, and its own; needs wrk."""
    if shutil.which("wrk") is None:
        console.print("wrk is not installed (Debian package wrk): the measurement null is left out")
        return []
    with (
        started(uvicorn(SERVICE)) as service,
        started(uvicorn(ECHO), probe="/docs") as echo,
        question_script() as script,
    ):
        for server in (service, echo):
            run_wrk(server, script, WARM_UP_S)
        rounds = [
            (run_wrk(service, script, ROUND_S), run_wrk(echo, script, ROUND_S))
            for _ in track(range(ROUNDS), description="null engine", console=console)
        ]
    return [over_echo(rounds), *measure_observing(console, ROUNDS, ROUND_S, WARM_UP_S)]


def over_echo(rounds: Sequence[tuple[WrkRound, WrkRound]]) -> BenchResult:
    """Return the ratio of the rates of each round: of the service, and of the echo."""
    return BenchResult.of(
        "null engine: requests per second over a bare FastAPI echo",
        RATIO,
        [service.rate / echo.rate for service, echo in rounds],
        ">= 0.5",
        requests_per_second=medians([(service.rate, echo.rate) for service, echo in rounds]),
        cpu_us_a_request=medians([(1e6 * service.cpu, 1e6 * echo.cpu) for service, echo in rounds]),
    )
