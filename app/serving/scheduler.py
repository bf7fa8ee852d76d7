"""Who is admitted, and what makes the next batch: pure, deterministic, standard library only.

A *call* (one HTTP request, say) of a *caller* submits *items*; an item is the rows of one
question, one row a choice, and its rows are never parted. The scheduler decides who is admitted,
and, each time the engine is free, which items make the next batch.

Between the models, the one whose batches have taken fewer seconds by its weight goes first; within
a model, the order is ``app/serving/fair_queue.py``'s. And nobody waits without a bound
(docs/decisions/0030-nobody-starves.md): an item is overdue once the engine has done as much work
since its admission as the queue may hold, and while there are such items, every second unit of
work is theirs, oldest first. For a model of less weight than another one the bound is as many times
that work, or overdue items would take back what the weights give.

Nothing here reads a clock, locks or starts a thread: the caller injects the clock and guards
the object (``app/serving/worker.py`` does both).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

from app.clock import Clock
from app.serving.admission import Admission, DrainingError, HaltedError, Limits
from app.serving.backlog import Backlog
from app.serving.fair_queue import FairQueue
from app.serving.work import (
    ANYBODY,
    Batch,
    Caller,
    ModelProfile,
    Outcome,
    Payload,
    Reason,
    Ticket,
)


class Scheduler(Generic[Payload]):
    """Decides who is admitted and what makes the next batch."""

    def __init__(
        self,
        profiles: Mapping[str, ModelProfile],
        limits: Limits,
        clock: Clock,
        engines: int = 1,
    ) -> None:
        self.limits = limits
        self.backlog: Backlog[Payload] = Backlog(profiles, clock, engines)
        self.draining = False
        self.halted = False
        self._clock = clock
        self._admission = Admission(self.backlog, limits, clock)
        self._given = dict.fromkeys(profiles, 0.0)
        """Seconds of each model's batches, by its weight."""
        self._most_weight = max((each.weight for each in profiles.values()), default=1)
        self._virtual_time = 0.0
        self._work = 0.0
        """The work done, without the fixed time of batches, in seconds."""
        self._owed = 0.0
        """The part of it that overdue items are behind the others with."""

    # Admission ---------------------------------------------------------------------------

    def submit(self, call: Sequence[Ticket[Payload]], caller: Caller = ANYBODY) -> None:
        """Admit every item of a call, or none.

        Args:
            call: its items, which may be for several models; new, and not submitted before.
            caller: whose turn it is; callers share the engine by their weights.

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
            ticket.overdue_at = self._work + self._bound(ticket.model)
        for model, own in by_model.items():
            self._enqueue(model, own)

    def check(self, tokens: Mapping[str, int], caller: Caller, deadline: float | None) -> None:
        """Raise what ``submit`` would for a call of that many tokens for each model."""
        if self.draining:
            raise DrainingError("the service is shutting down")
        if self.halted:
            raise HaltedError("the engine does not move")
        self._admission.check(tokens, caller, deadline)

    def _bound(self, model: str) -> float:
        """Return the work, in seconds, after which an item of a model has waited too long."""
        behind = self._most_weight / self.backlog.profiles[model].weight
        return self.engines * self.limits.queue_seconds * behind

    def _enqueue(self, model: str, tickets: Sequence[Ticket[Payload]]) -> None:
        queue = self.backlog.queues[model]
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
            for ticket in self.backlog.waiting()
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
        held = [*self.backlog.running(), *self.backlog.waiting()]
        return [ticket for ticket in held if self._leave(ticket, Outcome.FAILED)]

    def _leave(self, ticket: Ticket[Payload], outcome: Outcome) -> bool:
        if ticket.outcome is not None:
            return False
        if ticket.waiting:
            self.backlog.queues[ticket.model].release(ticket, outcome)
        else:  # the engine has it, and its caller may be forgotten
            ticket.outcome = outcome
        return True

    # Batches -----------------------------------------------------------------------------

    def seal(self) -> Batch[Payload] | None:
        """Compose the next batch for an engine that can take it now; None when none is due.

        What has expired by now is ended here and never reaches the engine.
        """
        self.expire()
        now = self._clock()
        due = {name: reason for name in self.backlog.queues if (reason := self._due(name, now))}
        if not due:
            return None
        overdue = self._overdue(due)
        if overdue is not None and self._owed >= 0:
            return self._seal_from(overdue, due[overdue], now, overdue_first=True)
        model = min(due, key=self._given.__getitem__)
        self._virtual_time = self._given[model]
        batch = self._seal_from(model, due[model], now, overdue_first=False)
        if overdue is None:
            self._owed = 0.0
        return batch

    def next_due(self) -> float | None:
        """When an item that waits for company will have waited enough; None without one."""
        if self.limits.max_wait == 0:
            return None
        return min(
            (
                min(ticket.admitted_at + self.limits.max_wait, self._latest_start(ticket))
                for ticket in self.backlog.waiting()
            ),
            default=None,
        )

    def _due(self, model: str, now: float) -> Reason | None:
        """Why a batch of the model is due now, or None."""
        queue = self.backlog.queues[model]
        if not queue.waiting_items:
            return None
        if self.limits.max_wait == 0 or self.draining:
            return Reason.DRAINED
        if queue.waiting_tokens >= self.backlog.profiles[model].batch_tokens:
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
        backlog = self.backlog
        budget = backlog.profiles[ticket.model].batch_tokens
        tokens = min(backlog.queues[ticket.model].waiting_tokens, max(budget, ticket.tokens))
        return ticket.deadline - backlog.pace * backlog.profiles[ticket.model].curve.seconds(tokens)

    def _overdue(self, models: Iterable[str]) -> str | None:
        """Which of the models has the oldest overdue item; None without one."""
        oldest = [ticket for name in models if (ticket := self._oldest_overdue(name))]
        return min(oldest, key=lambda ticket: ticket.overdue_at).model if oldest else None

    def _oldest_overdue(self, model: str) -> Ticket[Payload] | None:
        ticket = self.backlog.queues[model].oldest()
        return ticket if ticket is not None and ticket.overdue_at <= self._work else None

    def _seal_from(
        self, model: str, due: Reason, now: float, *, overdue_first: bool
    ) -> Batch[Payload]:
        queue, profile = self.backlog.queues[model], self.backlog.profiles[model]
        chosen: list[Ticket[Payload]] = []
        tokens = 0
        reason = due
        while (ticket := self._next(model, overdue_first)) is not None:
            # An item above the budget would wait for ever, so it travels alone.
            if chosen and tokens + ticket.tokens > profile.batch_tokens:
                reason = Reason.BUDGET
                break
            queue.take(ticket, now)
            chosen.append(ticket)
            tokens += ticket.tokens
        if tokens >= profile.batch_tokens:
            reason = Reason.BUDGET
        expected = profile.curve.seconds(tokens)
        batch = Batch(model, tuple(chosen), tokens, now, reason, expected, self.backlog.pace)
        self._given[model] += expected / profile.weight
        work = profile.work(tokens)
        self._work += work
        self._owed += -work if overdue_first else work
        self.backlog.begin(batch)
        return batch

    def _next(self, model: str, overdue_first: bool) -> Ticket[Payload] | None:
        if overdue_first and (ticket := self._oldest_overdue(model)) is not None:
            return ticket
        return self.backlog.queues[model].next()

    def finish(
        self,
        batch: Batch[Payload],
        failed: Iterable[Ticket[Payload]] = (),
        *,
        usual: bool = True,
    ) -> None:
        """Take a batch back from the engine: its items are answered, but for the failed ones.

        An item that was cancelled or expired meanwhile keeps that outcome.

        Args:
            batch: one that was sealed and not finished yet.
            failed: those of its items that have no answer.
            usual: whether one engine ran it in one pass, so that its time says how fast they are.
        """
        gone_wrong = set(failed)
        for ticket in batch.tickets:
            if ticket.outcome is None:
                failure = ticket in gone_wrong
                ticket.outcome = Outcome.FAILED if failure else Outcome.ANSWERED
        self.backlog.end(batch, learn=usual and not gone_wrong)

    # State -------------------------------------------------------------------------------

    def drain(self) -> None:
        """Admit nothing from here on; what was accepted is still served."""
        self.draining = True

    @property
    def engines(self) -> int:
        """How many share the work; fewer while one is replaced."""
        return self.backlog.engines

    @engines.setter
    def engines(self, count: int) -> None:
        self.backlog.engines = count

    @property
    def idle(self) -> bool:
        return self.backlog.idle

    @property
    def waiting_seconds(self) -> float:
        """The work that waits, as the curves and the pace of late have it."""
        return self.backlog.waiting_seconds

    def waiting_items(self, model: str | None = None) -> int:
        queues = self.backlog.queues
        chosen: Iterable[FairQueue[Payload]] = queues.values() if model is None else [queues[model]]
        return sum(queue.waiting_items for queue in chosen)

    def waiting_of(self, model: str) -> Iterable[Ticket[Payload]]:
        """Return every item that waits for a model."""
        return self.backlog.queues[model].waiting()

    def waiting_tokens(self, model: str) -> int:
        return self.backlog.queues[model].waiting_tokens
