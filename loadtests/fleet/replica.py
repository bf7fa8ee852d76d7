"""A service of the fleet: it keeps its address when its process is replaced."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from loadtests.bench.servers import SERVICE, BenchServer, environment, free_port
from loadtests.readiness import why_not

READY_LIMIT_S = 180.0
END_LIMIT_S = 60.0
KILLED = -int(signal.SIGKILL)

SETTINGS = {
    # One core's worth each.
    "XCOPA_ENGINES": "1",
    "XCOPA_THREADS": "1",
    "XCOPA_DRAIN_DELAY_S": "2",
    # A stuck engine is noticed while the run lasts.
    "XCOPA_WATCHDOG_S": "3",
}


class FleetError(Exception):
    """A part of the fleet does not do what it should; says in one line which."""


@dataclass
class FleetReplica:
    """One service.

    Args:
        name: that of its server in HAProxy's configuration.
        settings: variables of its own.
    """

    name: str
    settings: Mapping[str, str]
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Its process.

        Raises:
            FleetError: it was never started.
        """
        if self._process is None:
            raise FleetError(f"replica {self.name} was not started")
        return self._process

    @property
    def server(self) -> BenchServer:
        return BenchServer(self.port, psutil.Process(self.process.pid))

    def start(self) -> None:
        """Start its process; it is not ready yet."""
        own = {"XCOPA_METRICS_PORT": str(self.metrics_port), **SETTINGS, **self.settings}
        self._process = subprocess.Popen(  # noqa: S603 - our own service
            [sys.executable, *SERVICE],
            env=environment(os.environ, self.port, own),
            stdout=subprocess.DEVNULL,
        )

    def wait_until_ready(self) -> None:
        """Wait.

        Raises:
            FleetError: it ended, or was not ready in time.
        """
        give_up = time.monotonic() + READY_LIMIT_S
        while reason := why_not(f"http://{self.address}"):
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise FleetError(f"replica {self.name} is not ready: {reason}")
            time.sleep(0.1)

    def leave(self) -> None:
        """Tell it to stop, and wait until it has drained.

        Raises:
            FleetError: it did not exit with 0 in time.
        """
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise FleetError(f"replica {self.name} does not end") from error
        if status:
            raise FleetError(f"replica {self.name} exits with {status}")

    def replace(self) -> None:
        """Let it leave, and start another process at its address."""
        self.leave()
        self.start()
        self.wait_until_ready()

    def kill(self) -> None:
        """End it as a machine ends that loses its power: the process and its engines at once."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [psutil.Process(self.process.pid)]
            family += family[0].children(recursive=True)
            for each in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self.process.wait()

    def stop_engine(self) -> int:
        """Stop its engine where it is; return its process.

        Raises:
            FleetError: it has no engine of its own.
        """
        engines = self.server.engines
        if not engines:
            raise FleetError(f"replica {self.name} has no process of an engine to stop")
        os.kill(engines[0], signal.SIGSTOP)
        return engines[0]
