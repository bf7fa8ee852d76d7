"""When requests come."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from planning.speed import PlanningError
from planning.traffic import Traffic


def gaps(burst: float, count: int = 40_000) -> Any:
    times = Traffic(50.0, burst=burst).times(count, np.random.default_rng(3))
    return np.diff(times, prepend=0.0)


@pytest.mark.parametrize("burst", [0.0, 1e-320, 0.5, 1.0, 2.0])
def test_gaps_have_the_mean_of_the_rate_and_the_deviation_of_the_burst(burst: float) -> None:
    found = gaps(burst)
    assert found.mean() == pytest.approx(1 / 50, rel=0.03)
    assert found.std() / found.mean() == pytest.approx(burst, rel=0.05, abs=1e-9)


def test_with_burst_1_a_gap_is_as_often_long_as_in_a_poisson_process() -> None:
    assert (gaps(1.0) > 2 / 50).mean() == pytest.approx(math.exp(-2), rel=0.05)


def test_the_same_requests_come_at_another_rate() -> None:
    assert Traffic(10.0, burst=2.0).at(30.0) == Traffic(30.0, burst=2.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": 0.0}, "the rate is above 0"),
        ({"rate": math.inf}, "the rate is above 0"),
        ({"rate": 1.0, "burst": -1.0}, "the burstiness is 0 at least"),
        ({"rate": 1.0, "burst": math.nan}, "the burstiness is 0 at least"),
    ],
)
def test_traffic_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        Traffic(**wrong)
    assert str(caught.value) == message
