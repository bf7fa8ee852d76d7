"""A large fleet with all of its replicas, once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planning.figures import MOST_REQUESTS, Effort, OnRun, SimulatedFigure
from planning.simulation import Fleet, quantile, simulate
from planning.traffic import Traffic

_BLOCKS = 5


@dataclass(frozen=True)
class WholeFigures:
    """One simulation; its intervals are of parts of it, one after the other (batch means)."""

    replicas: int
    requests: int
    seconds: float
    """Of simulated time."""
    p50: SimulatedFigure
    p99: SimulatedFigure


def observe_whole(
    fleet: Fleet, traffic: Traffic, effort: Effort, on_run: OnRun
) -> WholeFigures | None:
    """Simulate every replica of a fleet; None where ``observe`` does so already.

    The number of requests has a limit, so the time that is simulated gets shorter with the rate.
    """
    if fleet.replicas <= effort.most_replicas:
        return None
    requests = min(effort.requests_of(fleet, traffic), MOST_REQUESTS)
    trace = simulate(fleet, traffic, requests, effort.seed)
    on_run()
    blocks = np.array_split(trace.steady, _BLOCKS)
    return WholeFigures(
        fleet.replicas,
        requests,
        float(trace.came[-1]),
        SimulatedFigure.of([quantile(block, 0.5) for block in blocks]),
        SimulatedFigure.of([quantile(block, 0.99) for block in blocks]),
    )
