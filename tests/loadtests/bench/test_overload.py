"""The share of the capacity that an overloaded service answers in time."""

from __future__ import annotations

import pytest

from loadtests.bench.open_load import Arrival
from loadtests.bench.overload import OverloadRound, results_of
from loadtests.bench.results import BenchResult

ANSWERED = [Arrival(200, 0.5, "")] * 2400 + [Arrival(200, 1.5, "")] * 600
REFUSED = [Arrival(429, 0.003, "2")] * 5 + [Arrival(429, 0.005, "")] * 4
LOST = [Arrival(504, 1.0, ""), Arrival(200, 10.5, ""), Arrival(0, 0.1, "")]


def overload(arrivals: list[Arrival], *capacity: tuple[float, float]) -> BenchResult:
    rounds = [OverloadRound(arrivals, each, 0.5, cpu=(0.001, 3e-4)) for each in capacity]
    return results_of(rounds)[0]


def test_answers_after_the_deadline_count_for_nothing() -> None:
    # 2400 in 60 s are 40 per second, of a capacity of 50 on average.
    assert overload(ANSWERED + REFUSED, (40, 60)).value == pytest.approx(0.8)


def test_the_share_is_the_median_of_rounds_each_over_its_own_capacity() -> None:
    told = overload(ANSWERED, (40, 60), (60, 100), (100, 60))
    assert (told.least, told.value, told.greatest) == pytest.approx((0.5, 0.5, 0.8))
    assert told.details["capacity_per_second"] == [40, 60, 100, 60]


def test_details_count_each_kind_of_response() -> None:
    details = overload(ANSWERED + REFUSED + LOST, (40.04, 60)).details
    assert details["statuses"] == {"0": 1, "200": 3001, "429": 9, "504": 1}
    assert details["arrivals"] == 3012
    assert details["refused_without_retry_after"] == 4
    # One had no response at all, and one came too late to be called an answer.
    assert details["hung"] == 2
    assert details["refused_ms"] == 3
    assert details["answered_ms"] == {"p50": 500, "p99": 1500}
    assert details["capacity_per_second"] == [40.0, 60]
    assert details["cpu_us_a_request"] == {"front": 1000, "generator": 300}


def test_without_answers_or_refusals_there_are_no_times_of_them() -> None:
    refused, answered = overload(REFUSED, (40, 60)), overload(ANSWERED, (40, 60))
    assert refused.value == 0
    assert "answered_ms" not in refused.details
    assert "refused_ms" not in answered.details
