"""A stand-in for kubelet: it runs a real process by the words of a rendered manifest.

As kubelet does, it adds the variables of Services, mounts Secrets as folders, limits the processor
time, asks the probes in their order and at their times, restarts what is not alive, and ends a pod
with preStop, SIGTERM, and SIGKILL when the grace is over. Each pod has an address of its own, so
the ports are those of the manifest.

Sources: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ (container probes,
termination of pods).
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.kubernetes.pod_spec import PodSpec, Probe

PROGRAMS = {"xcopa": [sys.executable, "-m", "xcopa.main"]}
"""What the programs of the image are outside of it."""

_JOIN_AND_RUN = 'echo $$ > "$0" && exec "$@"'
_OK = 200


@dataclass(frozen=True)
class PodEnd:
    """How a pod ended."""

    status: int
    killed: bool
    """Whether the grace was over."""


class StandInPod:
    """A pod: one process at a time, and what kubelet knows of it.

    Args:
        spec: what it is to be.
        folders: the content of each volume, by its name.
        limit: the file that takes the number of a process which is to be limited, or None.
        more: variables of the test's own.
    """

    def __init__(
        self,
        spec: PodSpec,
        folders: Mapping[str, Path],
        limit: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.spec = spec
        self.address = _own_address()
        self.ready = False
        self.restarts = 0
        self.terminating = threading.Event()
        self._folders = folders
        self._limit = limit
        self._more = more or {}
        self._process = self._start()
        self._prober = threading.Thread(target=self._probe, daemon=True)
        self._prober.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> subprocess.Popen[bytes]:
        program, *arguments = self.spec.command
        command: Sequence[str] = [*PROGRAMS[program], *arguments]
        if self._limit is not None:
            command = ["/bin/sh", "-c", _JOIN_AND_RUN, str(self._limit), *command]
        return subprocess.Popen(command, env=self.environment())

    def environment(self) -> dict[str, str]:
        """Return the variables of the process: the manifest's, with folders for its mounts."""
        said = {name: self._mounted(value) for name, value in self.spec.environment.items()}
        # In the image this is 0.0.0.0, which a pod with an address of its own may listen on.
        return {**os.environ, "XCOPA_HOST": self.address, **said, **self._more}

    def _mounted(self, value: str) -> str:
        for path, volume in self.spec.mounts.items():
            if value.startswith(f"{path}/") and volume in self._folders:
                return str(self._folders[volume]) + value.removeprefix(path)
        return value

    def _probe(self) -> None:
        """Ask for the start until it is made; then ask both of the others."""
        while not self.terminating.is_set():
            if not self._comes_up():
                self._restart()
                continue
            alive = threading.Thread(target=self._keep_alive, daemon=True)
            alive.start()
            self._keep_ready(alive)
            if not self.terminating.is_set():
                self._restart()

    def _comes_up(self) -> bool:
        probe = self.spec.startup
        for _ in range(probe.failures):
            if self.terminating.is_set() or self._asked(probe):
                return True
            if self._process.poll() is not None or self.terminating.wait(probe.period_s):
                return self.terminating.is_set()
        return False

    def _keep_alive(self) -> None:
        """Return when the process is not alive, or is to end."""
        probe, failures = self.spec.liveness, 0
        while failures < probe.failures and self._process.poll() is None:
            if self.terminating.is_set():
                return
            failures = 0 if self._asked(probe) else failures + 1
            self.terminating.wait(probe.period_s)

    def _keep_ready(self, alive: threading.Thread) -> None:
        probe, failures = self.spec.readiness, 0
        while alive.is_alive() and not self.terminating.is_set():
            failures = 0 if self._asked(probe) else failures + 1
            self.ready = failures < probe.failures and (self.ready or not failures)
            alive.join(probe.period_s)
        self.ready = False

    def _asked(self, probe: Probe) -> bool:
        try:
            with closing(
                http.client.HTTPConnection(self.address, probe.port, timeout=probe.timeout_s)
            ) as connection:
                connection.request("GET", probe.path)
                return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False

    def _restart(self) -> None:
        self.restarts += 1
        self._end(self.spec.grace_s)
        self._process = self._start()

    def _end(self, grace: float) -> PodEnd:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            return PodEnd(self._process.wait(grace), killed=False)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return PodEnd(self._process.wait(), killed=True)

    def delete(self) -> PodEnd:
        """End it as kubelet does; the time of preStop counts as grace."""
        self.ready = False
        self.terminating.set()
        time.sleep(self.spec.pre_stop_s)
        ended = self._end(self.spec.grace_s - self.spec.pre_stop_s)
        self._prober.join(self.spec.startup.period_s + self.spec.startup.timeout_s)
        return ended

    def kill(self) -> None:
        """End it at once, whatever it is doing: after a test that has failed."""
        self.terminating.set()
        self._process.kill()
        self._process.wait()


def _own_address() -> str:
    """Return an address of this machine that no other test has: all of 127.0.0.0/8 is its own."""
    chance = random.SystemRandom()
    return ".".join(["127", *(str(chance.randrange(1, 255)) for _ in range(3))])
