"""What all connections of a server share: how many there may be, and what they may hold.

At the limit, the connection that has waited longest for its client gives way to a new one, so
that those who connect and say nothing keep nobody out. One whose call is at work never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from app.api.access import level_of
from app.errors import ServiceError
from app.telemetry.logs import about_request, requests_log
from app.telemetry.metrics import Metrics

UNPARSED = "unparsed"
"""The route of a refusal of what was no request."""


@dataclass(frozen=True)
class ConnectionLimits:
    """What one connection, and all of them, may take."""

    connections: int
    """Open at once."""
    header_bytes: int
    """Of a request line with its headers; of trailers; of what stands between chunks."""
    buffered_bytes: int
    """Of bodies, over all connections."""
    receive_seconds: float
    """From the first byte of a request to its last; also for an answer to be read."""


class HeldConnection(Protocol):
    """A connection, as far as others see it."""

    held_bytes: int
    """Of bodies that it has received and not answered."""

    def give_way(self) -> None: ...


class Connections:
    """Counts the connections of a server and what they hold, and closes those that must go."""

    def __init__(self, limits: ConnectionLimits, metrics: Metrics) -> None:
        self.limits = limits
        self.held_bytes = 0
        self._metrics = metrics
        self._log = requests_log()
        # In the order in which they began to wait.
        self._waiting: dict[HeldConnection, None] = {}

    def refused(self, error: ServiceError, request_id: str, seconds: float) -> None:
        """Count what was no request and log it; it has no route, and what was sent is not shown."""
        self._metrics.http_answered(UNPARSED, error.status)
        # A timer that was set within a request still has its ids.
        about_request({"request_id": request_id})
        self._log.log(
            level_of(error.status),
            "request",
            route=UNPARSED,
            status=error.status,
            duration_ms=round(1000 * seconds, 3),
            problem=error.slug,
        )

    def not_secured(self) -> None:
        """Note that a client did not come to speak TLS with us."""
        self._metrics.handshake_failed()

    def waits(self, connection: HeldConnection) -> None:
        """Note that the next word is the client's."""
        self._waiting[connection] = None

    def works(self, connection: HeldConnection) -> None:
        """Note that the next word is the service's, or that the connection has ended."""
        self._waiting.pop(connection, None)

    def make_room(self, newcomer: HeldConnection, open_now: int) -> bool:
        """Return whether a new connection fits, closing another one for it where that helps."""
        return open_now <= self.limits.connections or self._close_one(
            each for each in self._waiting if each is not newcomer
        )

    def hold(self, connection: HeldConnection, size: int) -> bool:
        """Return whether a part of a body fits, closing other connections where that helps."""
        connection.held_bytes += size
        self.held_bytes += size
        while self.held_bytes > self.limits.buffered_bytes:
            others = (each for each in self._waiting if each.held_bytes and each is not connection)
            if not self._close_one(others):
                return False
        return True

    def release(self, connection: HeldConnection) -> None:
        """Note that the bodies which a connection held are gone."""
        self.held_bytes -= connection.held_bytes
        connection.held_bytes = 0

    def _close_one(self, candidates: Iterator[HeldConnection]) -> bool:
        oldest = next(candidates, None)
        if oldest is None:
            return False
        self.works(oldest)
        self.release(oldest)
        oldest.give_way()
        return True
