"""The schedule of loads: both sides have the same turns, in an order that turns around."""

from __future__ import annotations

from collections import Counter

import pytest

from loadtests.comparison.plan import OURS, SHARES, THEIRS, LoadPlan


def test_closed_loads_take_turns_that_turn_around() -> None:
    assert list(LoadPlan.full(20).turns()) == [
        *(OURS, THEIRS, THEIRS, OURS),
        *(OURS, THEIRS, THEIRS, OURS),
    ]
    assert list(LoadPlan.quick(3).turns()) == [OURS, THEIRS, THEIRS, OURS]


def test_each_side_gets_each_share_of_its_capacity_once() -> None:
    arrivals = list(LoadPlan.full(20).arrivals())
    assert Counter(arrivals) == {(share, side): 1 for share in SHARES for side in (OURS, THEIRS)}
    assert [share for share, _ in arrivals] == sorted(share for share, _ in arrivals)
    first = [side for _, side in arrivals[::2]]
    assert first.count(OURS) == first.count(THEIRS)


def test_what_changes_steadily_is_shared_out() -> None:
    """With a machine that gets slower from load to load, both sides lose the same."""
    turns = list(LoadPlan.full(20).turns())
    when = {side: [at for at, turn in enumerate(turns) if turn == side] for side in (OURS, THEIRS)}
    assert sum(when[OURS]) == sum(when[THEIRS])


@pytest.mark.parametrize("seconds", [1.0, 20.0])
def test_a_quick_plan_says_that_it_is_one(seconds: float) -> None:
    assert LoadPlan.quick(seconds).is_quick
    assert not LoadPlan.full(seconds).is_quick
    assert LoadPlan.quick(seconds).seconds == LoadPlan.full(seconds).seconds == seconds
    assert LoadPlan.quick(seconds).to_json()["is_quick"] is True
