"""Nobody starves: whatever arrives, every admitted item is run within a stated amount of work."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.serving.admission import AdmissionError, Limits
from app.serving.scheduler import Scheduler
from app.serving.work import Caller, ModelProfile, ServiceCurve, Ticket
from tests.app.serving.scheduling import MODELS, FakeClock, run

QUEUE, BUDGET, LARGEST, PER_TOKEN = 5.0, 100, 150, 0.01
LARGEST_BATCH = LARGEST * PER_TOKEN
BOUND = 3 * QUEUE + 2 * (len(MODELS) + 1) * LARGEST_BATCH
"""Seconds of work after an item's admission (docs/decisions/0030-nobody-starves.md)."""

FRESH = "fresh"
"""A caller that has never been seen before, each time."""

Arrival = tuple[str, int, list[tuple[str, int]]]

ITEMS = st.tuples(st.sampled_from(MODELS), st.integers(1, LARGEST))
ARRIVAL = st.tuples(
    st.sampled_from(["victim", "other", FRESH]),
    st.integers(1, 5),
    st.lists(ITEMS, min_size=1, max_size=6),
)
ROUND = st.lists(ARRIVAL, max_size=8)


def made(queue: float = QUEUE) -> tuple[Scheduler[str], FakeClock]:
    clock = FakeClock()
    profile = ModelProfile(BUDGET, ServiceCurve(0.02, PER_TOKEN))
    return Scheduler(dict.fromkeys(MODELS, profile), Limits(queue), clock), clock


class Adversary:
    """Sends the same rounds of calls for ever, one before each batch."""

    def __init__(self, rounds: list[list[Arrival]]) -> None:
        self._rounds: Iterator[list[Arrival]] = itertools.cycle(rounds)
        self._names = map(str, itertools.count())

    def arrive(self, scheduler: Scheduler[str]) -> list[Ticket[str]]:
        admitted: list[Ticket[str]] = []
        for name, weight, items in next(self._rounds):
            call = [Ticket(model, tokens, "") for model, tokens in items]
            caller = Caller(next(self._names) if name == FRESH else name, weight)
            try:
                scheduler.submit(call, caller)
            except AdmissionError:
                continue
            admitted += call
        return admitted


@given(
    st.lists(ROUND, min_size=1, max_size=4),
    st.lists(ITEMS, min_size=1, max_size=8),
    st.integers(0, 20),
)
@settings(max_examples=200, deadline=None)
def test_every_admitted_item_is_run_within_the_bound_whatever_else_arrives(
    rounds: list[list[Arrival]], call: list[tuple[str, int]], before: int
) -> None:
    scheduler, clock = made()
    adversary = Adversary(rounds)
    work = 0.0
    due: dict[Ticket[str], float] = {}
    for step in itertools.count():
        arrived = adversary.arrive(scheduler)
        if step == before:
            victims = [Ticket(model, tokens, "") for model, tokens in call]
            with pytest.MonkeyPatch.context() as patch:
                # The queue may be full of the others: the victim gets in, as it once would.
                patch.setattr(scheduler, "check", lambda *_: None)
                scheduler.submit(victims, Caller("victim"))
            arrived += victims
        due |= dict.fromkeys(arrived, work + BOUND + call_work(call))
        if not scheduler.waiting_items():
            clock.now += 1
        else:
            batch = run(scheduler, clock)
            for ticket in batch.tickets:
                assert work <= due.pop(ticket)
            work += batch.tokens * PER_TOKEN
        assert all(work <= latest for latest in due.values())
        if step > before and not any(victim.waiting for victim in victims):
            break


def call_work(call: list[tuple[str, int]]) -> float:
    """The victim is let in above the queue's bound, by its own work."""
    return 2 * PER_TOKEN * sum(tokens for _, tokens in call)


def test_calls_of_eight_are_answered_while_single_items_of_the_same_caller_keep_coming() -> None:
    """Two clients that asked eight at once waited until fourteen others had stopped."""
    scheduler, clock = made(queue=20)
    begun: dict[Ticket[str], float] = {}
    taken: list[float] = []
    calls: deque[list[Ticket[str]]] = deque()

    def ask(size: int) -> None:
        call = [Ticket("direct", 20, str(size)) for _ in range(size)]
        scheduler.submit(call)
        calls.append(call)
        begun[call[0]] = clock.now

    for size in [1] * 14 + [8] * 2:
        ask(size)
    for _ in range(300):
        run(scheduler, clock)
        for call in [call for call in calls if all(ticket.outcome for ticket in call)]:
            calls.remove(call)
            taken += [clock.now - begun.pop(call[0])] if len(call) == 8 else []
            ask(len(call))
    # Sixteen calls take turns: eight rounds of sixteen items of 0.2 s, and a fixed time a batch.
    assert len(taken) >= 15
    assert max(taken) < 1.5 * 8 * 16 * 0.2


def saturate(weights: dict[str, int], rounds: int) -> dict[str, int]:
    """Return what callers are given that always have as much waiting as they may.

    The first half is not counted: when the queue is empty, all take of it alike.
    """
    # Long beside a batch, as it is where the service runs: what waits hardly changes with one.
    scheduler, clock = made(queue=40)
    given = dict.fromkeys(weights, 0)
    for number in range(rounds):
        asking = dict(weights)
        while asking:
            for name, weight in list(asking.items()):
                try:
                    scheduler.submit([Ticket("direct", 20, "")], Caller(name, weight))
                except AdmissionError:
                    del asking[name]
        for ticket in run(scheduler, clock).tickets:
            given[ticket.caller.name] += ticket.tokens if number >= rounds / 2 else 0
    return given


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 3, "b": 1}, {"a": 1, "b": 1, "c": 2}])
def test_callers_that_ask_for_all_they_may_are_served_by_their_weights(
    weights: dict[str, int],
) -> None:
    given = saturate(weights, rounds=400)
    for name, weight in weights.items():
        share = given[name] / sum(given.values())
        assert share == pytest.approx(weight / sum(weights.values()), rel=0.05)


def test_overdue_items_of_one_caller_take_half_of_the_work_from_many_others_at_most() -> None:
    scheduler, clock = made()
    scheduler.submit([Ticket("direct", 20, "") for _ in range(18)], Caller("bulk"))
    given = {"bulk": 0, "others": 0}
    names = map(str, itertools.count())
    for _ in range(200):
        for _ in range(5):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(scheduler, "check", lambda *_: None)
                scheduler.submit([Ticket("direct", 20, "")], Caller(next(names)))
                scheduler.submit([Ticket("direct", 20, "")], Caller("bulk"))
        for ticket in run(scheduler, clock).tickets:
            given["bulk" if ticket.caller.name == "bulk" else "others"] += ticket.tokens
    assert given["others"] >= 0.45 * sum(given.values())


def test_overdue_items_get_every_second_batch_oldest_first_and_then_no_more() -> None:
    """A caller of little weight has its items overdue beside one that always sends."""
    scheduler, clock = made(queue=10.0)
    light, heavy = Caller("light"), Caller("heavy", 1000)
    own = [Ticket("direct", 50, str(number)) for number in range(6)]
    scheduler.submit(own, light)

    def next_batch() -> list[str]:
        while scheduler.waiting_tokens("direct") < 600:
            scheduler.submit([Ticket("direct", 50, "heavy")], heavy)
        return [ticket.payload for ticket in run(scheduler, clock).tickets]

    before = [next_batch() for _ in range(10)]
    assert [name for names in before for name in names if name != "heavy"] == ["0"]
    # Ten seconds of work are done, as much as the queue may hold.
    always = ["heavy", "heavy"]
    assert [next_batch() for _ in range(7)] == [
        *(["1", "2"], always, ["3", "4"], always, ["5", "heavy"], always, always)
    ]
    # Nothing is owed: the next one that is overdue is served as soon as it is.
    scheduler.submit([Ticket("direct", 50, "late"), Ticket("direct", 50, "later")], light)
    names = [name for _ in range(12) for name in next_batch()]
    assert [name for name in names if name != "heavy"] == ["late", "later"]


def test_an_item_is_overdue_when_as_much_work_is_done_as_the_queue_may_hold() -> None:
    scheduler, clock = made(queue=1.0)
    scheduler.submit([Ticket("direct", 50, "a")], Caller("other"))
    run(scheduler, clock)
    ticket = Ticket("direct", 30, "b")
    scheduler.submit([ticket], Caller("other"))
    assert ticket.overdue_at == pytest.approx(0.5 + 1.0)
