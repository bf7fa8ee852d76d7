"""Servers in processes of their own, and what can be read about them from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
from geventhttpclient import HTTPClient
from prometheus_client.parser import text_string_to_metric_families

START_LIMIT_S = 180
END_LIMIT_S = 60
PORTS = (
    *("XCOPA_PORT", "UVICORN_PORT", "MOSEC_PORT", "BENTOML_PORT"),
    *("MLSERVER_HTTP_PORT", "INFINITY_PORT", "PEER_PORT"),
)
"""The variables from which the measured servers take their port."""

JSON = {"Content-Type": "application/json"}

SERVICE = ("-m", "xcopa.main", "serve")

Samples = dict[tuple[str, str], float]
"""The values of a scrape, by the sample's name and its ``model`` label."""


def uvicorn(application: str, *more: str) -> tuple[str, ...]:
    """Return the arguments that serve an application as the service is served."""
    return ("-m", "uvicorn", application, "--log-level", "warning", "--no-access-log", *more)


@dataclass(frozen=True)
class BenchServer:
    """A process that serves on a port of this machine."""

    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Processor time since the start, of all threads and of its engines."""
        times = _of_living([process.cpu_times for process in self._processes()])
        return float(sum(each.user + each.system for each in times))

    @property
    def front_cpu_seconds(self) -> float:
        """Processor time since the start, of the process that speaks HTTP alone."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> int:
        """Bytes that are resident; what processes share is counted once, where the system can."""
        infos = _of_living([process.memory_full_info for process in self._processes()])
        return int(sum(getattr(info, "pss", info.rss) for info in infos))

    @property
    def engines(self) -> list[int]:
        """The processes of the service's engines: those that the system is to end first."""
        return [each.pid for each in self.process.children(recursive=True) if _goes_first(each.pid)]

    def pause(self) -> None:
        """Stop all of its processes where they are, so that it takes no processor time."""
        for process in self._processes():
            process.suspend()

    def resume(self) -> None:
        """Let it go on after ``pause``; without one, nothing happens."""
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    @contextmanager
    def client(self, concurrency: int, timeout: float = 60.0) -> Iterator[HTTPClient]:
        """Yield a client with at most that many connections; ``timeout`` is in seconds."""
        client = HTTPClient(
            "127.0.0.1",
            self.port,
            concurrency=concurrency,
            connection_timeout=timeout,
            network_timeout=timeout,
        )
        try:
            yield client
        finally:
            client.close()

    def metrics(self) -> Samples:
        """Return the samples of a scrape."""
        with self.client(1) as client:
            return samples_of(client.get("/metrics").read().decode())


def _of_living(reads: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what can still be read: some servers start processes that soon end."""
    found = []
    for read in reads:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(read())
    return found


def _goes_first(pid: int) -> bool:
    try:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii")) > 0
    except OSError:  # it has ended, or the system has no such file
        return False


def samples_of(exposition: str) -> Samples:
    """Return the samples of a text in Prometheus's exposition format."""
    return {
        (sample.name, sample.labels.get("model", "")): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


@contextmanager
def started(
    arguments: tuple[str, ...],
    probe: str = "/readyz",
    python: str | Path = sys.executable,
    stop: signal.Signals = signal.SIGTERM,
    **settings: str,
) -> Iterator[BenchServer]:
    """Yield a server that answers its probe, and end it and its processes afterwards.

    Args:
        arguments: of Python; the port comes from ``XCOPA_PORT``, or from the variable of the
            server's own (``PORTS``).
        probe: the path that answers 200 once the server is ready.
        python: the interpreter.
        stop: the signal that ends it.
        settings: variables of the environment; an empty one is taken away.

    Raises:
        SystemExit: the server ended, or did not answer within ``START_LIMIT_S``.
    """
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own servers
        [str(python), *arguments],
        env=environment(os.environ, port, settings),
        stdout=subprocess.DEVNULL,
    )
    try:
        server = BenchServer(port, psutil.Process(process.pid))
        _wait(server, process, probe)
        yield server
    finally:
        _end(process, stop)


def environment(own: Mapping[str, str], port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a server; an empty setting removes what ``own`` has."""
    variables = {
        "XCOPA_LOG_LEVEL": "warning",
        **own,
        "XCOPA_API_KEYS_FILE": "",  # nobody has to say who asks, unless it is what is measured
        **dict.fromkeys(PORTS, str(port)),
        **settings,
    }
    return {name: value for name, value in variables.items() if value}


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    """End a server as its operator would; kill what is left of it after a while."""
    family = _family(process.pid)
    process.send_signal(stop)
    _, left = psutil.wait_procs(family, END_LIMIT_S)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()


def _family(pid: int) -> list[psutil.Process]:
    """Return the process and all that it has started; nothing if it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    """Return a port of this machine that nobody has now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(server: BenchServer, process: subprocess.Popen[bytes], probe: str) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            with server.client(1, timeout=5) as client:
                if client.get(probe).status_code == HTTPStatus.OK:
                    return
        except (OSError, HTTPException):  # Triton closes connections until its model is loaded
            pass
        time.sleep(0.3)
    raise SystemExit("a server did not start; run it by hand to see why")
