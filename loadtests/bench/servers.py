"""Servers as processes of their own, and what can be read of them from outside."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gevent
import psutil
from geventhttpclient import HTTPClient
from prometheus_client.parser import text_string_to_metric_families

START_LIMIT_S = 180
OK = 200
JSON = {"Content-Type": "application/json"}

SERVICE = ("-m", "xcopa.main", "serve")


def uvicorn(application: str) -> tuple[str, ...]:
    """Return the arguments that serve an application as the service is served."""
    return ("-m", "uvicorn", application, "--log-level", "warning", "--no-access-log")


@dataclass(frozen=True)
class Server:
    """A process that serves."""

    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> int:
        """Bytes that are resident."""
        return int(self.process.memory_info().rss)

    def client(self, concurrency: int, timeout: float = 60.0) -> HTTPClient:
        return HTTPClient(
            "127.0.0.1",
            self.port,
            concurrency=concurrency,
            connection_timeout=timeout,
            network_timeout=timeout,
        )

    def metrics(self) -> dict[tuple[str, str], float]:
        """Return the samples of a scrape, by name and ``model`` label."""
        client = self.client(1)
        text = client.get("/metrics").read().decode()
        client.close()
        return {
            (sample.name, sample.labels.get("model", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@contextmanager
def started(
    arguments: tuple[str, ...], probe: str = "/readyz", **settings: str
) -> Iterator[Server]:
    """Yield a server that answers its probe."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {
        "XCOPA_LOG_LEVEL": "warning",
        **os.environ,
        "XCOPA_PORT": str(port),
        "UVICORN_PORT": str(port),
        **settings,
    }
    # An empty setting takes away what this process has set for itself.
    environment = {name: value for name, value in environment.items() if value}
    process = subprocess.Popen(  # noqa: S603 - our own servers
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        server = Server(port, psutil.Process(process.pid))
        _wait(server, process, probe)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(server: Server, process: subprocess.Popen[bytes], probe: str) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            client = server.client(1, timeout=5)
            if client.get(probe).status_code == OK:
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise SystemExit("a server did not start; run it by hand to see why")


@dataclass(frozen=True)
class Load:
    """What callers that ask without pause came to."""

    latencies: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        return statistics.median(self.latencies)


def closed_loop(
    server: Server, bodies: list[bytes], callers: int, seconds: float, path: str = "/predict/xcopa"
) -> Load:
    """Have callers ask one request after the other, each at least one.

    Raises:
        RuntimeError: a status was not 200.
    """
    client = server.client(callers)
    latencies: list[float] = []
    began = time.monotonic()

    def caller(turn: int) -> None:
        asked = began
        while asked <= began + seconds:
            asked = time.monotonic()
            response = client.post(path, bodies[turn % len(bodies)], JSON)
            response.read()
            if response.status_code != OK:
                raise RuntimeError(f"status {response.status_code}")
            latencies.append(time.monotonic() - asked)
            turn += callers

    gevent.joinall([gevent.spawn(caller, turn) for turn in range(callers)], raise_error=True)
    elapsed = time.monotonic() - began
    client.close()
    return Load(latencies, elapsed)
