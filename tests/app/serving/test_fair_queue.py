"""Turns between callers: whatever they send, those who wait get the same."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.serving.fair_queue import _IDLE_CALLERS_KEPT, FairQueue
from app.serving.work import Caller, Outcome, Ticket

CALLS = st.lists(st.lists(st.integers(1, 80), min_size=1, max_size=8), min_size=1, max_size=12)


def ticket(caller: str, tokens: int) -> Ticket[str]:
    return Ticket("m", tokens, "", caller=Caller(caller))


def take(queue: FairQueue[str]) -> Ticket[str]:
    taken = queue.next()
    assert taken is not None
    queue.take(taken, at=1.0)
    return taken


@given(st.lists(CALLS, min_size=2, max_size=4))
def test_callers_that_wait_are_never_further_apart_than_an_item_of_each(
    callers: list[list[list[int]]],
) -> None:
    """The bound that Goyal, Vin and Cheng prove for start-time fair queueing."""
    queue: FairQueue[str] = FairQueue()
    for name, calls in enumerate(callers):
        for call in calls:
            queue.add([ticket(str(name), tokens) for tokens in call])
    largest = [max(itertools.chain.from_iterable(calls)) for calls in callers]
    received = [0] * len(callers)
    while all(queue.waiting_tokens_of(str(name)) for name in range(len(callers))):
        taken = take(queue)
        received[int(taken.caller.name)] += taken.tokens
        for one, other in itertools.combinations(range(len(callers)), 2):
            apart = abs(received[one] - received[other])
            assert apart <= largest[one] + largest[other]


@given(st.lists(CALLS, min_size=1, max_size=4), st.data())
def test_every_item_is_handed_out_once_and_the_counts_agree(
    callers: list[list[list[int]]], data: st.DataObject
) -> None:
    queue: FairQueue[str] = FairQueue()
    waiting: list[Ticket[str]] = []
    for name, calls in enumerate(callers):
        for call in calls:
            tickets = [ticket(str(name), tokens) for tokens in call]
            queue.add(tickets)
            waiting += tickets
            if data.draw(st.booleans()):
                taken = take(queue)
                waiting.remove(taken)
            assert queue.waiting_items == len(waiting)
            assert queue.waiting_tokens == sum(each.tokens for each in waiting)
    handed_out = {id(take(queue)) for _ in list(waiting)}
    assert handed_out == {id(each) for each in waiting}
    assert queue.next() is None


def test_what_is_ahead_of_a_new_call_is_its_own_and_a_like_share_of_the_others() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add([ticket("bulk", 50) for _ in range(20)])
    queue.add([ticket("small", 30)])
    assert queue.tokens_ahead(Caller("new"), 40) == 40 + 40 + 30
    assert queue.tokens_ahead(Caller("bulk"), 40) == 1_000 + 40 + 30


def test_the_share_of_others_that_is_ahead_goes_by_weight() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add([Ticket("m", 50, "", caller=Caller("bulk", weight=2)) for _ in range(20)])
    assert queue.tokens_ahead(Caller("new"), 40) == 40 + 80
    assert queue.tokens_ahead(Caller("new", weight=4), 40) == 40 + 20


def test_an_item_that_ended_has_no_turn_and_the_order_of_the_others_stays() -> None:
    queue: FairQueue[str] = FairQueue()
    tickets = [ticket("one", tokens) for tokens in (5, 6, 7, 8)]
    queue.add(tickets)
    for gone in tickets[1:3]:
        queue.release(gone, Outcome.CANCELLED)
        assert gone.outcome is Outcome.CANCELLED
    assert list(queue.waiting()) == [tickets[0], tickets[3]]
    assert [take(queue), take(queue)] == [tickets[0], tickets[3]]
    assert queue.next() is None


def test_the_oldest_item_can_be_taken_out_of_turn_and_counts_as_given() -> None:
    queue: FairQueue[str] = FairQueue()
    bulk = [ticket("bulk", 50) for _ in range(3)]
    queue.add(bulk)
    small = [ticket("small", 50) for _ in range(3)]
    queue.add(small)
    for _ in range(2):
        oldest = queue.oldest()
        assert oldest is not None
        queue.take(oldest, at=1.0)
    assert [take(queue) for _ in range(3)] == [*small[:2], bulk[2]]
    assert queue.oldest() is small[2]
    take(queue)
    assert queue.oldest() is None


def test_a_caller_is_served_by_the_weight_that_it_has_when_it_comes_back() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add([ticket("one", 10)])
    take(queue)
    heavier = [Ticket("m", 10, "", caller=Caller("one", weight=3)) for _ in range(6)]
    queue.add(heavier)
    queue.add([ticket("other", 10) for _ in range(2)])
    assert [take(queue).caller.name for _ in range(8)].count("one") == 6
    queue.add([Ticket("m", 10, "", caller=Caller("one", weight=3)) for _ in range(6)])
    queue.add([ticket("other", 10) for _ in range(6)])
    assert [take(queue).caller.name for _ in range(8)].count("one") == 6


def test_no_more_idle_callers_are_kept_than_the_limit() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(3 * _IDLE_CALLERS_KEPT):
        queue.add([ticket(str(number), 1)])
        take(queue)
        assert queue.next() is None
        assert len(queue._callers) <= _IDLE_CALLERS_KEPT


def test_idle_callers_are_forgotten_unless_they_are_ahead_of_those_who_wait() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add([ticket("greedy", 100)])
    queue.add([ticket("steady", 60) for _ in range(4)])
    assert take(queue).caller.name == "greedy"
    queue._forget_idle()
    assert set(queue._callers) == {"greedy", "steady"}
    for _ in range(2):
        take(queue)
    queue._forget_idle()
    assert set(queue._callers) == {"steady"}
    for _ in range(2):
        take(queue)
    assert queue.next() is None
    queue._forget_idle()
    assert queue._callers == {}
