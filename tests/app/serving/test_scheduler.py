"""The scheduler on a fake clock: examples that tell the rules, then any order of events."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.serving.scheduler import (
    Batch,
    CallTooLargeError,
    DrainingError,
    Limits,
    Outcome,
    QueueFullError,
    Request,
    RowShape,
    Scheduler,
    Ticket,
    padded_cost,
)


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def scheduler(
    clock: FakeClock, *, batch: int = 100, queue: int = 1000, max_wait: float = 0.0
) -> Scheduler[str]:
    return Scheduler(["direct", "stilts"], Limits(batch, queue, max_wait), clock)


def item(
    name: str = "", *, tokens: int = 10, model: str = "direct", deadline: float | None = None
) -> Request[str]:
    """One item of two rows that costs twice its tokens."""
    return Request(model, (tokens, tokens), name, deadline)


def names(batch: Batch[str] | None) -> list[str]:
    assert batch is not None
    return [ticket.payload for ticket in batch.tickets]


def test_an_idle_engine_gets_a_lone_item_at_once() -> None:
    made = scheduler(FakeClock())
    made.submit([item("lone")])
    assert names(made.seal()) == ["lone"]


def test_a_batch_is_composed_when_the_engine_can_take_it_not_before() -> None:
    made = scheduler(FakeClock())
    made.submit([item("first")])
    running = made.seal()
    assert running is not None
    made.submit([item("second")])
    made.submit([item("third")])
    made.finish(running)
    assert names(made.seal()) == ["second", "third"]


def test_a_batch_never_exceeds_the_token_budget_padding_included() -> None:
    made = scheduler(FakeClock(), batch=100)
    made.submit([item("short", tokens=5), item("long", tokens=20), item("longer", tokens=30)])
    # Two items padded to 20 cost 4 x 20 = 80; the third would make it 6 x 30 = 180.
    assert names(made.seal()) == ["short", "long"]


def test_an_item_above_the_budget_travels_alone_instead_of_waiting_for_ever() -> None:
    made = scheduler(FakeClock(), batch=50)
    made.submit([item("huge", tokens=60)])
    made.submit([item("small")])
    assert names(made.seal()) == ["huge"]


def test_two_models_never_share_a_batch() -> None:
    made = scheduler(FakeClock())
    made.submit([item("d", model="direct"), item("s", model="stilts")])
    assert {tuple(names(made.seal())), tuple(names(made.seal()))} == {("d",), ("s",)}


def test_a_call_of_64_does_not_keep_a_single_item_waiting() -> None:
    made = scheduler(FakeClock(), batch=100, queue=10_000)
    made.submit([item(f"bulk{number}") for number in range(64)])
    made.seal()
    made.submit([item("single")])
    assert "single" in names(made.seal())


def test_a_flood_on_one_model_leaves_the_other_its_turn() -> None:
    made = scheduler(FakeClock(), batch=100, queue=10_000)
    for number in range(64):
        made.submit([item(f"flood{number}", model="direct")])
    made.seal()
    made.submit([item("other", model="stilts")])
    assert names(made.seal()) == ["other"]


def test_a_model_that_was_idle_has_no_claim_on_the_past() -> None:
    made = scheduler(FakeClock(), batch=20, queue=10_000)
    for _ in range(50):
        made.submit([item(model="direct")])
        made.seal()
    made.submit([item("s1", model="stilts"), item("s2", model="stilts"), item("d", model="direct")])
    first_two = names(made.seal()) + names(made.seal())
    assert "d" in first_two


def test_expired_items_never_reach_the_engine() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    [late] = made.submit([item("late", deadline=clock.now + 1)])
    made.submit([item("patient")])
    clock.now += 1
    assert names(made.seal()) == ["patient"]
    assert late.outcome is Outcome.EXPIRED


def test_cancelled_items_never_reach_the_engine_and_free_their_room() -> None:
    made = scheduler(FakeClock(), queue=40)
    [gone, _] = made.submit([item("gone"), item("stays")])
    assert made.cancel(gone)
    made.submit([item("takes the room")])
    assert set(names(made.seal())) == {"stays", "takes the room"}


def test_a_queue_full_of_cancelled_items_does_not_grow() -> None:
    made = scheduler(FakeClock(), queue=1000)
    for _ in range(1000):
        [ticket] = made.submit([item()])
        made.cancel(ticket)
    assert len(made._queues["direct"].heap) <= 2


def test_a_call_is_admitted_whole_or_not_at_all() -> None:
    made = scheduler(FakeClock(), queue=50)
    made.submit([item()])
    with pytest.raises(QueueFullError):
        made.submit([item(), item()])
    assert made.waiting_items() == 1


def test_a_refusal_says_when_there_will_be_room() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=100, queue=100)
    made.submit([item() for _ in range(5)])
    batch = made.seal()
    assert batch is not None
    clock.now += 2  # 100 tokens in two seconds: 50 a second
    made.finish(batch)
    made.submit([item() for _ in range(5)])
    with pytest.raises(QueueFullError) as refused:
        made.submit([item()])
    assert refused.value.retry_after == pytest.approx(20 / 50)


def test_a_call_that_no_queue_could_hold_is_told_so() -> None:
    made = scheduler(FakeClock(), queue=30)
    with pytest.raises(CallTooLargeError):
        made.submit([item(), item()])


def test_draining_refuses_new_calls_and_finishes_accepted_ones() -> None:
    made = scheduler(FakeClock())
    made.submit([item("accepted")])
    made.drain()
    with pytest.raises(DrainingError):
        made.submit([item()])
    batch = made.seal()
    assert names(batch) == ["accepted"]
    assert not made.idle
    assert batch is not None
    made.finish(batch)
    assert made.idle


def test_max_wait_lets_items_gather_until_the_budget_or_the_time_is_reached() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=40, max_wait=0.5)
    made.submit([item("one")])
    assert made.seal() is None
    assert made.next_due() == clock.now + 0.5
    made.submit([item("two")])
    assert names(made.seal()) == ["one", "two"]
    made.submit([item("three")])
    clock.now += 0.5
    assert names(made.seal()) == ["three"]


def test_an_item_that_expired_while_it_ran_keeps_that_outcome() -> None:
    made = scheduler(FakeClock())
    [ticket] = made.submit([item()])
    batch = made.seal()
    assert batch is not None
    assert made.expire_one(ticket)
    made.finish(batch)
    assert ticket.outcome is Outcome.EXPIRED


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="batch_tokens"):
        Limits(0, 1)
    with pytest.raises(ValueError, match="max_wait"):
        Limits(1, 1, -1)


class SchedulerMachine(RuleBasedStateMachine):
    """Submits, cancels, expires, seals, fails and finishes in any order; the rules hold."""

    BATCH, QUEUE = 120, 400

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.scheduler: Scheduler[int] = Scheduler(
            ["direct", "stilts"], Limits(self.BATCH, self.QUEUE), self.clock
        )
        self.tickets: list[Ticket[int]] = []
        self.running: list[Batch[int]] = []
        self.ended: dict[int, Outcome] = {}
        self.sealed: set[int] = set()

    @rule(
        call=st.lists(
            st.tuples(
                st.sampled_from(["direct", "stilts"]),
                st.lists(st.integers(1, 40), min_size=2, max_size=3),
                st.none() | st.floats(0, 5),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def submit(self, call: list[tuple[str, list[int], float | None]]) -> None:
        requests = [
            Request(
                model,
                tuple(lengths),
                0,
                None if within is None else self.clock.now + within,
            )
            for model, lengths, within in call
        ]
        cost = sum(padded_cost(RowShape.of(request.lengths)) for request in requests)
        before = self.scheduler.waiting_tokens
        try:
            admitted = self.scheduler.submit(requests)
        except DrainingError:
            assert self.scheduler.draining
        except CallTooLargeError:
            assert cost > self.QUEUE
        except QueueFullError as refusal:
            assert before + cost > self.QUEUE
            assert refusal.retry_after > 0  # noqa: PT017 - one of several allowed ends
        else:
            assert len(admitted) == len(requests)
            self.tickets += admitted

    @precondition(lambda self: self.tickets)
    @rule(pick=st.integers(min_value=0), late=st.booleans())
    def leave(self, pick: int, late: bool) -> None:
        ticket = self.tickets[pick % len(self.tickets)]
        had_ended = ticket.outcome is not None
        leave = self.scheduler.expire_one if late else self.scheduler.cancel
        assert leave(ticket) is not had_ended

    @rule(seconds=st.floats(0, 3))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def expire(self) -> None:
        for ticket in self.scheduler.expire():
            assert ticket.deadline is not None
            assert ticket.deadline <= self.clock.now

    @rule()
    def seal(self) -> None:
        waiting = self.scheduler.waiting_items()
        batch = self.scheduler.seal()
        if batch is None:
            # Work-conserving: nothing is sealed only if nothing (that is in time) waits.
            assert self.scheduler.waiting_items() == 0
            return
        assert waiting > 0
        self.running.append(batch)
        assert {ticket.model for ticket in batch.tickets} == {batch.model}
        assert len(batch.tickets) == 1 or batch.cost <= self.BATCH
        for ticket in batch.tickets:
            assert id(ticket) not in self.sealed, "an item ran twice"
            assert ticket.deadline is None or ticket.deadline > self.clock.now
            self.sealed.add(id(ticket))

    @precondition(lambda self: self.running)
    @rule(pick=st.integers(min_value=0), poisoned=st.booleans(), everything=st.booleans())
    def finish(self, pick: int, poisoned: bool, everything: bool) -> None:
        batch = self.running.pop(pick % len(self.running))
        alive = [ticket for ticket in batch.tickets if ticket.outcome is None]
        failed = batch.tickets if everything else batch.tickets[:1] if poisoned else ()
        self.scheduler.finish(batch, failed)
        for ticket in alive:
            expected = Outcome.FAILED if ticket in failed else Outcome.ANSWERED
            assert ticket.outcome is expected

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
        assert self.scheduler.waiting_tokens == sum(ticket.cost for ticket in waiting)
        assert self.scheduler.waiting_tokens <= self.QUEUE
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
