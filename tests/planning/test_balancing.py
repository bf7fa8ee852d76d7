"""Which replica gets the next request."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from planning.balancing import BALANCERS, POLICY_TITLES, RandomReplica, ShortestQueue, TwoChoices


def loaded(kind: type[RandomReplica], loads: list[int]) -> RandomReplica:
    balancer = kind(len(loads), seed=1)
    for replica, load in enumerate(loads):
        for _ in range(load):
            balancer.sent(replica)
    return balancer


def chosen(balancer: RandomReplica, times: int = 3_000) -> Counter[int]:
    return Counter(balancer.choose() for _ in range(times))


def test_at_random_every_replica_is_as_likely() -> None:
    found = chosen(loaded(RandomReplica, [9, 0, 4]))
    assert [found[n] / 3_000 for n in range(3)] == pytest.approx([1 / 3] * 3, abs=0.03)


def test_of_two_the_one_with_fewer_gets_it() -> None:
    # The fullest is never the better one; the emptiest is whenever it is drawn: in 2 of 3 pairs.
    found = chosen(loaded(TwoChoices, [5, 2, 0]))
    assert found[0] == 0
    assert found[2] / 3_000 == pytest.approx(2 / 3, abs=0.03)


def test_the_two_are_never_the_same_replica() -> None:
    assert chosen(loaded(TwoChoices, [1, 0]))[0] == 0


def test_the_shortest_queue_gets_it_and_chance_decides_among_equals() -> None:
    found = chosen(loaded(ShortestQueue, [2, 1, 1, 3]))
    assert set(found) == {1, 2}
    assert found[1] / 3_000 == pytest.approx(0.5, abs=0.03)


def test_the_shortest_queue_is_known_whatever_has_happened() -> None:
    balancer, chance = ShortestQueue(6, seed=2), random.Random(3)  # noqa: S311 - an example
    living = list(range(6))
    for step in range(2_000):
        replica = balancer.choose()
        assert balancer.loads[replica] == min(balancer.loads[each] for each in living)
        balancer.sent(replica)
        busy = [each for each in living if balancer.loads[each]]
        if busy and chance.random() < 0.9:
            balancer.ended(chance.choice(busy))
        if step in (500, 1_000):
            balancer.remove(living.pop(0))


@pytest.mark.parametrize("policy", BALANCERS)
def test_a_replica_that_was_removed_gets_nothing_and_may_still_end_requests(policy: str) -> None:
    balancer = loaded(BALANCERS[policy], [1, 2, 2])
    balancer.remove(0)
    balancer.ended(0)
    assert set(chosen(balancer, 100)) == {1, 2}


@pytest.mark.parametrize("policy", BALANCERS)
def test_the_last_replica_gets_everything(policy: str) -> None:
    balancer = loaded(BALANCERS[policy], [0, 7])
    balancer.remove(0)
    assert set(chosen(balancer, 20)) == {1}


def test_every_policy_is_described() -> None:
    assert list(POLICY_TITLES) == list(BALANCERS)
