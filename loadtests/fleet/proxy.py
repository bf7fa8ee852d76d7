"""HAProxy with the configuration that is in ``deploy/haproxy``."""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.servers import free_port
from loadtests.fleet.replica import FleetError, FleetReplica
from loadtests.readiness import why_not

CONFIG = Path(__file__).resolve().parents[2] / "deploy/haproxy/haproxy.cfg"
BACKEND = "services"
NAMES = ("one", "two", "three")
"""Of the servers in the configuration."""

START_LIMIT_S = 30.0
_UP = "UP"


def variables(
    addresses: Mapping[str, str], bind: str, metrics: str, control: Path
) -> dict[str, str]:
    """Return the variables that the configuration reads.

    Args:
        addresses: of the replicas, by name.
        bind: where callers come.
        metrics: where HAProxy's own metrics are.
        control: the path of its socket.
    """
    return {
        "PROXY_BIND": bind,
        "PROXY_METRICS": metrics,
        "PROXY_SOCKET": str(control),
        **{f"SERVICE_{name.upper()}": address for name, address in addresses.items()},
    }


@dataclass(frozen=True)
class FleetProxy:
    """HAProxy that runs."""

    port: int
    metrics_port: int
    control: Path

    def say(self, command: str) -> str:
        """Send a command over the socket; return the answer.

        Source: https://docs.haproxy.org/2.6/management.html#9.3
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.control))
            connection.sendall(f"{command}\n".encode())
            answer = b""
            while received := connection.recv(65536):
                answer += received
        return answer.decode()

    def _of_server(self, name: str) -> dict[str, str]:
        lines = self.say("show stat").removeprefix("# ").splitlines()
        for row in csv.DictReader(lines):
            if row["pxname"] == BACKEND and row["svname"] == name:
                return row
        raise FleetError(f"HAProxy knows no server {name}")

    def held(self, name: str) -> int:
        """Return how many calls a server has now."""
        return int(self._of_server(name)["scur"])

    def given(self, name: str) -> int:
        """Return how many calls a server was given so far."""
        return int(self._of_server(name)["stot"])

    def is_up(self, name: str) -> bool:
        """Whether a server gets calls."""
        return self._of_server(name)["status"] == _UP

    def set_state(self, name: str, state: str) -> None:
        """Have a server drained (``drain``: it gets no more calls) or used again (``ready``).

        Raises:
            FleetError: HAProxy does not want to.
        """
        if complaint := self.say(f"set server {BACKEND}/{name} state {state}").strip():
            raise FleetError(f"HAProxy: {complaint}")

    def wait_until_up(self, name: str) -> None:
        """Wait until a server gets calls.

        Raises:
            FleetError: it does not within the limit.
        """
        give_up = time.monotonic() + START_LIMIT_S
        while not self.is_up(name):
            if time.monotonic() > give_up:
                raise FleetError(f"HAProxy does not take {name} back")
            time.sleep(0.05)


@contextmanager
def running_proxy(replicas: Sequence[FleetReplica], folder: Path) -> Iterator[FleetProxy]:
    """Yield HAProxy in front of replicas that are ready.

    Args:
        replicas: named as in the configuration.
        folder: for its socket and its log.

    Raises:
        FleetError: it is not installed, or does not start.
    """
    program = shutil.which("haproxy")
    if program is None:
        raise FleetError("haproxy is not installed: apt-get install haproxy")
    proxy = FleetProxy(free_port(), free_port(), folder / "haproxy.sock")
    addresses = {each.name: each.address for each in replicas}
    own = variables(
        addresses, f"127.0.0.1:{proxy.port}", f"127.0.0.1:{proxy.metrics_port}", proxy.control
    )
    log = folder / "haproxy.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - what the user has installed
            [program, "-f", str(CONFIG)], env={**os.environ, **own}, stdout=file, stderr=file
        )
    try:
        _wait(proxy, process, log)
        yield proxy
    finally:
        process.terminate()
        process.wait()


def _wait(proxy: FleetProxy, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while why_not(f"http://127.0.0.1:{proxy.port}"):
        if process.poll() is not None or time.monotonic() > give_up:
            raise FleetError(f"haproxy does not start: {log.read_text(encoding='utf-8')}")
        time.sleep(0.05)
