"""What joins the calls that wait to the items that run for them.

A *flight* is one item on its way through the scheduler; usually one call waits for it, and
several do where equal items are run once. A *waiting call* is woken once, when its last flight
has landed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.engine.engine import Row
from app.serving.work import Batch, Ticket


@dataclass(frozen=True)
class Landing:
    """How a flight ended: with logits, one a row, or with an error."""

    logits: tuple[float, ...] | None
    error: Exception | None
    batch: Batch[Flight] | None
    inference_seconds: float
    at: float
    """On the clock of the scheduler."""


@dataclass(eq=False)
class Flight:
    """One item under way; a scheduler payload."""

    rows: tuple[Row, ...]
    key: bytes | None = None
    """Its place in the cache, where there is one."""
    ticket: Ticket[Flight] | None = None
    landing: Landing | None = None
    waiters: list[WaitingCall] = field(default_factory=list)

    def board(self, call: WaitingCall) -> None:
        """Have a call wait for this flight."""
        if self.landing is None:
            self.waiters.append(call)
            call.flights_left += 1

    def leave(self, call: WaitingCall) -> bool:
        """Have a call wait no longer; return whether nobody does now."""
        if call in self.waiters:
            self.waiters.remove(call)
            call.flights_left -= 1
        return not self.waiters

    def land(self, landing: Landing) -> None:
        """End the flight, once; wake the calls for which it was the last."""
        if self.landing is not None:
            return
        self.landing = landing
        waiters, self.waiters = self.waiters, []
        for call in waiters:
            call.flights_left -= 1
            if not call.flights_left:
                call.wake()


class WaitingCall:
    """A call that waits for flights, or for its deadline."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.flights_left = 0
        self._loop = loop
        self._woken: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, seconds: float | None = None) -> None:
        """Return when every flight has landed, or after that many seconds."""
        if not self.flights_left:
            return
        self._woken = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(max(0.0, seconds), self.wake)
        try:
            await self._woken
        finally:
            if timer is not None:
                timer.cancel()
