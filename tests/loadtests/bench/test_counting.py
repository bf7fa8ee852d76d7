"""The service with metrics beside itself without."""

from __future__ import annotations

import inspect

import pytest

from app.telemetry.batch_metrics import BatchMetrics
from app.telemetry.metrics import Metrics
from app.telemetry.request_metrics import RequestMetrics
from loadtests.bench.counting import over_uncounted
from loadtests.bench.uncounted_server import COUNTED, UncountedMetrics, count_nothing
from loadtests.bench.wrk import WrkRound

RARE = {
    *("seed_routes", "watch_cache", "keys_taken", "model_calibrated", "engine_plan_chosen"),
    *("worker_replaced", "engine_replaced", "watch_queue", "watch_engines", "watch_engine_memory"),
}
"""Called at the start, at a scrape, or when something breaks."""


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    rounds = [
        (WrkRound(900, 250e-6), WrkRound(1000, 200e-6)),
        (WrkRound(950, 260e-6), WrkRound(1000, 210e-6)),
        (WrkRound(980, 240e-6), WrkRound(1000, 205e-6)),
    ]
    result = over_uncounted(rounds)
    assert [result.least, result.value, result.greatest] == pytest.approx([0.9, 0.95, 0.98])
    assert result.details == {"requests_per_second": [950, 1000], "cpu_us_a_request": [250, 205]}


def test_all_that_happens_with_requests_is_left_uncounted() -> None:
    own = {
        name
        for part in (RequestMetrics, BatchMetrics)
        for name, _ in inspect.getmembers(part, inspect.isfunction)
        if not name.startswith("_")
    }
    assert set(COUNTED) == own - RARE
    assert all(getattr(UncountedMetrics, name) is count_nothing for name in COUNTED)
    metrics = UncountedMetrics(["direct"])
    metrics.item_ended("direct", "answered")
    labels = {"model": "direct", "outcome": "answered"}
    assert metrics.registry.get_sample_value("xcopa_items_total", labels) == 0
    assert Metrics.item_ended is not count_nothing
