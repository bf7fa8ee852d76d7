"""A faulty server as a process of its own, and what can be seen of it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.client import PREDICT, Body, Reply, call, in_background, item
from tests.chaos.faults import Faults, Mode
from tests.conftest import ROOT
from tests.e2e.server import ServerProcess

HANG_LIMIT_S = 60.0
"""Nothing here takes that long on any machine; what does, hangs."""


def wait_until(condition: Callable[[], bool], what: str, limit: float = HANG_LIMIT_S) -> None:
    give_up = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < give_up, f"not within {limit:.0f} s: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Footprint:
    """What a process holds of the machine."""

    resident_mib: float
    threads: int
    descriptors: int

    @classmethod
    def of(cls, pid: int) -> Footprint:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return cls(
            resident_mib=int(fields["VmRSS"].split()[0]) / 1024,
            threads=int(fields["Threads"]),
            descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        )


class Metrics:
    """One scrape. A value is summed over the labels that are not named."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        named = [sample for sample in self._samples if sample.name == name]
        return sum(sample.value for sample in named if labels.items() <= sample.labels.items())

    def items(self, outcome: str) -> float:
        return self.value("xcopa_items_total", outcome=outcome)

    def since(self, before: Metrics, name: str, **labels: str) -> float:
        return self.value(name, **labels) - before.value(name, **labels)


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except psutil.Error:
        return None


def _goes_first(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii").strip() == "500"
    except (FileNotFoundError, ProcessLookupError):
        return False


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class FaultyServer(ServerProcess):
    """The service with faulty engines; ``faults`` steers them."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.faults = Faults(directory)
        self.output = []
        self.url = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.faulty_server"],
            cwd=ROOT,
            env={
                **os.environ,
                "XCOPA_PORT": "0",
                "XCOPA_THREADS": "1",
                "XCOPA_ENGINES": "0",
                "XCOPA_BATCH_TOKENS": "128",
                **settings,
                Faults.VARIABLE: str(directory),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, path: str, body: Body = None, **headers: str) -> Reply:
        return call(self.url, path, body, **headers)

    @property
    def metrics(self) -> Metrics:
        return Metrics(self.call("/metrics").text)

    @property
    def ready(self) -> bool:
        return self.call("/readyz").status == HTTPStatus.OK

    @property
    def engines(self) -> list[int]:
        """The processes of its engines: those that the system is to end first."""
        pids = [each.pid for each in self.others()]
        return [pid for pid in pids if _goes_first(pid) and lives(pid)]

    def kill_engine(self, number: int = 0) -> None:
        """Kill one of them, and wait until there are as many as before."""
        before = self.engines
        os.kill(before[number], signal.SIGKILL)
        wait_until(
            lambda: before[number] not in self.engines and len(self.engines) == len(before),
            "the engine is replaced",
        )

    def others(self) -> list[psutil.Process]:
        """Return its processes beside the one that serves, by the variable that they inherit."""
        own = str(self.faults.directory)
        others = (each for each in psutil.process_iter() if each.pid != self.process.pid)
        return [each for each in others if _variable(each, Faults.VARIABLE) == own]

    @property
    def templates(self) -> list[int]:
        """The processes that engines are forked from: the first one, and the spare."""
        pids = [each.pid for each in self.others()]
        return [pid for pid in pids if not _goes_first(pid) and lives(pid)]

    @property
    def footprint(self) -> Footprint:
        return Footprint.of(self.process.pid)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port
        return port

    def responses(self, route: str, status: int) -> float:
        """Return how many calls of a route were answered with a status."""
        return self.metrics.value("xcopa_http_requests_total", route=route, status=str(int(status)))

    def wait_for_responses(self, route: str, status: int, count: float) -> None:
        wait_until(
            lambda: self.responses(route, status) >= count, f"{count:.0f} calls get {status:d}"
        )

    def tracebacks(self, since: int = 0) -> list[str]:
        """Return the lines of the output that begin one, but for the first ``since`` lines."""
        return [line for line in self.output[since:] if line.startswith("Traceback")]

    def hold_engine(self) -> Future[Reply]:
        """Have the engine stick on a call, which is returned; ``faults.clear`` lets it go on."""
        given = len(self.faults.batches())
        self.faults.set(Mode.STICK)
        held = in_background(self.call, PREDICT, item(0))
        wait_until(lambda: len(self.faults.batches()) > given, "the engine has a batch")
        return held

    def wait_for_queue(self, items: int) -> None:
        wait_until(lambda: self.metrics.value("xcopa_queue_items") == items, f"{items} items wait")
