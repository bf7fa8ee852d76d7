"""The thread that runs batches on an engine, and the lock around the scheduler.

The thread composes its batches itself. When the engine is free, it takes the items that wait at
that moment, and the event loop does not take part.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from app.engine.engine import Engine, Row
from app.serving.backlog import Clock
from app.serving.scheduler import Scheduler
from app.serving.work import ANYBODY, Batch, Caller, Result, Ticket

log = logging.getLogger(__name__)

_PAUSE_AFTER_ERROR_S = 0.05
"""So that an error that occurs again at once does not use a whole core."""


class HasRows(Protocol):
    """A scheduler payload that an engine can run."""

    @property
    def rows(self) -> Sequence[Row]: ...


Work = TypeVar("Work", bound=HasRows)


class NonFiniteLogitsError(ArithmeticError):
    """The engine returned NaN or infinity for an item."""


class WorkerDiedError(RuntimeError):
    """The thread that ran the batch ended before the engine answered."""


OnResults = Callable[[Mapping[Ticket[Work], Result[Work]]], None]
"""Called on the worker's thread with the result of every item of one batch."""


class Worker(Generic[Work]):
    """Runs batches until it is stopped. Any thread may call its methods."""

    def __init__(
        self,
        scheduler: Scheduler[Work],
        engines: Mapping[str, Engine],
        on_results: OnResults[Work],
        clock: Clock,
    ) -> None:
        self._scheduler = scheduler
        self._engines = engines
        self._on_results = on_results
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        self._running: Batch[Work] | None = None
        self._thread = self._new_thread()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Finish the batch that runs, and end the thread; wait no longer than the timeout."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout)

    # The scheduler, guarded --------------------------------------------------------------

    def submit(self, call: Sequence[Ticket[Work]], caller: Caller = ANYBODY) -> None:
        """Admit a call, or raise what ``Scheduler.submit`` raises; Call ``wake`` afterwards."""
        with self._changed:
            self._scheduler.submit(call, caller)

    def wake(self) -> None:
        """Make the thread check the queue, if it waits."""
        with self._changed:
            self._changed.notify()

    def check(self, tokens: Mapping[str, int], caller: Caller, deadline: float | None) -> None:
        """Raise what ``submit`` would for a call of that many tokens for each model."""
        with self._changed:
            self._scheduler.check(tokens, caller, deadline)

    def cancel(self, tickets: Sequence[Ticket[Work]]) -> None:
        with self._changed:
            for ticket in tickets:
                self._scheduler.cancel(ticket)

    def expire(self, tickets: Sequence[Ticket[Work]]) -> None:
        with self._changed:
            for ticket in tickets:
                self._scheduler.expire_one(ticket)

    def extend(self, ticket: Ticket[Work], deadline: float) -> bool:
        """Give an item a later deadline; return False if it has already ended."""
        with self._changed:
            if ticket.outcome is not None:
                return False
            self._scheduler.extend(ticket, deadline)
            return True

    def drain(self) -> None:
        """Refuse new calls; ``idle`` becomes true when all accepted items have ended."""
        with self._changed:
            self._scheduler.drain()
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        with self._changed:
            return self._scheduler.idle

    def waiting(self, model: str) -> tuple[int, int]:
        """Return how many items and how many tokens wait for a model."""
        with self._changed:
            return self._scheduler.waiting_items(model), self._scheduler.waiting_tokens(model)

    def waiting_seconds(self) -> float:
        """Return the estimated time of the waiting work."""
        with self._changed:
            return self._scheduler.waiting_seconds

    # Watched over ------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def at_work(self) -> tuple[Batch[Work], float] | None:
        """Return the batch that the engine runs, and for how many seconds it has; else None."""
        with self._changed:
            if self._running is None:
                return None
            return self._running, self._clock() - self._running.sealed_at

    def halt(self) -> list[Ticket[Work]]:
        """Refuse calls until ``resume``; end and return every item that waits or runs."""
        with self._changed:
            self._scheduler.halted = True
            return self._scheduler.fail_all()

    def resume(self) -> None:
        """Accept calls again."""
        with self._changed:
            self._scheduler.halted = False

    def revive(self) -> bool:
        """Replace the thread if it has died, and fail its batch. Return whether it had died."""
        with self._changed:
            if self.alive or self._stopping:
                return False
            batch, self._running = self._running, None
            if batch is not None:
                self._scheduler.finish(batch, batch.tickets)
            self._thread = self._new_thread()
            self._thread.start()
        if batch is not None:
            error = WorkerDiedError("the thread that ran the batch ended")
            lost = Result(None, error, self._clock(), batch)
            self._on_results(dict.fromkeys(batch.tickets, lost))
        return True

    # The thread --------------------------------------------------------------------------

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="xcopa-worker", daemon=True)

    def _run(self) -> None:
        while not self._stopping:
            try:
                if (batch := self._next_batch()) is not None:
                    self._serve(batch)
            except Exception:
                log.exception("an error in the worker, outside a batch; it continues")
                time.sleep(_PAUSE_AFTER_ERROR_S)

    def _next_batch(self) -> Batch[Work] | None:
        with self._changed:
            while not self._stopping:
                if (batch := self._scheduler.seal()) is not None:
                    self._running = batch
                    return batch
                due = self._scheduler.next_due()
                self._changed.wait(None if due is None else max(0.0, due - self._clock()))
            return None

    def _serve(self, batch: Batch[Work]) -> None:
        started = self._clock()
        try:
            outcomes = self._answer(self._engines[batch.model], batch.tickets)
        except Exception as error:
            outcomes = dict.fromkeys(batch.tickets, error)
        ended = self._clock()
        failed = [ticket for ticket, outcome in outcomes.items() if isinstance(outcome, Exception)]
        with self._changed:
            self._running = None
            self._scheduler.finish(batch, failed)
        self._on_results(
            {
                ticket: _result(outcome, ended, batch, ended - started)
                for ticket, outcome in outcomes.items()
            }
        )

    def _answer(
        self, engine: Engine, tickets: Sequence[Ticket[Work]]
    ) -> dict[Ticket[Work], tuple[float, ...] | Exception]:
        """Run the tickets together; if that fails, by halves, so that a bad item fails alone."""
        rows = [row for ticket in tickets for row in ticket.payload.rows]
        try:
            logits = engine.logits(rows)
        except Exception as error:
            if len(tickets) == 1:
                log.exception("an item failed")
                return {tickets[0]: error}
            log.warning("a batch of %d items failed (%s); running halves", len(tickets), error)
            middle = len(tickets) // 2
            return self._answer(engine, tickets[:middle]) | self._answer(engine, tickets[middle:])
        return _share_out(logits, tickets)


def _share_out(
    logits: Sequence[float], tickets: Sequence[Ticket[Work]]
) -> dict[Ticket[Work], tuple[float, ...] | Exception]:
    expected = sum(len(ticket.payload.rows) for ticket in tickets)
    if len(logits) != expected:
        raise ValueError(f"the engine answered {expected} rows with {len(logits)} logits")
    remaining = iter(logits)
    outcomes: dict[Ticket[Work], tuple[float, ...] | Exception] = {}
    for ticket in tickets:
        own = tuple(next(remaining) for _ in ticket.payload.rows)
        finite = all(math.isfinite(logit) for logit in own)
        outcomes[ticket] = own if finite else NonFiniteLogitsError(f"logits {own}")
    return outcomes


def _result(
    outcome: tuple[float, ...] | Exception, at: float, batch: Batch[Work], seconds: float
) -> Result[Work]:
    if isinstance(outcome, Exception):
        return Result(None, outcome, at, batch, seconds)
    return Result(outcome, None, at, batch, seconds)
