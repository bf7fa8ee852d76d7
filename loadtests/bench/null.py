"""Compares the service, with an engine that answers at once, with a minimal FastAPI endpoint."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from loadtests.bench.closed_load import CALLERS
from loadtests.bench.inputs import mixed_items
from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import BenchServer, started, uvicorn

ROUNDS, ROUND_S, WARM_UP_S = 5, 5, 3
SERVICE, ECHO = (f"loadtests.bench.null_server:{name}" for name in ("service", "echo"))

_SCRIPT = """wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = [==[{}]==]
"""


@dataclass(frozen=True)
class WrkRound:
    """What wrk and the server's process came to: requests per second, processor seconds each."""

    rate: float
    cpu: float


def measure(console: Console) -> list[BenchResult]:
    """Return the service's requests per second over a bare echo's; needs wrk."""
    if shutil.which("wrk") is None:
        console.print("wrk is not installed (Debian package wrk): the measurement null is left out")
        return []
    with (
        started(uvicorn(SERVICE)) as service,
        started(uvicorn(ECHO), probe="/docs") as echo,
        tempfile.TemporaryDirectory() as directory,
    ):
        script = Path(directory) / "post.lua"
        script.write_text(_SCRIPT.format(json.dumps(mixed_items(1)[0])), encoding="utf-8")
        for server in (service, echo):
            _wrk(server, script, WARM_UP_S)
        rounds = [
            (_wrk(service, script, ROUND_S), _wrk(echo, script, ROUND_S))
            for _ in track(range(ROUNDS), description="null engine", console=console)
        ]
    return [over_echo(rounds)]


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


def rate_of(output: str) -> float:
    """Return the requests per second that wrk reports.

    Raises:
        RuntimeError: some responses were no answers.
    """
    if "Non-2xx" in output:
        raise RuntimeError(output)
    return float(output.split("Requests/sec:")[1].split(maxsplit=1)[0])


def _wrk(server: BenchServer, script: Path, duration: int) -> WrkRound:
    cpu, began = server.cpu_seconds, time.monotonic()
    url = f"http://127.0.0.1:{server.port}/predict/xcopa"
    output = subprocess.run(  # noqa: S603
        ["wrk", "-t1", f"-c{CALLERS}", f"-d{duration}", "-s", str(script), url],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rate = rate_of(output)
    return WrkRound(rate, (server.cpu_seconds - cpu) / (rate * (time.monotonic() - began)))
