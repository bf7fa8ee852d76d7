"""Figures of several simulations, and how sure they are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import t  # type: ignore[import-untyped]

from planning.figures import (
    MOST_RUNS,
    SPAN_BATCHES,
    Effort,
    SimulatedFigure,
    observe,
    represented,
)
from planning.simulation import Fleet, simulate
from planning.speed import PlanningError
from planning.traffic import Traffic
from tests.planning.examples import BRIEF, fleet, traffic, untold, usual


@pytest.mark.parametrize("runs", range(2, MOST_RUNS + 1))
def test_an_interval_is_students(runs: int) -> None:
    values = np.random.default_rng(runs).normal(5, 1, runs)
    figure = SimulatedFigure.of(values.tolist())
    low, high = t.interval(0.95, runs - 1, values.mean(), values.std(ddof=1) / math.sqrt(runs))
    assert figure.value == pytest.approx(values.mean())
    assert (figure.low, figure.high) == pytest.approx((low, high), rel=1e-3)


def test_a_figure_is_infinite_where_one_run_is() -> None:
    assert SimulatedFigure.of([0.5, math.inf, 0.4]) == SimulatedFigure(math.inf, 0.4, math.inf)


def test_a_small_fleet_is_simulated_as_it_is() -> None:
    own, load = fleet(8), traffic(0.5)
    assert represented(own, load, 8) == (own, load)


@pytest.mark.parametrize(("burst", "part"), [(1.0, 1.0), (3.0, math.sqrt(3)), (0.0, 0.75**0.5)])
def test_a_large_fleet_is_represented_by_fewer_replicas_under_the_same_load(
    burst: float, part: float
) -> None:
    own, load = represented(fleet(32), Traffic(800.0, burst=burst), 8)
    assert (own.replicas, load.rate) == (8, 200.0)
    assert load.burst == pytest.approx(part)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["two", "random"])
def test_the_fewer_replicas_have_the_waits_of_the_many(policy: str) -> None:
    own, load = Fleet(usual(), 32, policy), Traffic(0.8 * 32 * 175)
    many, few = (
        observe(own, load, Effort(12_000, 2, most_replicas=most), untold) for most in (32, 12)
    )
    assert (many.simulated, few.simulated) == (32, 12)
    assert few.replicas == many.replicas == 32
    assert few.p99.value == pytest.approx(many.p99.value, rel=0.1)
    assert few.in_flight == pytest.approx(many.in_flight, rel=0.1)


def test_each_run_has_other_chance_and_is_told() -> None:
    told: list[int] = []
    effort = replace(BRIEF, runs=3, seed=40)
    own, load = fleet(2), traffic(0.5, 2)
    found = observe(own, load, effort, lambda: told.append(1))
    traces = [simulate(own, load, 300, seed) for seed in (40, 41, 42)]
    p99 = [float(np.quantile(each.steady, 0.99, method="higher")) for each in traces]
    assert found.p99 == SimulatedFigure.of(p99)
    assert found.in_flight == pytest.approx(sum(each.in_flight for each in traces) / 6)
    assert len(told) == 3


def test_the_share_that_is_not_answered_is_counted() -> None:
    own = Fleet(usual(), 1)
    found = observe(own, Traffic(900.0), Effort(12_000, 2), untold)
    assert 0.5 < found.refused < 0.95
    assert found.p99.value == math.inf


def test_a_simulation_is_long_enough_for_queues_to_fill() -> None:
    own = Fleet(usual(), 50)
    batch = 0.002 + 512 * 0.0002
    assert BRIEF.requests_of(own, Traffic(5_000.0)) == math.ceil(SPAN_BATCHES * batch * 5_000)
    assert BRIEF.requests_of(own, Traffic(1.0)) == 300
    assert BRIEF.requests_of(own, Traffic(1e6)) == 1_000_000


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"runs": 1}, "there are 2 to 20 runs"),
        ({"runs": 21}, "there are 2 to 20 runs"),
        ({"requests": 0}, "there are 1 to 1,000,000 requests"),
        ({"requests": 1_000_001}, "there are 1 to 1,000,000 requests"),
        ({"most_replicas": 0}, "1 replica at least is simulated"),
    ],
)
def test_effort_that_cannot_be_made_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        Effort(**wrong)
    assert str(caught.value) == message
