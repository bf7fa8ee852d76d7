"""A plan from beginning to end, as ``xcopa plan`` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from planning.balancing import BALANCERS
from planning.figures import Effort, OnRun
from planning.report import PlanReport, best_of
from planning.simulation import Fleet
from planning.study import Goal, by_load, fewest_replicas, losing
from planning.traffic import Traffic
from planning.whole import observe_whole


@dataclass(frozen=True)
class PlanQuestion:
    """What is to be found out."""

    fleet: Fleet
    """What a replica is; how many there are to be is the question."""
    traffic: Traffic
    goal: Goal
    engines: Sequence[int]
    """The sizes of replicas that are compared."""
    effort: Effort


def plan(question: PlanQuestion, on_run: OnRun) -> PlanReport:
    """Find the smallest fleet, and what it does under other loads and when replicas are lost.

    Args:
        question: see ``PlanQuestion``.
        on_run: called after each simulation.

    Raises:
        PlanningError: no fleet is fast enough.
    """
    traffic, effort = question.traffic, question.effort
    sizes = [
        fewest_replicas(_with(question.fleet, count), traffic, question.goal, effort, on_run)
        for count in question.engines
    ]
    best = best_of(sizes)
    fleet = replace(_with(question.fleet, best.engines), replicas=best.replicas)
    lost = max(1, question.goal.replicas_down)
    enough = fleet.replicas > lost
    return PlanReport(
        fleet=fleet,
        traffic=traffic,
        goal=question.goal,
        sizes=sizes,
        loads=list(by_load(fleet, traffic, list(BALANCERS), effort, on_run)),
        loss=losing(fleet, traffic, lost, effort, on_run) if enough else None,
        whole=observe_whole(fleet, traffic, effort, on_run),
    )


def _with(fleet: Fleet, engines: int) -> Fleet:
    return replace(fleet, speed=replace(fleet.speed, engines=engines))
