"""What a fleet does under a load, with how sure that is: several simulations with other chance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planning.simulation import Fleet, Trace, quantile, simulate
from planning.speed import PlanningError
from planning.traffic import Traffic

_STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093),
)
"""97.5 % quantiles of Student's t, from one degree of freedom on."""

LEAST_RUNS, MOST_RUNS = 2, 1 + len(_STUDENT)

SPAN_BATCHES = 100
"""A simulation is as long as so many full batches at least: queues must have had time to fill."""

MOST_REQUESTS = 1_000_000
"""Of one simulation: about a minute."""

OnRun = Callable[[], None]
"""Called after each simulation."""


@dataclass(frozen=True)
class SimulatedFigure:
    """The mean of a figure over simulations, and its 95 % interval (Student's t)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, runs: Sequence[float]) -> SimulatedFigure:
        """Return the mean of two runs or more, with its interval; infinite where one is."""
        if not all(map(math.isfinite, runs)):
            return cls(math.inf, min(runs), math.inf)
        mean = statistics.fmean(runs)
        half = _STUDENT[len(runs) - 2] * statistics.stdev(runs) / math.sqrt(len(runs))
        return cls(mean, mean - half, mean + half)


@dataclass(frozen=True)
class Effort:
    """How much is simulated."""

    requests: int = 20_000
    """Of each simulation, at least."""
    runs: int = 5
    """With other chance each time."""
    seed: int = 0
    most_replicas: int = 32
    """A larger fleet is represented by so many replicas, each under the same load."""

    def __post_init__(self) -> None:
        if not LEAST_RUNS <= self.runs <= MOST_RUNS:
            raise PlanningError(f"there are {LEAST_RUNS} to {MOST_RUNS} runs")
        if not 0 < self.requests <= MOST_REQUESTS:
            raise PlanningError(f"there are 1 to {MOST_REQUESTS:,} requests")
        if self.most_replicas < 1:
            raise PlanningError("1 replica at least is simulated")
        if self.seed < 0:
            raise PlanningError("the seed is 0 at least")

    def requests_of(self, fleet: Fleet, traffic: Traffic) -> int:
        """Return how many requests a simulation has: so many, or more for it to be long enough."""
        batch = fleet.speed.seconds(fleet.speed.profile.batch_tokens)
        enough = math.ceil(SPAN_BATCHES * batch * traffic.rate)
        return min(max(self.requests, enough), MOST_REQUESTS)


@dataclass(frozen=True)
class LoadFigures:
    """What a fleet does under a load; times in seconds."""

    replicas: int
    rate: float
    p50: SimulatedFigure
    p99: SimulatedFigure
    refused: float
    """The share of the requests that are refused, or answered too late."""
    busy: float
    """The share of the time in which an engine works."""
    in_flight: float
    """Requests that a replica has at a time, on average."""
    simulated: int
    """Replicas that were simulated."""


def represented(fleet: Fleet, traffic: Traffic, most: int) -> tuple[Fleet, Traffic]:
    """Return a fleet of at most so many replicas, each with the load that it has now.

    A part of the requests, taken at random, is burstier than a Poisson process by that part of
    what all of them are: the variance of counts over their mean is ``1 + part x (burst^2 - 1)``.
    """
    if fleet.replicas <= most:
        return fleet, traffic
    part = most / fleet.replicas
    burst = math.sqrt(1 + part * (traffic.burst**2 - 1))
    return (
        replace(fleet, replicas=most),
        replace(traffic, rate=part * traffic.rate, burst=burst),
    )


def observe(fleet: Fleet, traffic: Traffic, effort: Effort, on_run: OnRun) -> LoadFigures:
    """Simulate a fleet under a load several times.

    Args:
        fleet, traffic: what is simulated; a fleet that is too large is represented.
        effort: how much.
        on_run: called after each simulation.
    """
    small, part = represented(fleet, traffic, effort.most_replicas)
    requests = effort.requests_of(small, part)
    traces: list[Trace] = []
    for run in range(effort.runs):
        traces.append(simulate(small, part, requests, effort.seed + run))
        on_run()
    return figures_of(fleet, traffic.rate, traces, small.replicas)


def figures_of(fleet: Fleet, rate: float, traces: Sequence[Trace], simulated: int) -> LoadFigures:
    """Return what some simulations of a fleet say."""
    return LoadFigures(
        replicas=fleet.replicas,
        rate=rate,
        p50=SimulatedFigure.of([quantile(each.steady, 0.5) for each in traces]),
        p99=SimulatedFigure.of([quantile(each.steady, 0.99) for each in traces]),
        refused=statistics.fmean(float(np.isinf(each.steady).mean()) for each in traces),
        busy=statistics.fmean(each.busy for each in traces),
        in_flight=statistics.fmean(each.in_flight for each in traces) / simulated,
        simulated=simulated,
    )
