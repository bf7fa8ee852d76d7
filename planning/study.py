"""How many replicas a load needs, what they do under other loads, and what losing one costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from planning.figures import Effort, LoadFigures, OnRun, SimulatedFigure, observe
from planning.simulation import Fleet, Loss, quantile, simulate
from planning.speed import PlanningError
from planning.traffic import Traffic

LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Shares of what a fleet answers at most, at which its latency is drawn."""

_ALMOST_IDLE = 0.01

MOST_LOAD = 0.95
"""Of what a fleet answers at most. Nearer to it queues grow for longer than is simulated, and a
fleet that is overloaded would pass for one that is not."""

MOST_FLEET = 1_000_000
_MOMENT_BATCHES = 10
"""The moment of a loss is as long as so many full batches, before it and after it."""


@dataclass(frozen=True)
class Goal:
    """What a fleet has to do."""

    p99: float
    """Seconds within which 99 % of all requests are answered."""
    replicas_down: int = 0
    """Also while so many of its replicas are lost."""

    def __post_init__(self) -> None:
        if not 0 < self.p99 < math.inf:
            raise PlanningError("the p99 is above 0 seconds")
        if self.replicas_down < 0:
            raise PlanningError("0 replicas at least are lost")
        if self.replicas_down > MOST_FLEET:
            raise PlanningError(f"{MOST_FLEET:,} replicas at most are lost")

    def holds(self, figures: LoadFigures) -> bool:
        """Whether it is reached, with all that chance may change."""
        return figures.p99.high <= self.p99


@dataclass(frozen=True)
class FleetSize:
    """A fleet that is large enough."""

    engines: int
    """Of each replica."""
    replicas: int
    with_all: LoadFigures
    with_lost: LoadFigures
    """Without those replicas that may be lost; the same where none may be."""


@dataclass(frozen=True)
class LossFigures:
    """What it costs that replicas end."""

    replicas: int
    """How many."""
    struck: float
    """Requests that they had at that moment, and that have to be asked again."""
    before: LoadFigures
    after: LoadFigures
    moment_p99: SimulatedFigure | None
    """Of the requests that came shortly before it or after it; None where the fleet was too
    large to be simulated whole."""


def fewest_replicas(
    fleet: Fleet, traffic: Traffic, goal: Goal, effort: Effort, on_run: OnRun
) -> FleetSize:
    """Return the smallest fleet that reaches a goal.

    Args:
        fleet: its replicas are counted here; the rest is taken as it is.
        traffic: what has to be answered.
        goal: how fast, and with how many replicas lost.
        effort, on_run: see ``observe``.

    Raises:
        PlanningError: no number of replicas is fast enough.
    """
    _check_alone(fleet, traffic, goal, effort, on_run)
    known: dict[int, LoadFigures] = {}

    def enough(replicas: int) -> bool:
        known[replicas] = observe(replace(fleet, replicas=replicas), traffic, effort, on_run)
        return goal.holds(known[replicas])

    most = MOST_LOAD * fleet.speed.most_per_second(traffic.lengths.mean)
    least = max(1, math.ceil(traffic.rate / most))
    needed = smallest(enough, least)
    total = needed + goal.replicas_down
    if not goal.replicas_down:
        return FleetSize(fleet.speed.engines, total, known[needed], known[needed])
    with_all = observe(replace(fleet, replicas=total), traffic, effort, on_run)
    return FleetSize(fleet.speed.engines, total, with_all, known[needed])


def _check_alone(fleet: Fleet, traffic: Traffic, goal: Goal, effort: Effort, on_run: OnRun) -> None:
    """Whether a replica that has almost nothing to do is fast enough."""
    alone = replace(fleet, replicas=1)
    rate = _ALMOST_IDLE * fleet.speed.most_per_second(traffic.lengths.mean)
    figures = observe(alone, Traffic(rate, traffic.lengths), effort, on_run)
    if not goal.holds(figures):
        raise PlanningError(
            f"--p99 {goal.p99:g}: on a replica of {_engines(fleet.speed.engines)} that has nothing "
            f"else to do, the p99 is {figures.p99.value:.3g} s; allow more, "
            "or measure a faster machine"
        )


def _engines(count: int) -> str:
    return "1 engine" if count == 1 else f"{count} engines"


def smallest(enough: Callable[[int], bool], least: int) -> int:
    """Return the smallest number that is enough, from ``least`` on.

    What is enough stays enough when there is more. Few are tried: steps double, then halve.

    Raises:
        PlanningError: ``MOST_FLEET`` is not.
    """
    if least > MOST_FLEET:
        raise PlanningError(f"{MOST_FLEET:,} replicas are too few for such a --rate")
    too_few, step, tried = least - 1, 1, least
    while not enough(tried):
        if tried >= MOST_FLEET:
            raise PlanningError(f"{MOST_FLEET:,} replicas are too few; allow a longer --p99")
        too_few = tried
        tried = min(tried + step, MOST_FLEET)
        step *= 2
    while tried - too_few > 1:
        middle = (too_few + tried) // 2
        if enough(middle):
            tried = middle
        else:
            too_few = middle
    return tried


def by_load(
    fleet: Fleet, traffic: Traffic, policies: Sequence[str], effort: Effort, on_run: OnRun
) -> Iterator[tuple[str, LoadFigures]]:
    """Yield what a fleet does at each of ``LOADS``, for each policy by its name."""
    most = fleet.replicas * fleet.speed.most_per_second(traffic.lengths.mean)
    for policy in policies:
        for load in LOADS:
            at = traffic.at(load * most)
            yield policy, observe(replace(fleet, policy=policy), at, effort, on_run)


def losing(
    fleet: Fleet, traffic: Traffic, count: int, effort: Effort, on_run: OnRun
) -> LossFigures:
    """Return what it costs that some replicas of a fleet end.

    Raises:
        PlanningError: none would be left.
    """
    if count >= fleet.replicas:
        raise PlanningError(f"of {fleet.replicas} replicas, {count} cannot be lost")
    before = observe(fleet, traffic, effort, on_run)
    left = replace(fleet, replicas=fleet.replicas - count)
    after = observe(left, traffic, effort, on_run)
    moment = None
    if fleet.replicas <= effort.most_replicas:
        runs = []
        for run in range(effort.runs):
            runs.append(_moment(fleet, traffic, count, effort, effort.seed + run))
            on_run()
        moment = SimulatedFigure.of(runs)
    return LossFigures(count, count * before.in_flight, before, after, moment)


def _moment(fleet: Fleet, traffic: Traffic, count: int, effort: Effort, seed: int) -> float:
    """Return the p99 of the requests around a loss."""
    loss = Loss(count)
    requests = effort.requests_of(fleet, traffic)
    trace = simulate(fleet, traffic, requests, seed, loss)
    at = trace.came[int(loss.at_share * requests)]
    around = _MOMENT_BATCHES * fleet.speed.seconds(fleet.speed.profile.batch_tokens)
    near = abs(trace.came - at) <= around
    return quantile(trace.seconds[near], 0.99)
