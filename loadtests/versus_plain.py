"""Requests per second of the service beside a plain endpoint that runs the same model.

    python -m loadtests.versus_plain

Both run as processes of their own on this machine, never at the same time under load; rounds
alternate between them, so that a drift of the machine's speed meets both alike. Printed are
medians, and the ratio pair by pair with its least and greatest.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all(thread=False)

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from geventhttpclient import HTTPClient  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402

from loadtests.items import Item, load_items  # noqa: E402

OK = 200
START_LIMIT_S = 180


@dataclass(frozen=True)
class Round:
    """What one round on one server came to."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    data = os.environ.get("XCOPA_DATA_DIR")
    by_language = load_items(Path(data) if data else None)
    items = [item for group in zip(*by_language.values(), strict=False) for item in group]
    commands = {
        "service": [sys.executable, "-m", "app.cli", "serve"],
        "plain": [
            *(sys.executable, "-m", "uvicorn", "loadtests.plain:app"),
            *("--log-level", "warning"),
        ],
    }
    rounds: dict[str, list[Round]] = {name: [] for name in commands}
    with _started(commands["service"]) as service, _started(commands["plain"]) as plain:
        ports = {"service": service, "plain": plain}
        for port in ports.values():
            _round(port, items, arguments.users, seconds=3)
        for _ in track(range(arguments.rounds), description="rounds", console=Console(stderr=True)):
            for name, port in ports.items():
                rounds[name].append(_round(port, items, arguments.users, arguments.seconds))
    _print(rounds, arguments)
    if arguments.out:
        content = {name: [asdict(each) for each in done] for name, done in rounds.items()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=16, help="callers at once")
    parser.add_argument("--rounds", type=int, default=5, help="rounds on each side")
    parser.add_argument("--seconds", type=float, default=10, help="length of a round")
    parser.add_argument("--out", type=Path, help="write every round here as JSON")
    return parser.parse_args()


@contextmanager
def _started(command: list[str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {**os.environ, "XCOPA_PORT": str(port), "UVICORN_PORT": str(port)}
    environment.setdefault("XCOPA_LOG_LEVEL", "warning")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_until_answers(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_until_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            body = json.dumps(next(iter(load_items(None).values()))[0]).encode()
            client = HTTPClient("127.0.0.1", port, connection_timeout=1, network_timeout=30)
            headers = {"Content-Type": "application/json"}
            if client.post("/predict/xcopa", body, headers).status_code == OK:
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise SystemExit("a server did not start; run it by hand to see why")


def _round(port: int, items: list[Item], users: int, seconds: float) -> Round:
    client = HTTPClient("127.0.0.1", port, concurrency=users, network_timeout=60)
    bodies = [json.dumps({**item}).encode() for item in items]
    headers = {"Content-Type": "application/json"}
    latencies: list[float] = []
    began = time.monotonic()

    def user(number: int) -> None:
        turn = number
        while time.monotonic() < began + seconds:
            asked = time.monotonic()
            response = client.post("/predict/xcopa", bodies[turn % len(bodies)], headers)
            response.read()
            if response.status_code != OK:
                raise RuntimeError(f"status {response.status_code}")
            latencies.append(time.monotonic() - asked)
            turn += users

    gevent.joinall([gevent.spawn(user, number) for number in range(users)], raise_error=True)
    elapsed = time.monotonic() - began
    client.close()
    cuts = statistics.quantiles(latencies, n=100)
    return Round(len(latencies) / elapsed, 1000 * cuts[49], 1000 * cuts[98])


def _print(rounds: dict[str, list[Round]], arguments: argparse.Namespace) -> None:
    console = Console()
    table = Table(
        title=f"{arguments.users} callers, {arguments.rounds} alternating rounds of "
        f"{arguments.seconds:g} s; medians"
    )
    for column in ("", "requests/s", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for name, done in rounds.items():
        rates = [each.requests_per_second for each in done]
        table.add_row(
            name,
            f"{statistics.median(rates):.1f} [{min(rates):.1f}, {max(rates):.1f}]",
            f"{statistics.median(each.p50_ms for each in done):.1f}",
            f"{statistics.median(each.p99_ms for each in done):.1f}",
        )
    console.print(table)
    ratios = [
        ours.requests_per_second / theirs.requests_per_second
        for ours, theirs in zip(rounds["service"], rounds["plain"], strict=True)
    ]
    console.print(
        f"service / plain, pair by pair: {statistics.median(ratios):.2f} "
        f"[{min(ratios):.2f}, {max(ratios):.2f}]"
    )


if __name__ == "__main__":
    main()
