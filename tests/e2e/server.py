"""Starts the real service as a process of its own and talks to it over a socket."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import httpx

START_LIMIT_S = 180
STOP_LIMIT_S = 60
SIGNAL_LIMIT_S = 3


class ServerProcess:
    """``xcopa serve`` on a free port, with its output kept."""

    module = "xcopa.main"
    arguments: tuple[str, ...] = ("serve",)

    def __init__(self, **settings: str) -> None:
        # One thread: several servers share the machine while the suite runs in parallel.
        ours = {"XCOPA_PORT": "0", "XCOPA_THREADS": "1", "XCOPA_LOG_FORMAT": "console"}
        environment = {**os.environ, **ours, **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, *self.arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self.url = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.output.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self.output.append("<end of output>")
            self._changed.notify_all()

    def wait_for_line(self, pattern: str, limit: float = START_LIMIT_S) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            matches = (re.search(pattern, line) for line in self.output)
            return next((match for match in matches if match), None)

        with self._changed:
            self._changed.wait_for(
                lambda: found() or "<end of output>" in self.output, timeout=limit
            )
            match = found()
        assert match, f"no line matches {pattern!r} in:\n" + "\n".join(self.output)
        return match

    def wait_until_ready(self) -> ServerProcess:
        self.url = self.wait_for_line(r"xcopa is ready: (https?://\S+)").group(1)
        return self

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_status(self) -> int:
        status = self.process.wait(STOP_LIMIT_S)
        self._reader.join(5)
        return status

    def _stop(self) -> None:
        """Have it drain, then stop at once, then die: killed, it leaves no coverage behind."""
        for end in (self.terminate, self.terminate, self.process.kill):
            if self.process.poll() is not None:
                return
            end()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(SIGNAL_LIMIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(**settings: str) -> Iterator[httpx.Client]:
    """Yield a client of a service that is ready."""
    with ServerProcess(**settings) as server:
        server.wait_until_ready()
        with httpx.Client(base_url=server.url, timeout=60) as client:
            yield client
