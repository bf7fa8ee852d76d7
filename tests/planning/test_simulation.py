"""The simulation against what queueing theory says in closed form, and against itself."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pytest

from app.serving.admission import Limits
from app.serving.work import ModelProfile, ServiceCurve
from planning.balancing import BALANCERS
from planning.lengths import LengthMix
from planning.simulation import Fleet, Loss, Trace, _Simulation, quantile, simulate
from planning.speed import PlanningError, ReplicaSpeed
from planning.traffic import Traffic
from tests.planning.examples import SERVICE_S, fleet, traffic, usual

SEEDS = range(100, 106)


def mean_waits(own: Fleet, load: Traffic, requests: int) -> list[float]:
    """Mean seconds from a request to its answer, of several simulations."""
    return [float(simulate(own, load, requests, seed).steady.mean()) for seed in SEEDS]


def mean_wait(own: Fleet, load: Traffic, requests: int) -> float:
    return statistics.fmean(mean_waits(own, load, requests))


def assert_as_in_theory(times: list[float], theory: float) -> None:
    """The theory is within four standard errors of the mean, which are few per cent of it."""
    error = statistics.stdev(times) / math.sqrt(len(times))
    assert 4 * error < 0.2 * theory
    assert abs(statistics.fmean(times) - theory) < 4 * error


@pytest.mark.parametrize(
    "load", [0.6, *(pytest.param(load, marks=pytest.mark.slow) for load in (0.3, 0.8))]
)
def test_one_engine_without_batches_waits_as_the_queue_m_d_1(load: float) -> None:
    wait = load * SERVICE_S / (2 * (1 - load))
    assert_as_in_theory(mean_waits(fleet(), traffic(load), 6_000), SERVICE_S + wait)


@pytest.mark.parametrize("burst", [0.5, 1.0, 3.0])
def test_one_engine_without_batches_follows_the_recursion_of_lindley(burst: float) -> None:
    load = Traffic(90.0, LengthMix({20: 1, 50: 1}), burst)
    # A budget of one token: each item travels alone.
    speed = ReplicaSpeed(ModelProfile(1, ServiceCurve(0.0, SERVICE_S / 40)))
    trace = simulate(fleet(speed=speed), load, 2_000, seed=4)
    expected, free_at = [], 0.0
    for came, tokens in zip(*load.draw(2_000, seed=4), strict=True):
        free_at = max(free_at, came) + tokens * SERVICE_S / 40
        expected.append(free_at - came)
    assert trace.seconds == pytest.approx(np.array(expected))


def test_lengths_that_differ_wait_as_the_queue_m_g_1() -> None:
    # Pollaczek and Khinchine: rate x E[S^2] / (2 (1 - load)), here with S of 10 or 70 tokens.
    lengths, rate = LengthMix({10: 1, 70: 1}), 70.0
    services = [SERVICE_S / 40 * tokens for tokens in (10, 70)]
    mean, square = statistics.fmean(services), statistics.fmean(s**2 for s in services)
    speed = ReplicaSpeed(ModelProfile(1, ServiceCurve(0.0, SERVICE_S / 40)))
    wait = rate * square / (2 * (1 - rate * mean))
    assert_as_in_theory(mean_waits(fleet(speed=speed), Traffic(rate, lengths), 6_000), mean + wait)


def test_an_even_pace_below_the_capacity_makes_nobody_wait() -> None:
    trace = simulate(fleet(), traffic(0.99, burst=0.0), 500, seed=1)
    assert trace.seconds == pytest.approx(SERVICE_S)


def test_clumps_make_requests_wait_longer() -> None:
    waits = [mean_wait(fleet(), traffic(0.6, burst=burst), 1_500) for burst in (0.5, 1, 2)]
    assert waits == sorted(waits)


@pytest.mark.parametrize("policy", BALANCERS)
def test_requests_under_way_are_the_rate_times_their_time(policy: str) -> None:
    own = Fleet(usual(front_seconds=0.001), 3, policy)
    trace = simulate(own, Traffic(400.0), 6_000, seed=5)
    # Little (1961); the simulation counts them as they come and go.
    assert trace.in_flight == pytest.approx(
        trace.seconds.sum() / (trace.came + trace.seconds).max(), rel=1e-9
    )


@pytest.mark.parametrize("engines", [1, 2, 3])
def test_no_more_work_is_done_than_there_is_and_none_is_left(engines: int) -> None:
    # Without a fixed time of batches, an engine works for each token once.
    speed = ReplicaSpeed(ModelProfile(500, ServiceCurve(0.0, 0.0002)), engines=engines)
    load = Traffic(0.7 * speed.most_per_second(LengthMix.usual().mean))
    trace = simulate(Fleet(speed, 1), load, 3_000, seed=2)
    tokens = load.draw(3_000, seed=2)[1].sum()
    until = (trace.came + trace.seconds).max()
    assert trace.busy * engines * until == pytest.approx(0.0002 * tokens)
    assert (trace.refused, trace.expired) == (0, 0)


def test_an_engine_that_could_work_never_waits() -> None:
    # Work conservation: whatever comes in whichever clumps, one engine is done when a single
    # queue would be, after each busy period.
    speed = ReplicaSpeed(ModelProfile(500, ServiceCurve(0.0, 0.0002)))
    load = Traffic(60.0, burst=1.5)
    trace = simulate(Fleet(speed, 1), load, 2_000, seed=3)
    free_at = 0.0
    for came, tokens in zip(trace.came, load.draw(2_000, seed=3)[1], strict=True):
        free_at = max(free_at, came) + 0.0002 * tokens
    assert (trace.came + trace.seconds).max() == pytest.approx(free_at)


@pytest.mark.parametrize(
    "load", [0.8, *(pytest.param(load, marks=pytest.mark.slow) for load in (0.5, 0.95))]
)
def test_who_knows_more_makes_nobody_wait_longer(load: float) -> None:
    waits = {policy: mean_wait(fleet(10, policy), traffic(load, 10), 1_500) for policy in BALANCERS}
    assert waits["jsq"] <= waits["two"] <= waits["random"]


@pytest.mark.slow
def test_replicas_that_are_chosen_at_random_are_queues_of_their_own() -> None:
    times = mean_waits(fleet(5), traffic(0.7, 5), 8_000)
    assert_as_in_theory(times, SERVICE_S * (1 + 0.7 / (2 * 0.3)))


def test_two_choices_shorten_long_queues_as_theory_has_it() -> None:
    # Mitzenmacher: with two choices and exponential services the share of queues of i or more is
    # load^(2^i - 1), with one load^i. Constant services are between that and no queue.
    two, one = (
        simulate(fleet(50, policy), traffic(0.9, 50), 10_000, seed=1)
        for policy in ("two", "random")
    )
    exponential = SERVICE_S * sum(0.9 ** (2**i - 1) for i in range(1, 12)) / 0.9
    assert SERVICE_S < float(two.steady.mean()) < exponential
    assert quantile(two.steady, 0.99) < quantile(one.steady, 0.99) / 3


def same(one: Trace, other: Trace) -> bool:
    arrays = np.array_equal(one.seconds, other.seconds) and np.array_equal(one.came, other.came)
    return arrays and (one.batches, one.busy) == (other.batches, other.busy)


@pytest.mark.parametrize("policy", BALANCERS)
def test_the_same_seed_gives_the_same_and_another_one_another(policy: str) -> None:
    own, load = Fleet(usual(), 4, policy), Traffic(500.0)
    traces = [simulate(own, load, 1_000, seed) for seed in (1, 1, 2)]
    assert same(traces[0], traces[1])
    assert not same(traces[0], traces[2])


def test_what_is_refused_has_no_time_and_is_counted() -> None:
    own = Fleet(usual(), 1, limits=Limits(0.5))
    trace = simulate(own, Traffic(2_000.0), 4_000, seed=1)
    assert trace.refused == np.isinf(trace.seconds).sum() > 1_000
    assert quantile(trace.steady, 0.99) == math.inf


def test_the_first_fifth_is_the_warm_up() -> None:
    trace = simulate(fleet(), traffic(0.5), 100, seed=1)
    assert (trace.first_steady, len(trace.steady)) == (20, 80)


# Losing replicas ------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", BALANCERS)
def test_the_requests_of_a_lost_replica_are_asked_again_and_all_are_answered(policy: str) -> None:
    own = Fleet(usual(front_seconds=0.001), 4, policy)
    trace = simulate(own, Traffic(600.0), 4_000, seed=1, loss=Loss(2))
    assert trace.repeated > 0
    assert np.isfinite(trace.seconds).all()


@pytest.mark.parametrize("policy", BALANCERS)
def test_in_the_end_no_replica_has_a_request(policy: str) -> None:
    simulation = _Simulation(Fleet(usual(front_seconds=0.001), 3, policy), Traffic(400.0), 500, 1)
    simulation.run(Loss(1))
    assert simulation._balancer.loads == [0, 0, 0]
    assert simulation._in_flight == 0


def test_the_load_of_a_lost_replica_moves_to_the_others() -> None:
    whole = simulate(fleet(4), traffic(0.6, 4), 12_000, seed=1)
    lost = simulate(fleet(4), traffic(0.6, 4), 12_000, seed=1, loss=Loss(1))
    half = 6_000
    assert np.array_equal(whole.seconds[: half - 100], lost.seconds[: half - 100])
    # From a load of 0.6 on each to one of 0.8.
    before, after = lost.seconds[1_000:half], lost.seconds[half + 1_000 :]
    assert float(before.mean()) == pytest.approx(SERVICE_S * (1 + 0.6 / 0.8), rel=0.15)
    assert float(after.mean()) == pytest.approx(SERVICE_S * (1 + 0.8 / 0.4), rel=0.15)


def test_not_every_replica_can_be_lost() -> None:
    with pytest.raises(PlanningError) as caught:
        simulate(fleet(2), traffic(0.5), 100, seed=1, loss=Loss(2))
    assert str(caught.value) == "of 2 replicas, 2 cannot be lost"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"replicas": 0}, "a fleet has 1 replica at least"),
        ({"replicas": 1, "policy": "fastest"}, "'fastest' is not one of jsq, two, random"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        Fleet(usual(), **wrong)
    assert str(caught.value) == message
