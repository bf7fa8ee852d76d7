"""Checks the worker: it notices a stuck engine, and replaces a thread that has died.

Nothing outside a thread can stop it inside the engine. So while the engine is stuck, the service is
not ready, refuses calls, and fails waiting items. When the engine continues, so does the service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Generic

from app.serving.work import Ticket
from app.serving.worker import Work, Worker

log = logging.getLogger(__name__)

PATIENCE = 20.0
"""A batch may take this many times its expected time, if that is longer than the least bound."""

_CHECKS_A_BOUND = 10
_LONGEST_PAUSE_S = 1.0


class Watchdog(Generic[Work]):
    """Checks a worker from the event loop, once a second or ten times within a shorter bound."""

    def __init__(
        self,
        worker: Worker[Work],
        least_bound: float,
        on_stuck: Callable[[Sequence[Ticket[Work]]], None],
        on_restart: Callable[[], None],
    ) -> None:
        self.stuck = False
        self._worker = worker
        self._least_bound = least_bound
        self._on_stuck = on_stuck
        self._on_restart = on_restart
        self._pause = min(_LONGEST_PAUSE_S, least_bound / _CHECKS_A_BOUND)
        self._stopped = False

    def start(self) -> None:
        """Start the checks; call it on the event loop."""
        asyncio.get_running_loop().call_later(self._pause, self._tick)

    def stop(self) -> None:
        """Stop the checks."""
        self._stopped = True

    def _tick(self) -> None:
        if self._stopped:
            return
        try:
            self.check()
        finally:
            self.start()

    def check(self) -> None:
        """Check once."""
        if self._worker.revive():
            log.error("the worker's thread died; a new one runs")
            self._on_restart()
        was_stuck, self.stuck = self.stuck, self._is_stuck()
        if self.stuck and not was_stuck:
            self._on_stuck(self._worker.halt())
        if was_stuck and not self.stuck:
            log.warning("the engine is no longer stuck")
            self._worker.resume()

    def _is_stuck(self) -> bool:
        at_work = self._worker.at_work()
        if at_work is None:
            return False
        batch, seconds = at_work
        bound = max(self._least_bound, PATIENCE * batch.expected_seconds)
        if seconds > bound and not self.stuck:
            log.critical("the engine is stuck: %.1f s on %d tokens", seconds, batch.tokens)
        return seconds > bound
