"""The service that a benchmark asks: one that runs, or one that is started for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from loadtests.bench.servers import SERVICE, started
from loadtests.readiness import why_not


@dataclass(frozen=True)
class TargetService:
    """The service that is asked."""

    host: str
    port: int
    process: psutil.Process | None = None
    """If this program has started it."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return self.host in ("127.0.0.1", "localhost")


class TargetError(Exception):
    """There is no service to ask; says in one line why."""


@contextmanager
def target_service(against: str | None) -> Iterator[TargetService]:
    """Yield a service; one that was started ends afterwards.

    Args:
        against: its address; None starts one on a free port.

    Raises:
        TargetError: none answers there, or it speaks TLS.
    """
    if against is None:
        with started(SERVICE) as server:
            yield TargetService("127.0.0.1", server.port, server.process)
        return
    if reason := why_not(against):
        raise TargetError(f"--against: {reason}")
    parts = urlsplit(against)
    if parts.scheme != "http" or parts.path.strip("/"):
        raise TargetError(f"--against {against}: plain HTTP, and no path, is what is measured")
    yield TargetService(str(parts.hostname), parts.port or 80)
