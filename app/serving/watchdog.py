"""Checks the worker: it ends a stuck engine, and replaces a thread that has died.

An engine in a process of its own is ended, and its batch is run again on another. Nothing outside a
thread can stop it inside the engine, and no process is left to end if none can be started any more.
Then the service is not ready, refuses calls, and fails waiting items, until an engine moves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Generic

from app.serving.work import Batch, Ticket
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
        self._without_engine = 0
        """Checks in a row that found none."""
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
        self._worker.count_engines()
        was_stuck, self.stuck = self.stuck, self._lacks_engines() or self._is_stuck()
        if self.stuck and not was_stuck:
            self._on_stuck(self._worker.halt())
        if was_stuck and not self.stuck:
            log.warning("an engine moves again")
            self._worker.resume()

    def _lacks_engines(self) -> bool:
        self._without_engine = 0 if self._worker.engines else self._without_engine + 1
        lacking = self._without_engine * self._pause > self._least_bound
        if lacking and not self.stuck:
            log.critical("there has been no engine for %.1f s", self._least_bound)
        return lacking

    def _is_stuck(self) -> bool:
        too_long = [self._goes_on_too_long(*each) for each in self._worker.at_work()]
        return any(too_long)

    def _goes_on_too_long(self, batch: Batch[Work], seconds: float) -> bool:
        """Whether a batch has run for too long and cannot be ended; end it where it can."""
        bound = max(self._least_bound, PATIENCE * batch.expected_seconds)
        if seconds <= bound:
            return False
        if not self.stuck:
            log.critical("an engine is stuck: %.1f s on %d tokens", seconds, batch.tokens)
        return not self._worker.end_pass(batch)
