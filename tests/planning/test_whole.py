"""A large fleet, with all of its replicas."""

from __future__ import annotations

import numpy as np
import pytest

from planning.simulation import simulate
from planning.whole import observe_whole
from tests.planning.examples import BRIEF, fleet, traffic, untold


def test_every_replica_is_simulated_once() -> None:
    own, load, runs = fleet(20), traffic(0.5, 20), []
    found = observe_whole(own, load, BRIEF, lambda: runs.append(1))
    assert found is not None
    trace = simulate(own, load, found.requests, BRIEF.seed)
    assert (found.replicas, found.requests) == (20, 1_000)
    assert found.seconds == trace.came[-1]
    assert found.p50.value == pytest.approx(float(np.median(trace.steady)), rel=0.1)
    assert found.p99.low <= found.p99.value <= found.p99.high
    assert runs == [1]


def test_a_fleet_that_is_simulated_whole_anyway_is_not_again() -> None:
    assert observe_whole(fleet(8), traffic(0.5, 8), BRIEF, untold) is None
