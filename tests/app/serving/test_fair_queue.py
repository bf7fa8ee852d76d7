"""Turns between callers: whatever they send, those who wait get the same."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.serving.fair_queue import FairQueue
from app.serving.work import Ticket

CALLS = st.lists(st.lists(st.integers(1, 80), min_size=1, max_size=8), min_size=1, max_size=12)


def ticket(caller: str, tokens: int) -> Ticket[str]:
    return Ticket("m", caller, tokens, "", None, 0.0)


def take(queue: FairQueue[str]) -> Ticket[str]:
    assert queue.next() is not None
    return queue.take()


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
        received[int(taken.caller)] += taken.tokens
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
                taken.sealed_at = 1.0
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
    assert queue.tokens_ahead("new", 40) == 40 + 40 + 30
    assert queue.tokens_ahead("bulk", 40) == 1_000 + 40 + 30
