"""From how many users on the latency grows."""

from __future__ import annotations

from loadtests.callers.onset import grown_from, onset
from loadtests.report.timeline import LoadPoint
from tests.loadtests.callers.moments import run_of

USERS = [float(count) for count in range(1, 21)]


def test_the_number_of_users_is_said_from_which_on_the_latency_has_grown() -> None:
    latencies = [10.0] * 12 + [15.0, 21.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0]
    assert str(onset(run_of(USERS, latencies))) == (
        "PASS: latency: from 14 users on the p50 is more than 2 times that of few (10.0 ms); "
        "70.0 ms with 20"
    )


def test_a_latency_that_does_not_grow_is_an_answer() -> None:
    assert str(onset(run_of(USERS, [10.0] * 20))) == (
        "PASS: latency: the p50 stays within 2 times that of few users (10.0 ms); 10.0 ms with 20"
    )


def test_a_single_slow_moment_is_no_beginning() -> None:
    latencies = [10.0] * 5 + [90.0] + [10.0] * 12 + [30.0, 40.0]
    assert "from 19 users on" in str(onset(run_of(USERS, latencies)))


def test_too_few_loads_give_no_answer() -> None:
    assert str(onset(run_of(USERS[:4], [10.0] * 4))).startswith("NO ANSWER: latency: fewer than 5 ")
    assert str(onset(run_of([3.0] * 20, [10.0] * 20))).startswith("NO ANSWER: ")
    assert str(onset(run_of([], []))).startswith("NO ANSWER: ")


def test_what_has_grown_stays_above_the_bound() -> None:
    points = [LoadPoint(load, p50, p50, None) for load, p50 in ((1, 5), (2, 9), (3, 7), (4, 9))]
    found = grown_from(points, 8)
    assert found is not None
    assert found.offered_per_s == 4
    assert grown_from(points, 9) is None
