"""The smallest fleet, other loads, and lost replicas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planning import study
from planning.figures import Effort, SimulatedFigure, observe
from planning.simulation import Fleet, Loss, quantile, simulate
from planning.speed import PlanningError
from planning.study import LOADS, Goal, by_load, fewest_replicas, losing, smallest
from planning.traffic import Traffic
from tests.planning.examples import BRIEF, ONE_LENGTH, SERVICE_S, fleet, traffic, untold, usual

EFFORT = Effort(requests=1_500, runs=3, most_replicas=16)
LOAD = Traffic(600.0)


@pytest.mark.parametrize("least", [1, 7])
@pytest.mark.parametrize("needed", [1, 2, 7, 8, 9, 10, 31, 500])
def test_the_smallest_number_that_is_enough_is_found(least: int, needed: int) -> None:
    tried: list[int] = []

    def enough(number: int) -> bool:
        tried.append(number)
        return number >= needed

    assert smallest(enough, least) == max(least, needed)
    assert len(tried) == len(set(tried)) <= 20


def test_what_never_is_enough_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "MOST_FLEET", 50)
    with pytest.raises(PlanningError) as caught:
        smallest(lambda _: False, 3)
    assert str(caught.value) == "50 replicas are too few; allow a longer --p99"


@pytest.mark.slow
def test_the_fleet_is_large_enough_and_one_replica_less_is_not() -> None:
    own, goal = Fleet(usual(), 1), Goal(0.15)
    size = fewest_replicas(own, LOAD, goal, EFFORT, untold)
    assert size.engines == 2
    assert goal.holds(size.with_all)
    assert size.with_all == size.with_lost
    less = observe(replace(own, replicas=size.replicas - 1), LOAD, EFFORT, untold)
    assert not goal.holds(less)


def test_a_fleet_is_never_planned_up_to_its_limit_however_long_requests_may_take() -> None:
    # A simulation is too short to see the queues of an overloaded fleet grow.
    size = fewest_replicas(fleet(), Traffic(960.0, ONE_LENGTH), Goal(1e6), BRIEF, untold)
    assert size.replicas == 11


@pytest.mark.slow
def test_a_fleet_that_may_lose_replicas_is_larger_by_them() -> None:
    own = Fleet(usual(), 1)
    plain = fewest_replicas(own, LOAD, Goal(0.15), EFFORT, untold)
    safe = fewest_replicas(own, LOAD, Goal(0.15, replicas_down=2), EFFORT, untold)
    assert safe.replicas == plain.replicas + 2
    assert safe.with_lost == plain.with_all
    assert (safe.with_all.replicas, safe.with_lost.replicas) == (safe.replicas, plain.replicas)
    assert safe.with_all.busy < safe.with_lost.busy


def test_a_goal_that_an_idle_replica_misses_is_refused_at_once() -> None:
    runs: list[int] = []
    with pytest.raises(PlanningError) as caught:
        fewest_replicas(fleet(), traffic(3.0), Goal(0.005), BRIEF, lambda: runs.append(1))
    assert str(caught.value) == (
        "--p99 0.005: on a replica of 1 engine that has nothing else to do, the p99 is 0.01 s; "
        "allow more, or measure a faster machine"
    )
    assert len(runs) == BRIEF.runs


def test_a_goal_holds_only_with_all_that_chance_may_change() -> None:
    figures = observe(fleet(), traffic(0.5), BRIEF, untold)
    unsure = replace(figures, p99=SimulatedFigure(0.1, 0.08, 0.12))
    assert Goal(0.12).holds(unsure)
    assert not Goal(0.119).holds(unsure)


def test_every_policy_is_tried_at_every_load() -> None:
    found = list(by_load(fleet(3), traffic(0.5), ["jsq", "random"], BRIEF, untold))
    assert [policy for policy, _ in found] == ["jsq"] * len(LOADS) + ["random"] * len(LOADS)
    assert [each.rate for _, each in found] == pytest.approx([300 * load for load in LOADS] * 2)
    jsq, chance = found[: len(LOADS)], found[len(LOADS) :]
    assert jsq[-1][1].p99.value < chance[-1][1].p99.value


def test_losing_a_replica_costs_the_requests_that_it_has_and_the_time_of_the_others() -> None:
    found = losing(fleet(4), traffic(0.6, 4), 1, EFFORT, untold)
    assert (found.before.replicas, found.after.replicas) == (4, 3)
    assert found.struck == found.before.in_flight
    assert found.before.p99.value < found.after.p99.value


def test_the_moment_of_a_loss_is_ten_batches_before_it_and_after_it() -> None:
    own, load = fleet(4), traffic(0.6, 4)
    p99 = []
    for seed in range(EFFORT.runs):
        trace = simulate(own, load, EFFORT.requests, seed, Loss(1))
        at = trace.came[EFFORT.requests // 2]
        near = (trace.came >= at - 10 * SERVICE_S) & (trace.came <= at + 10 * SERVICE_S)
        p99.append(quantile(trace.seconds[near], 0.99))
    assert losing(own, load, 1, EFFORT, untold).moment_p99 == SimulatedFigure.of(p99)


def test_the_moment_of_a_loss_is_not_simulated_where_the_fleet_is_represented() -> None:
    found = losing(fleet(9), traffic(0.5, 9), 2, BRIEF, untold)
    assert found.moment_p99 is None
    assert found.struck == 2 * found.before.in_flight


def test_to_lose_all_is_refused() -> None:
    with pytest.raises(PlanningError) as caught:
        losing(fleet(2), traffic(0.5), 2, BRIEF, untold)
    assert str(caught.value) == "of 2 replicas, 2 cannot be lost"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"p99": 0.0}, "the p99 is above 0 seconds"),
        ({"p99": float("nan")}, "the p99 is above 0 seconds"),
        ({"p99": 1.0, "replicas_down": -1}, "0 replicas at least are lost"),
    ],
)
def test_a_goal_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        Goal(**wrong)
    assert str(caught.value) == message
