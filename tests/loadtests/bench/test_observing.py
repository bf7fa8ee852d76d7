"""The service, watched, beside itself when nobody watches."""

from __future__ import annotations

import inspect
import shutil

import pytest
from rich.console import Console

from app.telemetry.batch_metrics import BatchMetrics
from app.telemetry.metrics import Metrics
from app.telemetry.request_metrics import RequestMetrics
from loadtests.bench.observing import (
    COSTS,
    FULL,
    LOGGED,
    TRACED,
    UNCOUNTED,
    NotWatchedError,
    costs,
    measure_observing,
    sides,
)
from loadtests.bench.uncounted_server import COUNTED, UncountedMetrics, count_nothing
from loadtests.bench.wrk import WrkRound

RARE = {
    *("seed_routes", "watch_cache", "keys_taken", "model_calibrated", "engine_plan_chosen"),
    *("worker_replaced", "engine_replaced", "watch_queue", "watch_engines", "watch_engine_memory"),
    *("models_served", "models_ended", "shadow_asked"),
}
"""Called at the start, at a scrape, when something breaks or is changed, or beside requests."""


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    rounds = [
        {
            FULL: WrkRound(900, 250e-6),
            UNCOUNTED: WrkRound(1000, 200e-6),
            TRACED: WrkRound(450, 500e-6),
            LOGGED: WrkRound(810, 280e-6),
        },
        {
            FULL: WrkRound(950, 260e-6),
            UNCOUNTED: WrkRound(1000, 210e-6),
            TRACED: WrkRound(855, 300e-6),
            LOGGED: WrkRound(760, 290e-6),
        },
    ]
    metrics, traces, log = costs(rounds)
    assert [metrics.least, metrics.greatest] == pytest.approx([0.9, 0.95])
    assert metrics.details == {"requests_per_second": [925, 1000], "cpu_us_a_request": [255, 205]}
    assert [traces.least, traces.greatest] == pytest.approx([0.5, 0.9])
    assert (metrics.verdict, traces.verdict, log.verdict) == ("met", "missed", "no target")
    assert [log.least, log.greatest] == pytest.approx([0.8, 0.9])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_the_sides_are_served_and_watched() -> None:
    """Traces that are not sent, or lines that are not written, would cost nothing."""
    found = measure_observing(Console(quiet=True), 1, 2, 1)
    assert [each.name for each in found] == list(COSTS)
    assert all(rate > 0 for each in found for rate in each.details["requests_per_second"])


@pytest.mark.slow
def test_what_does_not_happen_has_no_cost() -> None:
    """Spans are sent when a request came; none came."""
    with pytest.raises(NotWatchedError, match="0 exports of spans, 0 lines of requests"), sides():
        pass


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
