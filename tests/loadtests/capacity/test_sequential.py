"""The test on the share of late requests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loadtests.capacity.sequential import (
    RequestWindow,
    ServiceGoal,
    burst_effect,
    design_effect,
    holds,
    is_below,
    log_evidence,
)

GOAL = ServiceGoal(p99_s=0.5)


def test_the_evidence_is_that_of_the_mixture() -> None:
    # Uniform prior for a bound of one half: B(1 + 3, 1 + 1) / 0.5^4.
    assert math.exp(log_evidence(3, 4, 0.5)) == pytest.approx(16 * math.factorial(3) / 120)


def test_counts_decide_when_they_are_far_from_the_bound() -> None:
    assert is_below([0], [1000], 0.01, 0.05) is True
    assert is_below([50], [1000], 0.01, 0.05) is False
    assert is_below([10], [1000], 0.01, 0.05) is None
    assert is_below([0], [100], 0.01, 0.05) is None
    assert is_below([], [], 0.01, 0.05) is None


def test_it_may_be_looked_at_after_every_window_and_is_seldom_wrong() -> None:
    """At the bound itself, looked at 200 times: ever decided in at most 5 % of the runs."""
    chance, wrong = np.random.default_rng(1), 0
    for _ in range(300):
        late = np.cumsum(chance.binomial(20, 0.01, 200))
        counts = 20 * np.arange(1, 201)
        evidence = [
            log_evidence(float(k), float(n), 0.01) for k, n in zip(late, counts, strict=True)
        ]
        wrong += max(evidence) >= math.log(1 / 0.05)
    assert wrong / 300 <= 0.05


def test_late_requests_that_come_in_bursts_count_for_less() -> None:
    even, burst = [1, 1, 1, 1, 1], [5, 0, 0, 0, 0]
    counts = [100] * 5
    assert design_effect(even, counts) == 1
    # Variance of the mean of windows over that of 500 independent requests.
    assert design_effect(burst, counts) == pytest.approx(20 / 500**2 * 5 / 4 / (0.01 * 0.99 / 500))
    assert design_effect([0, 0], [9, 9]) == design_effect([9, 9], [9, 9]) == 1
    assert is_below([4] * 10, [100] * 10, 0.01, 0.05) is False
    assert is_below([40] + [0] * 9, [100] * 10, 0.01, 0.05) is None
    assert is_below([0], [1000], 0.01, 0.05, effect=10) is None


def windows(late: int, failed: int, count: int = 20) -> list[RequestWindow]:
    return [RequestWindow(100, late, failed)] * count


@pytest.mark.parametrize(
    ("late", "failed", "expected"), [(0, 0, True), (5, 0, False), (5, 5, False), (1, 0, None)]
)
def test_a_goal_has_two_bounds(late: int, failed: int, expected: bool | None) -> None:
    assert holds(windows(late, failed), GOAL, 0.05) is expected


def test_a_stricter_bound_of_errors_needs_more_requests() -> None:
    strict = ServiceGoal(p99_s=0.5, errors=0.0001)
    assert holds(windows(0, 0), strict, 0.05) is None
    assert holds(windows(0, 0, count=2000), strict, 0.05) is True


def test_bursts_are_judged_near_the_bound_alone() -> None:
    assert burst_effect(windows(1, 0), GOAL) == 1
    assert burst_effect(windows(0, 0), GOAL) is None
    assert burst_effect(windows(90, 0), GOAL) is None
    assert burst_effect(windows(1, 0, count=4), GOAL) is None
