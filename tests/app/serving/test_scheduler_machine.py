"""The scheduler under any order of events: its rules hold after each of them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.serving.admission import (
    CallTooLargeError,
    DrainingError,
    HaltedError,
    Limits,
    QueueFullError,
)
from app.serving.scheduler import Scheduler
from app.serving.work import Batch, Caller, ModelProfile, Outcome, Reason, ServiceCurve, Ticket
from tests.app.serving.scheduling import MODELS, FakeClock

CALLERS = (Caller("ann"), Caller("bob"), Caller("eve", weight=3))


class SchedulerMachine(RuleBasedStateMachine):
    """Submits, cancels, expires, seals, fails, halts and finishes in any order; the rules hold.

    Several engines take batches, end, lose the batch that they have, and are replaced.
    """

    ENGINES = 3

    BATCH, QUEUE = 120, 4.0
    PROFILE = ModelProfile(BATCH, ServiceCurve(0.05, 0.01))

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.scheduler: Scheduler[int] = Scheduler(
            dict.fromkeys(MODELS, self.PROFILE), Limits(self.QUEUE), self.clock, self.ENGINES
        )
        self.engines = self.ENGINES
        """How many live; a batch outlives its engine, since another one runs it again."""
        self.tickets: list[Ticket[int]] = []
        self.running: list[Batch[int]] = []
        self.ended: dict[int, Outcome] = {}
        self.sealed: set[int] = set()

    @rule(
        caller=st.sampled_from(CALLERS),
        call=st.lists(
            st.tuples(st.sampled_from(MODELS), st.integers(1, 80), st.none() | st.floats(0, 5)),
            min_size=1,
            max_size=6,
        ),
    )
    def submit(self, caller: Caller, call: list[tuple[str, int, float | None]]) -> None:
        requests = [
            Ticket(model, tokens, 0, None if within is None else self.clock.now + within)
            for model, tokens, within in call
        ]
        before = self.scheduler.waiting_items()
        try:
            self.scheduler.submit(requests, caller)
        except DrainingError:
            assert self.scheduler.draining
        except HaltedError:
            assert self.scheduler.halted
        except CallTooLargeError:
            assert self.scheduler.waiting_items() == before
        except QueueFullError as refusal:
            assert self.scheduler.waiting_items() == before
            assert refusal.retry_after > 0  # noqa: PT017 - one of several allowed ends
            assert before or self.running, "an idle engine refuses nobody for want of room"
        else:
            assert [ticket.caller for ticket in requests] == [caller] * len(requests)
            assert self.scheduler.waiting_seconds <= self.QUEUE + 1e-9
            # An engine that is faster of late than its curve takes more tokens in that time.
            per_token = self.scheduler.backlog.pace * self.PROFILE.curve.per_token
            most = self.QUEUE * max(1, self.engines) / per_token
            assert sum(map(self.scheduler.waiting_tokens, MODELS)) <= most
            self.tickets += requests

    @precondition(lambda self: self.tickets)
    @rule(pick=st.integers(min_value=0), late=st.booleans())
    def leave(self, pick: int, late: bool) -> None:
        ticket = self.tickets[pick % len(self.tickets)]
        had_ended = ticket.outcome is not None
        leave = self.scheduler.expire_one if late else self.scheduler.cancel
        assert leave(ticket) is not had_ended

    @precondition(lambda self: self.tickets)
    @rule(pick=st.integers(min_value=0), seconds=st.floats(0, 5))
    def extend(self, pick: int, seconds: float) -> None:
        ticket = self.tickets[pick % len(self.tickets)]
        if ticket.outcome is None:
            self.scheduler.extend(ticket, self.clock.now + seconds)

    @rule(seconds=st.floats(0, 3))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def expire(self) -> None:
        for ticket in self.scheduler.expire():
            assert ticket.deadline is not None
            assert ticket.deadline <= self.clock.now

    @precondition(lambda self: self.engines)
    @rule()
    def an_engine_ends(self) -> None:
        waiting, running = self.scheduler.waiting_seconds, self.scheduler.backlog.running_seconds()
        self.engines -= 1
        self._tell()
        assert self.scheduler.waiting_seconds >= waiting, "fewer engines take longer"
        assert self.scheduler.backlog.running_seconds() >= running

    @precondition(lambda self: self.engines < self.ENGINES)
    @rule()
    def an_engine_is_replaced(self) -> None:
        self.engines += 1
        self._tell()

    def _tell(self) -> None:
        # As the worker does: while there is none, one is expected soon.
        self.scheduler.engines = max(1, self.engines)

    @precondition(lambda self: len(self.running) < self.engines)
    @rule()
    def seal(self) -> None:
        self.scheduler.expire()
        waiting = [ticket for ticket in self.tickets if ticket.waiting]
        batch = self.scheduler.seal()
        if batch is None:
            assert not waiting, "work-conserving: the engine was free and something waited"
            return
        self.running.append(batch)
        assert {ticket.model for ticket in batch.tickets} == {batch.model}
        assert batch.tokens == sum(ticket.tokens for ticket in batch.tickets)
        assert len(batch.tickets) == 1 or batch.tokens <= self.BATCH
        for ticket in batch.tickets:
            assert id(ticket) not in self.sealed, "an item ran twice"
            assert ticket.deadline is None or ticket.deadline > self.clock.now
            self.sealed.add(id(ticket))
        self._check_reason(batch, waiting)

    def _check_reason(self, batch: Batch[int], waiting: list[Ticket[int]]) -> None:
        left = [t for t in waiting if t.model == batch.model and t not in batch.tickets]
        if batch.reason is Reason.DRAINED:
            assert not left
        else:
            assert batch.reason is Reason.BUDGET
            assert left or batch.tokens >= self.BATCH

    @precondition(lambda self: self.running)
    @rule(
        pick=st.integers(min_value=0),
        poisoned=st.booleans(),
        everything=st.booleans(),
        usual=st.booleans(),
    )
    def finish(self, pick: int, poisoned: bool, everything: bool, usual: bool) -> None:
        pace = self.scheduler.backlog.pace
        batch = self.running.pop(pick % len(self.running))
        alive = [ticket for ticket in batch.tickets if ticket.outcome is None]
        failed = batch.tickets if everything else batch.tickets[:1] if poisoned else ()
        self.scheduler.finish(batch, failed, usual=usual)
        if failed or not usual:
            assert self.scheduler.backlog.pace == pace, "it says nothing of an engine's speed"
        for ticket in alive:
            expected = Outcome.FAILED if ticket in failed else Outcome.ANSWERED
            assert ticket.outcome is expected

    @rule(stuck=st.booleans())
    def halt(self, stuck: bool) -> None:
        self.scheduler.halted = stuck
        if stuck:
            self.scheduler.fail_all()
            assert self.scheduler.waiting_items() == 0
            assert all(ticket.outcome is not None for ticket in self.tickets)

    @rule()
    def drain(self) -> None:
        self.scheduler.drain()

    @invariant()
    def an_outcome_never_changes(self) -> None:
        for ticket in self.tickets:
            if ticket.outcome is not None:
                assert self.ended.setdefault(id(ticket), ticket.outcome) is ticket.outcome

    @invariant()
    def the_counts_are_those_of_the_items(self) -> None:
        waiting = [ticket for ticket in self.tickets if ticket.waiting]
        assert self.scheduler.waiting_items() == len(waiting)
        for model in MODELS:
            own = sum(ticket.tokens for ticket in waiting if ticket.model == model)
            assert self.scheduler.waiting_tokens(model) == own
        assert self.scheduler.idle == (not waiting and not self.running)

    def teardown(self) -> None:
        """Nothing hangs: once the engine has done its work, every item has ended."""
        while self.running:
            self.scheduler.finish(self.running.pop())
        while (batch := self.scheduler.seal()) is not None:
            self.scheduler.finish(batch)
        assert self.scheduler.idle
        assert all(ticket.outcome is not None for ticket in self.tickets)


TestSchedulerMachine = SchedulerMachine.TestCase
TestSchedulerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
