"""Admission, queues and the composing of batches: pure, deterministic, standard library only.

A *call* (one HTTP request, say) submits *items*; an item is the rows of one question, one row
a choice, and its rows are never parted. The scheduler decides who is admitted, and, each time
the engine is free, which items make the next batch.

Fairness is start-time fair queueing (Goyal, Vin and Cheng 1996) on two levels, counted in what
the engine pays for. Between models, the one that has been given least goes first. Within a
model, each call is a flow: the second item of a call is tagged behind the first by the first's
cost, so an item of a call of 64 waits for its turn among the calls that arrive meanwhile.

Nothing here reads a clock, locks or starts a thread: the caller injects the clock and guards
the object (``app/serving/worker.py`` does both).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

Payload = TypeVar("Payload")

Clock = Callable[[], float]
"""Seconds on a clock that never goes back."""


class Outcome(Enum):
    """The four ways in which an accepted item ends; it ends in exactly one."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class AdmissionError(Exception):
    """A call was not admitted; nothing of it is queued."""


class QueueFullError(AdmissionError):
    """The queue has no room for the call now. ``retry_after`` estimates when, in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the queue is full; room is expected in {retry_after:.1f} s")
        self.retry_after = retry_after


class CallTooLargeError(AdmissionError):
    """The call costs more than an empty queue would hold, so waiting cannot help."""

    def __init__(self, cost: int, limit: int) -> None:
        super().__init__(f"the call costs {cost} tokens; a call may cost {limit} at most")
        self.cost = cost
        self.limit = limit


class DrainingError(AdmissionError):
    """The service is shutting down and finishes only what it has accepted."""


@dataclass(frozen=True)
class RowShape:
    """What a set of rows looks like to the engine: how many, their tokens, the longest."""

    rows: int = 0
    tokens: int = 0
    longest: int = 0

    @classmethod
    def of(cls, lengths: Iterable[int]) -> RowShape:
        shape = cls()
        for length in lengths:
            shape = shape + cls(1, length, length)
        return shape

    def __add__(self, other: RowShape) -> RowShape:
        return RowShape(
            self.rows + other.rows,
            self.tokens + other.tokens,
            max(self.longest, other.longest),
        )


CostModel = Callable[[RowShape], int]
"""The tokens an engine pays for rows of that shape, padding included where it pads."""


def padded_cost(shape: RowShape) -> int:
    """The cost on an engine that pads every row to the longest."""
    return shape.rows * shape.longest


@dataclass(frozen=True)
class Limits:
    """What the scheduler may hold and seal, in tokens as the engine pays them.

    ``max_wait`` is the longest an item waits for company in seconds; 0 keeps the engine busy
    whenever an item waits.
    """

    batch_tokens: int
    queue_tokens: int
    max_wait: float = 0.0

    def __post_init__(self) -> None:
        if self.batch_tokens < 1 or self.queue_tokens < 1:
            raise ValueError("batch_tokens and queue_tokens are 1 at least")
        if self.max_wait < 0:
            raise ValueError("max_wait is 0 at least")


@dataclass(frozen=True)
class Request(Generic[Payload]):
    """One item that asks to be admitted."""

    model: str
    lengths: tuple[int, ...]
    payload: Payload
    deadline: float | None = None


@dataclass(eq=False)
class Ticket(Generic[Payload]):
    """One admitted item, from admission to its outcome. Times are the scheduler's clock's."""

    model: str
    shape: RowShape
    cost: int
    payload: Payload
    deadline: float | None
    admitted_at: float
    sealed_at: float | None = None
    outcome: Outcome | None = None
    start_tag: float = field(default=0.0, repr=False)
    """Its place in its model's queue: least first."""

    @property
    def waiting(self) -> bool:
        return self.outcome is None and self.sealed_at is None


@dataclass(frozen=True, eq=False)
class Batch(Generic[Payload]):
    """Items of one model, sealed together at the moment the engine could take them."""

    model: str
    tickets: tuple[Ticket[Payload], ...]
    shape: RowShape
    cost: int
    sealed_at: float


class _ModelQueue(Generic[Payload]):
    """The waiting items of one model, least start tag first."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Ticket[Payload]]] = []
        self.waiting_items = 0
        self.waiting_tokens = 0
        self.virtual_time = 0.0
        self.service_given = 0.0

    def push(self, order: int, ticket: Ticket[Payload]) -> None:
        heapq.heappush(self.heap, (ticket.start_tag, order, ticket))
        self.waiting_items += 1
        self.waiting_tokens += ticket.cost

    def pop(self) -> Ticket[Payload]:
        _, _, ticket = heapq.heappop(self.heap)
        self.release(ticket)
        self.virtual_time = max(self.virtual_time, ticket.start_tag)
        return ticket

    def release(self, ticket: Ticket[Payload]) -> None:
        """Take a ticket out of the counts; its heap entry goes when it surfaces."""
        self.waiting_items -= 1
        self.waiting_tokens -= ticket.cost

    def drop_gone(self) -> None:
        """Drop entries of items that have ended: those on top, or all once they are most."""
        while self.heap and not self.heap[0][2].waiting:
            heapq.heappop(self.heap)
        if len(self.heap) > 2 * self.waiting_items:
            self.heap = [entry for entry in self.heap if entry[2].waiting]
            heapq.heapify(self.heap)

    def waiting(self) -> Iterator[Ticket[Payload]]:
        return (ticket for _, _, ticket in self.heap if ticket.waiting)

    def oldest(self) -> float | None:
        return min((ticket.admitted_at for ticket in self.waiting()), default=None)


class Scheduler(Generic[Payload]):
    """Decides who is admitted and what makes the next batch."""

    def __init__(
        self,
        models: Iterable[str],
        limits: Limits,
        clock: Clock,
        cost_model: CostModel = padded_cost,
    ) -> None:
        self.limits = limits
        self.draining = False
        self._clock = clock
        self._cost_model = cost_model
        self._queues: dict[str, _ModelQueue[Payload]] = {name: _ModelQueue() for name in models}
        self._order = itertools.count()
        self._virtual_service = 0.0
        self._in_flight: set[Batch[Payload]] = set()
        self._tokens_per_second: float | None = None

    # Admission ---------------------------------------------------------------------------

    def submit(self, call: Sequence[Request[Payload]]) -> list[Ticket[Payload]]:
        """Admit every item of a call, or none.

        Raises:
            DrainingError: the service is shutting down.
            CallTooLargeError: the call would not fit an empty queue.
            QueueFullError: it does not fit now.
        """
        if self.draining:
            raise DrainingError("the service is shutting down")
        now = self._clock()
        tickets = [self._ticket(request, now) for request in call]
        cost = sum(ticket.cost for ticket in tickets)
        if cost > self.limits.queue_tokens:
            raise CallTooLargeError(cost, self.limits.queue_tokens)
        excess = self.waiting_tokens + cost - self.limits.queue_tokens
        if excess > 0:
            raise QueueFullError(self._seconds_to_serve(excess))
        self._enqueue(tickets)
        return tickets

    def _ticket(self, request: Request[Payload], now: float) -> Ticket[Payload]:
        if request.model not in self._queues:
            raise KeyError(request.model)
        shape = RowShape.of(request.lengths)
        return Ticket(
            model=request.model,
            shape=shape,
            cost=self._cost_model(shape),
            payload=request.payload,
            deadline=request.deadline,
            admitted_at=now,
        )

    def _enqueue(self, tickets: Sequence[Ticket[Payload]]) -> None:
        next_tag: dict[str, float] = {}
        for ticket in tickets:
            queue = self._queues[ticket.model]
            if not queue.waiting_items:
                # A model that was idle has no claim on the time it did not ask for.
                queue.service_given = max(queue.service_given, self._virtual_service)
            ticket.start_tag = next_tag.get(ticket.model, queue.virtual_time)
            next_tag[ticket.model] = ticket.start_tag + ticket.cost
            queue.push(next(self._order), ticket)

    # Leaving before an answer ------------------------------------------------------------

    def cancel(self, ticket: Ticket[Payload]) -> bool:
        """End an item that nobody waits for any more; False when it had already ended."""
        return self._leave(ticket, Outcome.CANCELLED)

    def expire(self) -> list[Ticket[Payload]]:
        """End every waiting item whose deadline has passed, and return them."""
        now = self._clock()
        late = [
            ticket
            for queue in self._queues.values()
            for ticket in queue.waiting()
            if ticket.deadline is not None and now >= ticket.deadline
        ]
        return [ticket for ticket in late if self._leave(ticket, Outcome.EXPIRED)]

    def expire_one(self, ticket: Ticket[Payload]) -> bool:
        """End one item whose deadline has passed, also when the engine is at work on it."""
        return self._leave(ticket, Outcome.EXPIRED)

    def _leave(self, ticket: Ticket[Payload], outcome: Outcome) -> bool:
        if ticket.outcome is not None:
            return False
        queue = self._queues[ticket.model]
        if ticket.waiting:
            queue.release(ticket)
        ticket.outcome = outcome
        queue.drop_gone()
        return True

    # Batches -----------------------------------------------------------------------------

    def seal(self) -> Batch[Payload] | None:
        """Compose the next batch for an engine that can take it now; None when none is due.

        What has expired by now is ended here and never reaches the engine.
        """
        self.expire()
        now = self._clock()
        due = [name for name in self._queues if self._is_due(name, now)]
        if not due:
            return None
        model = min(due, key=lambda name: self._queues[name].service_given)
        return self._seal_from(model, now)

    def next_due(self) -> float | None:
        """When an item that waits for company will have waited enough; None without one."""
        oldest = [when for queue in self._queues.values() if (when := queue.oldest()) is not None]
        return min(oldest) + self.limits.max_wait if oldest else None

    def _is_due(self, model: str, now: float) -> bool:
        queue = self._queues[model]
        if not queue.waiting_items:
            return False
        if self.limits.max_wait == 0 or self.draining:
            return True
        if queue.waiting_tokens >= self.limits.batch_tokens:
            return True
        oldest = queue.oldest()
        return oldest is not None and now >= oldest + self.limits.max_wait

    def _seal_from(self, model: str, now: float) -> Batch[Payload]:
        queue = self._queues[model]
        chosen: list[Ticket[Payload]] = []
        shape = RowShape()
        while queue.waiting_items:
            queue.drop_gone()
            grown = shape + queue.heap[0][2].shape
            # An item above the budget would wait for ever, so it travels alone.
            if chosen and self._cost_model(grown) > self.limits.batch_tokens:
                break
            ticket = queue.pop()
            ticket.sealed_at = now
            chosen.append(ticket)
            shape = grown
        batch = Batch(model, tuple(chosen), shape, self._cost_model(shape), now)
        self._virtual_service = queue.service_given
        queue.service_given += batch.cost
        self._in_flight.add(batch)
        return batch

    def finish(self, batch: Batch[Payload], failed: Iterable[Ticket[Payload]] = ()) -> None:
        """Take a batch back from the engine: its items are answered, but for the failed ones.

        An item that was cancelled or expired meanwhile keeps that outcome.
        """
        self._in_flight.remove(batch)
        gone_wrong = {id(ticket) for ticket in failed}
        for ticket in batch.tickets:
            if ticket.outcome is None:
                failure = id(ticket) in gone_wrong
                ticket.outcome = Outcome.FAILED if failure else Outcome.ANSWERED
        self._learn_rate(batch)

    def _learn_rate(self, batch: Batch[Payload]) -> None:
        seconds = self._clock() - batch.sealed_at
        if seconds <= 0:
            return
        rate = batch.cost / seconds
        if self._tokens_per_second is None:
            self._tokens_per_second = rate
        self._tokens_per_second += 0.2 * (rate - self._tokens_per_second)

    # State -------------------------------------------------------------------------------

    def drain(self) -> None:
        """Admit nothing from here on; what was accepted is still served."""
        self.draining = True

    @property
    def idle(self) -> bool:
        return not self._in_flight and not self.waiting_items()

    @property
    def waiting_tokens(self) -> int:
        return sum(queue.waiting_tokens for queue in self._queues.values())

    def waiting_items(self, model: str | None = None) -> int:
        queues = self._queues.values() if model is None else [self._queues[model]]
        return sum(queue.waiting_items for queue in queues)

    def waiting_tokens_of(self, model: str) -> int:
        return self._queues[model].waiting_tokens

    def _seconds_to_serve(self, tokens: int) -> float:
        """How long the engine needs for that many tokens, at the rate it has shown; 1 s unknown."""
        return tokens / self._tokens_per_second if self._tokens_per_second else 1.0
