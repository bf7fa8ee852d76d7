"""What a single caller may wait beside a bulk caller: three times as long as alone, and a batch."""

from __future__ import annotations

import pytest

from loadtests.bench.fairness import over_allowed, seconds_a_batch

SUM, COUNT = "xcopa_batch_duration_seconds_sum", "xcopa_batch_duration_seconds_count"


def test_the_time_of_a_batch_is_that_between_the_scrapes() -> None:
    before = {(SUM, "stilts"): 10.0, (COUNT, "stilts"): 100, (SUM, "direct"): 9.0}
    after = {(SUM, "stilts"): 12.0, (COUNT, "stilts"): 140, (SUM, "direct"): 99.0}
    assert seconds_a_batch(before, after) == pytest.approx(0.05)


def test_exactly_what_is_allowed_is_1() -> None:
    result = over_allowed(unloaded=0.02, loaded=0.1, batch=0.04)
    assert result.value == pytest.approx(1)
    assert result.details == {"unloaded_ms": 20, "loaded_ms": 100, "batch_ms": 40}
