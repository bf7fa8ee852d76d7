"""One replica: the real scheduler, with engines and a front that only take time."""

from __future__ import annotations

from collections.abc import Callable

from app.engine.lanes import shares
from app.serving.admission import AdmissionError, Limits
from app.serving.scheduler import Scheduler
from app.serving.work import Batch, Outcome, Ticket
from planning.clockwork import Clockwork
from planning.speed import ReplicaSpeed

MODEL = "model"
ROWS = 2
"""Of a question of XCOPA, one a choice; they are about equally long."""

Request = int
"""Its number."""

OnEnd = Callable[[int, Request, Outcome | None], None]
"""Called with the number of the replica when a request has ended; None: it was not admitted."""


class _TellingScheduler(Scheduler[Request]):
    """Tells which items have expired, which the service learns from their callers' timers."""

    def __init__(self, replica: Replica, limits: Limits, clock: Clockwork) -> None:
        super().__init__({MODEL: replica.speed.profile}, limits, clock, replica.speed.engines)
        self._replica = replica

    def expire(self) -> list[Ticket[Request]]:
        late = super().expire()
        for ticket in late:
            self._replica.end(ticket)
        return late


class Replica:
    """Takes requests, and says how each ended.

    Args:
        number: of the replica.
        speed: how long everything takes.
        limits: of its scheduler.
        clock: of the simulation.
        on_end: see ``OnEnd``.
    """

    def __init__(
        self, number: int, speed: ReplicaSpeed, limits: Limits, clock: Clockwork, on_end: OnEnd
    ) -> None:
        self.number = number
        self.speed = speed
        self.busy_seconds = 0.0
        """Of all engines together."""
        self.batches = 0
        self._clock = clock
        self._on_end = on_end
        self._scheduler = _TellingScheduler(self, limits, clock)
        self._idle = speed.engines
        self._front_free_at = 0.0
        self._in_front: dict[Ticket[Request], None] = {}
        self._lost = False
        self._waits = limits.max_wait > 0

    def take(self, request: Request, tokens: int, deadline: float) -> None:
        """Take a request that comes now."""
        ticket: Ticket[Request] = Ticket(MODEL, tokens, request, deadline)
        if not self.speed.front_seconds:
            self._submit(ticket)
            return
        begins = max(self._clock.now, self._front_free_at)
        self._front_free_at = begins + self.speed.front_seconds
        self._in_front[ticket] = None
        self._clock.at(self._front_free_at, self._leave_front, ticket)

    def lose(self) -> list[Request]:
        """End the replica; return the requests that it has not answered, as they came."""
        self._lost = True
        held = [*self._in_front, *self._scheduler.fail_all()]
        # The scheduler has the batches that run in a set, whose order changes from run to run.
        return sorted(ticket.payload for ticket in held)

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do."""
        return self._scheduler.idle and not self._in_front

    def end(self, ticket: Ticket[Request]) -> None:
        """Say how an item ended."""
        self._on_end(self.number, ticket.payload, ticket.outcome)

    def _leave_front(self, ticket: Ticket[Request]) -> None:
        if not self._lost:
            del self._in_front[ticket]
            self._submit(ticket)

    def _submit(self, ticket: Ticket[Request]) -> None:
        try:
            self._scheduler.submit((ticket,))
        except AdmissionError:
            self.end(ticket)
            return
        if self._idle:
            self._start()

    def _start(self, _: object = None) -> None:
        """Give batches to the engines that are idle, as the threads of the service do."""
        if self._lost:
            return
        while self._idle and self._scheduler.waiting_tokens(MODEL):
            batch = self._scheduler.seal()
            if batch is None:
                break
            self._run(batch)
        if self._waits and self._idle and (due := self._scheduler.next_due()) is not None:
            self._clock.at(max(due, self._clock.now), self._start)

    def _run(self, batch: Batch[Request]) -> None:
        self.batches += 1
        self._idle -= 1
        if self._idle and not self._scheduler.waiting_tokens(MODEL):
            self._run_spread(batch)
            return
        self._clock.at(self._clock.now + self._busy(batch.tokens), self._finish, batch)

    def _run_spread(self, batch: Batch[Request]) -> None:
        """Nothing waits, so engines that are idle take some of the rows (``pool_seats.py``)."""
        rows = [length for ticket in batch.tickets for length in _rows(ticket.tokens)]
        others = min(self._idle, len(rows) - 1)
        own, *lent = shares(rows, 1 + others)
        self._idle -= others
        now = self._clock.now
        ends = now + self._busy(sum(rows[index] for index in own))
        for part in lent:
            returns = now + self._busy(sum(rows[index] for index in part))
            ends = max(ends, returns)
            self._clock.at(returns, self._return_engine)
        self._clock.at(ends, self._finish_spread, batch)

    def _busy(self, tokens: int) -> float:
        seconds = self.speed.seconds(tokens)
        self.busy_seconds += seconds
        return seconds

    def _return_engine(self, _: object) -> None:
        self._idle += 1
        self._start()

    def _finish(self, batch: Batch[Request], *, usual: bool = True) -> None:
        if self._lost:
            return
        self._scheduler.finish(batch, usual=usual)
        self._idle += 1
        for ticket in batch.tickets:
            self.end(ticket)
        self._start()

    def _finish_spread(self, batch: Batch[Request]) -> None:
        self._finish(batch, usual=False)


def _rows(tokens: int) -> tuple[int, ...]:
    """Return the lengths of an item's rows."""
    return tokens // ROWS, tokens - tokens // ROWS
