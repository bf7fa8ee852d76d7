"""The search finds capacities that are known."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from loadtests.capacity.search import (
    CapacityFound,
    CapacitySearch,
    SearchRules,
    TrialDecision,
    decide,
)
from loadtests.capacity.sequential import RequestWindow, ServiceGoal
from tests.loadtests.capacity.queues import Queue, QueueTrial, late_share, true_capacity

GOAL = ServiceGoal(p99_s=0.5)
RULES = SearchRules(GOAL)
SERVICE_S = 0.05


def test_the_simulated_queue_is_late_as_often_as_the_formula_says() -> None:
    queue = Queue(SERVICE_S, SearchRules(GOAL, most_s=20_000), seed=1)
    windows = list(queue.windows(16.0, 50.0))
    share = sum(each.late for each in windows) / sum(each.requests for each in windows)
    assert share == pytest.approx(late_share(16.0, SERVICE_S, GOAL.p99_s), rel=0.2)


def test_the_answer_holds_and_is_not_far_below_the_true_capacity() -> None:
    """Of 30 searches, chance may let two name a rate that is too high; none by a precision."""
    true = true_capacity(SERVICE_S, GOAL)
    rates = []
    for seed in range(30):
        queue = Queue(SERVICE_S, RULES, 1000 * seed)
        found = CapacitySearch(queue.attempt, RULES).run(true / 3)
        assert found.rate is not None
        rates.append(found.rate / true)
    assert sum(rate > 1 for rate in rates) <= 2
    assert max(rates) < 1.1
    assert sorted(rates)[15] > 0.85
    assert min(rates) > 0.7


def test_errors_alone_can_be_the_limit() -> None:
    queue = Queue(0.001, RULES, 5, failing=0.05)
    found = CapacitySearch(queue.attempt, RULES).run(50.0)
    assert found.rate is None
    assert found.noise == ["even 0.781 requests/s do not hold"]
    assert found.too_high == 50 / 2**6
    assert found.is_surely_below(50.0)


def planted(limit: Callable[[float, int], bool | None]) -> CapacityFound[QueueTrial]:
    """Search where each trial's outcome is said by its rate and number."""
    numbers = itertools.count()

    def attempt(rate: float, effect: float) -> QueueTrial:
        outcome = limit(rate, next(numbers))
        window = RequestWindow(10, 0, 0) if outcome is None else RequestWindow(1000, 0, 0)
        return QueueTrial(rate, TrialDecision(outcome, [window] * 5))

    return CapacitySearch(attempt, RULES).run(8.0)


def test_a_quiet_service_is_found_within_the_precision() -> None:
    found = planted(lambda rate, _: rate <= 100)
    assert found.rate is not None
    assert found.too_high is not None
    assert found.rate <= 100 < found.too_high <= 1.1 * found.rate
    assert found.noise == []
    assert found.is_surely_below(found.too_high)
    assert not found.is_surely_below(found.rate)


def test_a_service_that_gets_slower_meanwhile_is_said_to_be_noisy() -> None:
    found = planted(lambda rate, number: rate <= (100 if number < 9 else 60))
    assert found.rate is not None
    assert found.rate <= 60
    assert "seemed to hold, and did not when tried again" in found.noise[0]


def test_a_service_that_gets_faster_meanwhile_is_said_to_be_noisy() -> None:
    found = planted(lambda rate, number: rate <= (100 if number < 8 else 1e9))
    assert found.noise[0].endswith("did not hold, and did when tried again")
    assert found.too_high is None
    assert found.rate is not None
    assert not found.is_surely_below(1.05 * found.rate)


def test_trials_that_are_too_short_are_said_to_be() -> None:
    found = planted(lambda rate, _: None if rate <= 100 else False)
    assert found.rate is not None
    assert found.noise[0].endswith("; allow longer trials")


def test_no_rate_that_is_too_high_is_said() -> None:
    found = planted(lambda *_: True)
    assert (found.rate, found.too_high) == (512.0, None)
    assert found.noise == ["no rate up to 512 requests/s is too high"]


def test_trials_have_a_limit() -> None:
    flips = itertools.cycle([True, False])
    rules = SearchRules(GOAL, most_trials=3)

    def attempt(rate: float, effect: float) -> QueueTrial:
        return QueueTrial(rate, TrialDecision(next(flips), []))

    found = CapacitySearch(attempt, rules).run(8.0)
    assert found.noise == ["3 trials were too few"]


def test_a_trial_that_holds_lasts_long_enough_for_a_queue_to_fill() -> None:
    good = itertools.repeat(RequestWindow(10_000, 0, 0))
    assert RULES.least_s == 10
    assert len(decide(good, 5000, 1, RULES).windows) == 5
    exact = SearchRules(GOAL, precision=0.01)
    assert len(decide(good, 5000, 1, exact).windows) == 50


def test_a_trial_of_an_overload_ends_soon() -> None:
    bad = itertools.repeat(RequestWindow(100, 90, 0))
    decision = decide(bad, 50, 1, RULES)
    assert (decision.holds, len(decision.windows), decision.late_share) == (False, 2, 0.9)


def test_a_trial_that_is_never_decided_ends() -> None:
    at_the_bound = itertools.repeat(RequestWindow(100, 1, 0))
    decision = decide(at_the_bound, 50, 1, RULES)
    assert decision.holds is None
    assert len(decision.windows) * RULES.window_s == RULES.least_s
