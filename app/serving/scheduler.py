"""Admission and the composing of batches: pure, deterministic, standard library only.

A *call* (one HTTP request, say) of a *caller* submits *items*; an item is the rows of one
question, one row a choice, and its rows are never parted. The scheduler decides who is admitted,
and, each time the engine is free, which items make the next batch.

What an item costs is its tokens, and tokens are seconds by the model's service curve. The queue
is bounded in those seconds; and between the models, the one whose batches have taken fewer goes
first. The order within a model is ``app/serving/fair_queue.py``'s.

Nothing here reads a clock, locks or starts a thread: the caller injects the clock and guards
the object (``app/serving/worker.py`` does both).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from app.serving.fair_queue import FairQueue
from app.serving.work import (
    Batch,
    ModelProfile,
    Outcome,
    Payload,
    Reason,
    Ticket,
)

Clock = Callable[[], float]
"""Seconds on a clock that never goes back."""

SHARE_OF_ROOM = 4
"""A caller may hold this many times the room that its call leaves in the queue (dynamic
thresholds, Choudhury and Hahne 1998): one caller alone gets four fifths, and there is always
room for another."""

SHARE_OF_SLACK = 0.75
"""A call is let in when its answer is expected within this share of the time it has: estimates are
estimates, and work on an answer that comes too late is taken from others."""

_SMOOTHING = 0.2
_LARGEST_STEP = 4.0
"""One batch that the machine held up says little: it counts as this many times slower at most."""


class AdmissionError(Exception):
    """A call was not admitted; nothing of it is queued."""


class QueueFullError(AdmissionError):
    """There is no room for the call now. ``retry_after`` estimates when, in seconds."""

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class CallTooLargeError(AdmissionError):
    """The call needs more work than a caller may have in an empty queue."""


class DrainingError(AdmissionError):
    """The service is shutting down and finishes only what it has accepted."""


class HaltedError(AdmissionError):
    """The engine does not move."""


@dataclass(frozen=True)
class Limits:
    """What the scheduler may hold, and how long it may hold it back, in seconds.

    ``queue_seconds`` bounds the estimated work that waits, over all models. ``max_wait`` is the
    longest an item waits for company; 0 keeps the engine busy whenever an item waits.
    """

    queue_seconds: float
    max_wait: float = 0.0

    def __post_init__(self) -> None:
        if self.queue_seconds <= 0:
            raise ValueError("queue_seconds is above 0")
        if self.max_wait < 0:
            raise ValueError("max_wait is 0 at least")

    @property
    def call_seconds(self) -> float:
        """The most work that one caller may have in the queue."""
        return self.queue_seconds * SHARE_OF_ROOM / (1 + SHARE_OF_ROOM)


class Scheduler(Generic[Payload]):
    """Decides who is admitted and what makes the next batch."""

    def __init__(self, profiles: Mapping[str, ModelProfile], limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self.profiles = dict(profiles)
        self.draining = False
        self.halted = False
        self._clock = clock
        self._queues: dict[str, FairQueue[Payload]] = {name: FairQueue() for name in profiles}
        self._given = dict.fromkeys(profiles, 0.0)
        self._virtual_time = 0.0
        self._in_flight: set[Batch[Payload]] = set()
        self._pace = 1.0
        """What batches have lately taken over what their curve says."""

    # Admission ---------------------------------------------------------------------------

    def submit(self, call: Sequence[Ticket[Payload]], caller: str = "") -> None:
        """Admit every item of a call, or none.

        Args:
            call: its items, which may be for several models; new, and not submitted before.
            caller: whose turn it is; callers share the engine evenly.

        Raises:
            DrainingError: the service is shutting down.
            HaltedError: the engine does not move.
            CallTooLargeError: the call would not fit an empty queue.
            QueueFullError: it does not fit now, or not in time.
        """
        tokens: dict[str, int] = {}
        by_model: dict[str, list[Ticket[Payload]]] = {}
        for ticket in call:
            tokens[ticket.model] = tokens.get(ticket.model, 0) + ticket.tokens
            by_model.setdefault(ticket.model, []).append(ticket)
        deadline = min((t.deadline for t in call if t.deadline is not None), default=None)
        self.check(tokens, caller, deadline)
        now = self._clock()
        for ticket in call:
            ticket.caller, ticket.admitted_at = caller, now
        for model, own in by_model.items():
            self._enqueue(model, own)

    def check(self, tokens: Mapping[str, int], caller: str, deadline: float | None) -> None:
        """Raise what ``submit`` would for a call of that many tokens for each model."""
        if self.draining:
            raise DrainingError("the service is shutting down")
        if self.halted:
            raise HaltedError("the engine does not move")
        cost = sum(self._seconds(model, count) for model, count in tokens.items())
        # At the calibrated pace: what is too large must not depend on how the machine is today.
        if (usual := cost / self._pace) > self.limits.call_seconds:
            raise CallTooLargeError(
                f"the call needs {usual:.1f} s of work; a call may need "
                f"{self.limits.call_seconds:.1f} s at most"
            )
        waiting = self.waiting_seconds
        if waiting:
            self._check_room(cost, waiting, caller)
        if deadline is None:
            return
        slack = deadline - self._clock()
        if self._in_flight_seconds() + waiting + cost > SHARE_OF_SLACK * slack:
            self._check_deadline(tokens, cost, caller, slack)

    def _check_room(self, cost: float, waiting: float, caller: str) -> None:
        """The bound of the queue, and the caller's share of it."""
        room = self.limits.queue_seconds - waiting - cost
        if waiting + cost <= SHARE_OF_ROOM * room:  # also if all that waits were the caller's
            return
        own = cost + sum(
            self._seconds(model, queue.waiting_tokens_of(caller))
            for model, queue in self._queues.items()
        )
        # Solve own - x <= SHARE_OF_ROOM * (room + x) for x, the seconds that must leave first.
        excess = max(-room, (own - SHARE_OF_ROOM * room) / (1 + SHARE_OF_ROOM))
        if excess > 0:
            raise QueueFullError(
                f"{waiting:.1f} s of work wait; room for the call is expected in {excess:.1f} s",
                excess + self._in_flight_seconds(),
            )

    def _check_deadline(
        self, tokens: Mapping[str, int], cost: float, caller: str, slack: float
    ) -> None:
        """Whether the answer is expected within the slack that the deadline leaves.

        What an idle engine could not answer in time either is not refused for want of room: it is
        let in, and said to be late if it is. And an idle engine refuses nothing, or it would never
        learn that the machine has become faster again.
        """
        allowed = SHARE_OF_SLACK * slack
        if cost > allowed or self.idle:
            return
        expected = self.expected_seconds(tokens, caller)
        if expected > allowed:
            raise QueueFullError(
                f"an answer is expected in {expected:.2f} s, too late for the deadline of the call",
                expected - allowed,
            )

    def expected_seconds(self, tokens: Mapping[str, int], caller: str) -> float:
        """Return how long a call of that many tokens for each model would take, if admitted."""
        longest = 0.0
        for model, count in tokens.items():
            queue, profile = self._queues[model], self.profiles[model]
            ahead = queue.tokens_ahead(caller, count)
            # Its last item is answered when the batch is done, and that is filled by others.
            batches = -(-ahead // profile.batch_tokens) * profile.batch_tokens
            ahead = min(batches, queue.waiting_tokens + count)
            own = self._seconds(model, ahead)
            others = sum(
                min(own, self._seconds(name, other.waiting_tokens + tokens.get(name, 0)))
                for name, other in self._queues.items()
                if name != model
            )
            longest = max(longest, own + others)
        return self._in_flight_seconds() + longest

    def _enqueue(self, model: str, tickets: Sequence[Ticket[Payload]]) -> None:
        queue = self._queues[model]
        if not queue.waiting_items:
            # A model that was idle has no claim on the time it did not ask for.
            self._given[model] = max(self._given[model], self._virtual_time)
        queue.add(tickets)

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

    def extend(self, ticket: Ticket[Payload], deadline: float) -> None:
        """Let an item live until a later deadline, for somebody else who waits for it."""
        if ticket.deadline is not None:
            ticket.deadline = max(ticket.deadline, deadline)

    def fail_all(self) -> list[Ticket[Payload]]:
        """End every item that has not ended, also those the engine holds, and return them."""
        held = [ticket for batch in self._in_flight for ticket in batch.tickets]
        waiting = [ticket for queue in self._queues.values() for ticket in queue.waiting()]
        return [ticket for ticket in held + waiting if self._leave(ticket, Outcome.FAILED)]

    def _leave(self, ticket: Ticket[Payload], outcome: Outcome) -> bool:
        if ticket.outcome is not None:
            return False
        if not ticket.waiting:  # the engine has it, and its caller may be forgotten
            ticket.outcome = outcome
            return True
        queue = self._queues[ticket.model]
        queue.release(ticket)
        ticket.outcome = outcome
        queue.drop_gone(ticket.caller)
        return True

    # Batches -----------------------------------------------------------------------------

    def seal(self) -> Batch[Payload] | None:
        """Compose the next batch for an engine that can take it now; None when none is due.

        What has expired by now is ended here and never reaches the engine.
        """
        self.expire()
        now = self._clock()
        due = {name: reason for name in self._queues if (reason := self._due(name, now))}
        if not due:
            return None
        model = min(due, key=self._given.__getitem__)
        return self._seal_from(model, due[model], now)

    def next_due(self) -> float | None:
        """When an item that waits for company will have waited enough; None without one."""
        if self.limits.max_wait == 0:
            return None
        return min(
            (
                min(ticket.admitted_at + self.limits.max_wait, self._latest_start(ticket))
                for queue in self._queues.values()
                for ticket in queue.waiting()
            ),
            default=None,
        )

    def _due(self, model: str, now: float) -> Reason | None:
        """Why a batch of the model is due now, or None."""
        queue = self._queues[model]
        if not queue.waiting_items:
            return None
        if self.limits.max_wait == 0 or self.draining:
            return Reason.DRAINED
        if queue.waiting_tokens >= self.profiles[model].batch_tokens:
            return Reason.BUDGET
        if any(now >= ticket.admitted_at + self.limits.max_wait for ticket in queue.waiting()):
            return Reason.MAX_WAIT
        if any(now >= self._latest_start(ticket) for ticket in queue.waiting()):
            return Reason.DEADLINE
        return None

    def _latest_start(self, ticket: Ticket[Payload]) -> float:
        """When a batch with this item, and all that a budget allows, must start to be in time."""
        if ticket.deadline is None:
            return float("inf")
        queue, profile = self._queues[ticket.model], self.profiles[ticket.model]
        return ticket.deadline - self._pace * profile.curve.seconds(
            min(queue.waiting_tokens, max(profile.batch_tokens, ticket.tokens))
        )

    def _seal_from(self, model: str, due: Reason, now: float) -> Batch[Payload]:
        queue, profile = self._queues[model], self.profiles[model]
        chosen: list[Ticket[Payload]] = []
        tokens = 0
        reason = due
        while (ticket := queue.next()) is not None:
            # An item above the budget would wait for ever, so it travels alone.
            if chosen and tokens + ticket.tokens > profile.batch_tokens:
                reason = Reason.BUDGET
                break
            queue.take()
            ticket.sealed_at = now
            chosen.append(ticket)
            tokens += ticket.tokens
        if tokens >= profile.batch_tokens:
            reason = Reason.BUDGET
        expected = profile.curve.seconds(tokens)
        batch = Batch(model, tuple(chosen), tokens, now, reason, expected)
        self._virtual_time = self._given[model]
        self._given[model] += expected
        self._in_flight.add(batch)
        return batch

    def finish(self, batch: Batch[Payload], failed: Iterable[Ticket[Payload]] = ()) -> None:
        """Take a batch back from the engine: its items are answered, but for the failed ones.

        An item that was cancelled or expired meanwhile keeps that outcome.
        """
        self._in_flight.remove(batch)
        gone_wrong = set(failed)
        for ticket in batch.tickets:
            if ticket.outcome is None:
                failure = ticket in gone_wrong
                ticket.outcome = Outcome.FAILED if failure else Outcome.ANSWERED
        if not gone_wrong:
            self._learn_pace(batch)

    def _learn_pace(self, batch: Batch[Payload]) -> None:
        taken = (self._clock() - batch.sealed_at) / batch.expected_seconds
        change = min(max(taken / self._pace, 1 / _LARGEST_STEP), _LARGEST_STEP)
        self._pace *= change**_SMOOTHING

    # State -------------------------------------------------------------------------------

    def drain(self) -> None:
        """Admit nothing from here on; what was accepted is still served."""
        self.draining = True

    @property
    def idle(self) -> bool:
        return not self._in_flight and not self.waiting_items()

    @property
    def waiting_seconds(self) -> float:
        """The work that waits, as the curves and the pace of late have it."""
        return sum(self._seconds(name, q.waiting_tokens) for name, q in self._queues.items())

    def waiting_items(self, model: str | None = None) -> int:
        queues = self._queues.values() if model is None else [self._queues[model]]
        return sum(queue.waiting_items for queue in queues)

    def waiting_tokens(self, model: str) -> int:
        return self._queues[model].waiting_tokens

    def _seconds(self, model: str, tokens: int) -> float:
        return self._pace * self.profiles[model].backlog_seconds(tokens) if tokens else 0.0

    def _in_flight_seconds(self) -> float:
        """What is left of the batch at work."""
        now = self._clock()
        return sum(
            max(0.0, self._pace * batch.expected_seconds - (now - batch.sealed_at))
            for batch in self._in_flight
        )
