"""The knee of latency against load."""

from __future__ import annotations

import pytest

from loadtests.report.knee import power_knee
from loadtests.report.timeline import LoadPoint


def point(load: float, p50: float) -> LoadPoint:
    return LoadPoint(load, p50, 9 * p50, None)


def test_it_is_the_load_with_the_most_for_the_wait() -> None:
    """Of M/M/1 that is half of the load that saturates it (Kleinrock 1979)."""
    points = [point(load, 1000 / (100 - load)) for load in range(10, 100, 5)]
    assert power_knee(points) == pytest.approx(50)


def test_of_one_load_the_middle_latency_counts() -> None:
    points = [point(10, 10), point(20, 10), point(20, 10), point(20, 500), point(30, 90)]
    assert power_knee(points) == 20


def test_a_few_loads_have_no_knee() -> None:
    assert power_knee([point(10, 10), point(20, 10)]) is None
    assert power_knee([point(10, 10), point(20, 10), point(30, 0)]) is None
    assert power_knee([]) is None
