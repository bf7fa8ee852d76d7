"""The service beside the plain endpoint: rounds are compared pair by pair."""

from __future__ import annotations

import pytest

from loadtests.bench.closed_load import ClosedLoad
from loadtests.bench.plain import over_plain


def load(requests: int, latency: float) -> ClosedLoad:
    return ClosedLoad([latency] * requests, seconds=10)


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    rounds = [
        (load(1000, 0.2), load(250, 1.0)),
        (load(1500, 0.1), load(300, 0.9)),
        (load(1800, 0.3), load(300, 1.1)),
    ]
    result = over_plain(rounds)
    assert [result.least, result.value, result.greatest] == pytest.approx([4, 5, 6])
    assert result.details == {"requests_per_second": [150, 30], "median_ms": [200, 1000]}
