"""Looks after the worker: an engine that is stuck is noticed, a thread that died is replaced.

A thread that is inside the engine cannot be stopped from outside. So while it is stuck, nothing
is admitted and what waits is failed, and the service is not ready; when the engine does come
back, it goes on as before.
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
"""A batch may take this many times what its curve says, if that is more than the least bound."""

_CHECKS_A_BOUND = 10
_LONGEST_PAUSE_S = 1.0


class Watchdog(Generic[Work]):
    """Checks a worker from the event loop, each second or ten times within a shorter bound."""

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
        """Begin to check; call it on the event loop."""
        asyncio.get_running_loop().call_later(self._pause, self._tick)

    def stop(self) -> None:
        """Check no more."""
        self._stopped = True

    def _tick(self) -> None:
        if self._stopped:
            return
        try:
            self.check()
        finally:
            self.start()

    def check(self) -> None:
        """Look once."""
        if self._worker.revive():
            log.error("the worker's thread had died; a new one runs")
            self._on_restart()
        was_stuck, self.stuck = self.stuck, self._is_stuck()
        if self.stuck and not was_stuck:
            self._on_stuck(self._worker.halt())
        if was_stuck and not self.stuck:
            log.warning("the engine moves again")
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
