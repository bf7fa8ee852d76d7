"""Turns: shares by weight, no claim on the past, and nobody overtaken without end."""

from __future__ import annotations

import itertools

import pytest

from app.serving.turns import Flow, Turns


def serve(turns: Turns[Flow], tokens: int = 1) -> Flow:
    first = turns.first()
    assert first is not None
    turns.give(first, tokens)
    return first


def test_nobody_has_a_turn_when_nobody_waits() -> None:
    turns: Turns[Flow] = Turns()
    assert turns.first() is None
    flow = Flow()
    turns.enter(flow)
    turns.leave(flow)
    assert turns.first() is None
    assert turns.virtual_time == 0, "nobody was given anything"


def test_shares_go_by_weight_and_a_flow_without_one_has_one() -> None:
    turns: Turns[Flow] = Turns()
    light, heavy = Flow(), Flow(3)
    turns.enter(light)
    turns.enter(heavy)
    served = [serve(turns) for _ in range(40)]
    assert (served.count(light), served.count(heavy)) == (10, 30)


def test_of_equals_the_one_that_came_first_goes_first() -> None:
    turns: Turns[Flow] = Turns()
    flows = [Flow() for _ in range(5)]
    for flow in flows:
        turns.enter(flow)
    assert [serve(turns) for _ in range(10)] == flows * 2


def test_what_was_given_out_of_turn_counts() -> None:
    turns: Turns[Flow] = Turns()
    one, other = Flow(), Flow()
    turns.enter(one)
    turns.enter(other)
    turns.give(one, 3)
    assert [serve(turns) for _ in range(4)] == [other, other, other, one]


def test_a_flow_that_was_idle_has_no_claim_on_the_past() -> None:
    turns: Turns[Flow] = Turns()
    steady, new = Flow(), Flow()
    turns.enter(steady)
    for _ in range(50):
        serve(turns)
    turns.enter(new)
    assert {serve(turns), serve(turns)} == {steady, new}


def test_who_was_served_alone_owes_nothing_when_all_have_left() -> None:
    turns: Turns[Flow] = Turns()
    greedy, other = Flow(), Flow()
    turns.enter(greedy)
    turns.give(greedy, 1_000)
    turns.leave(greedy)
    turns.enter(other)
    turns.enter(greedy)
    assert [serve(turns), serve(turns)] == [other, greedy]


def test_a_token_moves_the_virtual_time_on_by_one_over_the_weights_of_all_who_wait() -> None:
    turns: Turns[Flow] = Turns()
    first, second, third = Flow(1), Flow(3), Flow(4)
    for flow in (first, second, third):
        turns.enter(flow)
    turns.give(first, 8)
    assert turns.virtual_time == 1
    turns.leave(third)
    turns.give(first, 8)
    assert turns.virtual_time == 1 + 2
    turns.leave(second)
    turns.give(first, 8)
    assert turns.virtual_time == 1 + 2 + 8


def test_what_was_given_out_of_turn_is_forgotten_when_all_have_left() -> None:
    turns: Turns[Flow] = Turns()
    ahead, other = Flow(), Flow()
    for flow in (ahead, other):
        turns.enter(flow)
    turns.give(ahead, 100)
    turns.leave(ahead)
    turns.leave(other)
    for flow in (other, ahead):
        turns.enter(flow)
    assert [serve(turns, 10) for _ in range(4)] == [other, ahead] * 2


@pytest.mark.parametrize("others", [1, 5, 50])
def test_flows_that_come_once_and_keep_coming_do_not_hold_up_one_that_stays(others: int) -> None:
    """All of them entered ahead of its second turn, and it waited for as long as they came."""
    turns: Turns[Flow] = Turns()
    stays = Flow()
    turns.enter(stays)
    for _ in range(others):
        turns.enter(Flow())
    turns_of_stays = []
    for step in range(10 * (others + 1)):
        if (served := serve(turns)) is stays:
            turns_of_stays.append(step)
        else:
            turns.leave(served)
            turns.enter(Flow())
    between = [b - a for a, b in itertools.pairwise(turns_of_stays)]
    assert len(turns_of_stays) >= 8
    assert max(between) <= 2 * (others + 1)


def test_flows_that_left_take_no_memory_and_nobody_else_is_forgotten() -> None:
    turns: Turns[Flow] = Turns()
    stays = Flow()
    turns.enter(stays)
    turns.give(stays, 1)
    for _ in range(1_000):
        gone = Flow()
        turns.enter(gone)
        turns.leave(gone)
        assert len(turns._heap) <= 2
    assert turns.first() is stays, "who waits is not forgotten with them"
