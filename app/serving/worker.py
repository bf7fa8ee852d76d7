"""The threads that run batches on engines, and the lock around the scheduler.

There is a thread for each batch that may run at once. It composes its batches itself: when an
engine is free, it takes the items that wait at that moment, and the event loop does not take part.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.clock import Clock
from app.engine.engine import Engine, Row
from app.engine.seats import EngineLostError, OneSeat, Seat, Seats
from app.serving.scheduler import Scheduler
from app.serving.work import ANYBODY, Batch, Caller, Load, Result, Ticket

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


@dataclass(eq=False)
class _Run:
    """A batch at work."""

    hand: int
    """The number of the thread."""
    seat: Seat
    spread: bool
    """Whether engines that are idle may take some of its rows: nothing else waited."""
    since: float
    """When its last pass began."""
    passes: int = 0


OnResults = Callable[[Mapping[Ticket[Work], Result[Work]]], None]
"""Called on the worker's thread with the result of every item of one batch."""


class Worker(Generic[Work]):
    """Runs batches until it is stopped. Any thread may call its methods.

    Args:
        scheduler: of nobody else from now on.
        engines: by model, to run one batch at a time in this process; or the seats that run more.
        on_results: see ``OnResults``.
        clock: that of the scheduler.
    """

    def __init__(
        self,
        scheduler: Scheduler[Work],
        engines: Mapping[str, Engine] | Seats,
        on_results: OnResults[Work],
        clock: Clock,
    ) -> None:
        self._scheduler = scheduler
        self._seats: Seats = OneSeat(engines) if isinstance(engines, Mapping) else engines
        self._on_results = on_results
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        self._running: dict[Batch[Work], _Run] = {}
        self._hands = [self._new_thread(hand) for hand in range(self._seats.most)]
        self._seats.watch(self.wake)

    def start(self) -> None:
        for thread in self._hands:
            thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Finish the batches that run, and end the threads; wait no longer than the timeout."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        give_up = None if timeout is None else time.monotonic() + timeout
        for thread in self._hands:
            thread.join(None if give_up is None else max(0.0, give_up - time.monotonic()))

    # The scheduler, guarded --------------------------------------------------------------

    def submit(self, call: Sequence[Ticket[Work]], caller: Caller = ANYBODY) -> None:
        """Admit a call, or raise what ``Scheduler.submit`` raises; Call ``wake`` afterwards."""
        with self._changed:
            self._scheduler.submit(call, caller)

    def wake(self) -> None:
        """Make a thread check the queue, if one waits."""
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

    @property
    def has_room(self) -> bool:
        """Whether nothing waits, and an engine is idle."""
        with self._changed:
            return not self._scheduler.waiting_items() and self._seats.busy < self._seats.moving

    def waiting(self, model: str) -> tuple[int, int]:
        """Return how many items and how many tokens wait for a model."""
        with self._changed:
            return self._scheduler.waiting_items(model), self._scheduler.waiting_tokens(model)

    def waiting_rows(self, model: str) -> int:
        """Return how many rows wait for a model."""
        with self._changed:
            return sum(len(each.payload.rows) for each in self._scheduler.waiting_of(model))

    @property
    def pace(self) -> float:
        """What batches have lately taken over what was calibrated."""
        return self._scheduler.backlog.pace

    def waiting_seconds(self) -> float:
        """Return the estimated time of the waiting work."""
        with self._changed:
            return self._scheduler.waiting_seconds

    @property
    def load(self) -> Load:
        """What there is to do, and what was done."""
        with self._changed:
            return self._scheduler.backlog.load

    # Watched over ------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        return all(thread.is_alive() for thread in self._hands)

    @property
    def engines(self) -> int:
        """How many engines are there to run batches."""
        return self._seats.moving

    @property
    def seconds_without_engine(self) -> float:
        """For how long there has been none."""
        return self._seats.seconds_without_engine

    def at_work(self) -> list[tuple[Batch[Work], float]]:
        """Return each batch at work, and for how many seconds its pass has run."""
        with self._changed:
            now = self._clock()
            return [(batch, now - run.since) for batch, run in self._running.items()]

    def end_pass(self, batch: Batch[Work]) -> bool:
        """End the processes that run a batch; return False where it has none to end."""
        with self._changed:
            run = self._running.get(batch)
        return run is None or run.seat.end()

    def halt(self) -> list[Ticket[Work]]:
        """Refuse calls until ``resume``; end and return every item that waits or runs."""
        with self._changed:
            self._scheduler.halted = True
            return self._scheduler.fail_all()

    def resume(self) -> None:
        """Accept calls again."""
        with self._changed:
            self._scheduler.halted = False

    def count_engines(self) -> None:
        """Tell the scheduler how many engines share the work."""
        with self._changed:
            self._scheduler.engines = max(1, self._seats.moving)

    def revive(self) -> bool:
        """Replace the threads that have died, and fail their batches. Return whether one had."""
        lost: list[Batch[Work]] = []
        with self._changed:
            dead = [hand for hand, thread in enumerate(self._hands) if not thread.is_alive()]
            if not dead or self._stopping:
                return False
            for batch, run in list(self._running.items()):
                if run.hand in dead:
                    lost.append(batch)
                    self._end(batch, batch.tickets)
            for hand in dead:
                self._hands[hand] = self._new_thread(hand)
                self._hands[hand].start()
        for batch in lost:
            error = WorkerDiedError("the thread that ran the batch ended")
            result = Result(None, error, self._clock(), batch)
            self._on_results(dict.fromkeys(batch.tickets, result))
        return True

    # The threads -------------------------------------------------------------------------

    def _new_thread(self, hand: int) -> threading.Thread:
        return threading.Thread(target=self._run, args=(hand,), name="xcopa-worker", daemon=True)

    def _run(self, hand: int) -> None:
        while not self._stopping:
            try:
                if (batch := self._next_batch(hand)) is not None:
                    self._serve(batch)
            except Exception:
                log.exception("an error in the worker, outside a batch; it continues")
                time.sleep(_PAUSE_AFTER_ERROR_S)

    def _next_batch(self, hand: int = 0) -> Batch[Work] | None:
        with self._changed:
            while not self._stopping:
                if (batch := self._begin(hand)) is not None:
                    return batch
                due = self._scheduler.next_due()
                self._changed.wait(None if due is None else max(0.0, due - self._clock()))
            return None

    def _begin(self, hand: int) -> Batch[Work] | None:
        """Seal a batch, if an engine can take it now and one is due."""
        seat = self._seats.take()
        if seat is None:
            return None
        batch = None
        try:
            batch = self._scheduler.seal()
        finally:
            if batch is None:
                seat.leave()
        if batch is None:
            return None
        more = bool(self._scheduler.waiting_items())
        if more:
            self._changed.notify()  # for another engine that may be idle
        self._running[batch] = _Run(hand, seat, not more, batch.sealed_at)
        return batch

    def _end(
        self, batch: Batch[Work], failed: Sequence[Ticket[Work]], *, usual: bool = False
    ) -> None:
        run = self._running.pop(batch)
        self._scheduler.finish(batch, failed, usual=usual)
        run.seat.leave()

    def _serve(self, batch: Batch[Work]) -> None:
        started = self._clock()
        run = self._running[batch]
        try:
            outcomes = self._answer(run, batch.model, batch.tickets)
        except Exception as error:
            outcomes = dict.fromkeys(batch.tickets, error)
        ended = self._clock()
        failed = [ticket for ticket, outcome in outcomes.items() if isinstance(outcome, Exception)]
        usual = run.passes == 1 and not run.seat.split and not failed
        with self._changed:
            if batch in self._running:
                self._end(batch, failed, usual=usual)
        self._on_results(
            {
                ticket: _result(outcome, ended, batch, ended - started, usual=usual)
                for ticket, outcome in outcomes.items()
            }
        )

    def _answer(
        self, run: _Run, model: str, tickets: Sequence[Ticket[Work]], *, last_try: bool = False
    ) -> dict[Ticket[Work], tuple[float, ...] | Exception]:
        """Run the tickets together; if that fails, by halves, so that a bad item fails alone.

        An engine can end for a reason that has nothing to do with what it runs. So an item that
        is alone with the end of one gets another; if that ends too, the item is the reason.
        """
        rows = [row for ticket in tickets for row in ticket.payload.rows]
        run.passes += 1
        run.since = self._clock()
        try:
            logits = run.seat.logits(model, rows, spread=run.spread)
        except Exception as error:
            failure = error
        else:
            return _share_out(logits, tickets)
        retry = isinstance(failure, EngineLostError) and not last_try
        if len(tickets) == 1 and not retry:
            log.error("an item failed", exc_info=failure)
            # Its frames hold the engine that ended, and with that open descriptors.
            return {tickets[0]: failure.with_traceback(None)}
        if len(tickets) > 1:
            log.warning("a batch of %d items failed (%s); running halves", len(tickets), failure)
        del failure  # as above
        if len(tickets) == 1:
            return self._answer(run, model, tickets, last_try=True)
        middle = len(tickets) // 2
        first = self._answer(run, model, tickets[:middle])
        return first | self._answer(run, model, tickets[middle:])


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
    outcome: tuple[float, ...] | Exception,
    at: float,
    batch: Batch[Work],
    seconds: float,
    *,
    usual: bool,
) -> Result[Work]:
    if isinstance(outcome, Exception):
        return Result(None, outcome, at, batch, seconds, usual)
    return Result(outcome, None, at, batch, seconds, usual)
