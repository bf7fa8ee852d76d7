"""Rounds of wrk (https://github.com/wg/wrk), which asks as fast as it is answered."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.closed_load import CALLERS
from loadtests.bench.inputs import mixed_items
from loadtests.bench.servers import BenchServer

ROUND_S, WARM_UP_S = 5, 3

_SCRIPT = """wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = [==[{}]==]
"""


@dataclass(frozen=True)
class WrkRound:
    """What wrk and the server's process came to: requests per second, processor seconds each."""

    rate: float
    cpu: float


def rate_of(output: str) -> float:
    """Return the requests per second that wrk reports.

    Raises:
        RuntimeError: some responses were no answers.
    """
    if "Non-2xx" in output:
        raise RuntimeError(output)
    return float(output.split("Requests/sec:")[1].split(maxsplit=1)[0])


@contextmanager
def question_script() -> Iterator[Path]:
    """Yield a script for wrk that asks one question."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "post.lua"
        script.write_text(_SCRIPT.format(json.dumps(mixed_items(1)[0])), encoding="utf-8")
        yield script


def run_wrk(server: BenchServer, script: Path, duration: int) -> WrkRound:
    """Drive a server for some seconds with the script."""
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
