"""Batches are counted and measured; the queue and the engines are read at every scrape."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from app.telemetry.batch_metrics import BatchCounts, resident_bytes
from app.telemetry.declared_batching import REASONS
from app.telemetry.metrics import Metrics
from tests.app.telemetry.scraping import MODELS, value

COUNTS = BatchCounts(rows=6, tokens=170, computed=176, padded=240)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(MODELS)


@pytest.mark.parametrize("reason", REASONS)
def test_a_batch_is_counted_by_its_reason_and_measured(metrics: Metrics, reason: str) -> None:
    metrics.batch_done("direct", COUNTS, reason=reason, seconds=0.75)
    assert value(metrics, "xcopa_batches_total", model="direct", reason=reason) == 1
    assert value(metrics, "xcopa_batch_duration_seconds_sum", model="direct") == 0.75
    assert value(metrics, "xcopa_batch_rows_sum", model="direct") == 6
    assert value(metrics, "xcopa_batch_tokens_sum", model="direct") == 170
    assert value(metrics, "xcopa_batch_computed_tokens_total", model="direct") == 176
    assert value(metrics, "xcopa_batch_padded_tokens_total", model="direct") == 240
    assert value(metrics, "xcopa_batch_rows_bucket", model="direct", le="4.0") == 0
    assert value(metrics, "xcopa_batch_rows_bucket", model="direct", le="8.0") == 1


def test_a_batch_is_held_against_its_estimate_where_that_says_something(metrics: Metrics) -> None:
    metrics.batch_done("direct", COUNTS, reason="drained", seconds=0.75)
    assert value(metrics, "xcopa_batch_estimate_ratio_count", model="direct") == 0
    metrics.batch_done("direct", COUNTS, reason="drained", seconds=0.75, estimated=0.5)
    assert value(metrics, "xcopa_batch_estimate_ratio_sum", model="direct") == 1.5


def test_a_calibrated_model_says_what_its_batches_cost(metrics: Metrics) -> None:
    metrics.model_calibrated("stilts", batch_tokens=512, fixed_seconds=0.25, token_seconds=0.5)
    assert value(metrics, "xcopa_batch_token_budget", model="stilts") == 512
    assert value(metrics, "xcopa_service_curve_fixed_seconds", model="stilts") == 0.25
    assert value(metrics, "xcopa_service_curve_token_seconds", model="stilts") == 0.5
    assert value(metrics, "xcopa_batch_token_budget", model="direct") == 0


def test_the_queue_is_read_at_every_scrape(metrics: Metrics) -> None:
    waiting = {"direct": (2, 60), "stilts": (1, 25)}
    rows = {"direct": 5, "stilts": 2}
    metrics.watch_queue(waiting.__getitem__, rows.__getitem__, lambda: 1.5, lambda: 0.75, 10.0)
    assert value(metrics, "xcopa_queue_items", model="direct") == 2
    assert value(metrics, "xcopa_queue_rows", model="direct") == 5
    assert value(metrics, "xcopa_queue_rows", model="stilts") == 2
    assert value(metrics, "xcopa_queue_tokens", model="direct") == 60
    assert value(metrics, "xcopa_queue_tokens", model="stilts") == 25
    assert value(metrics, "xcopa_queue_seconds") == 1.5
    assert value(metrics, "xcopa_queue_limit_seconds") == 10
    assert value(metrics, "xcopa_service_pace_ratio") == 0.75
    waiting["stilts"] = (0, 0)
    assert value(metrics, "xcopa_queue_items", model="stilts") == 0


def test_engines_are_counted_by_state_beside_those_that_there_should_be(metrics: Metrics) -> None:
    metrics.watch_engines(4, lambda: 3, lambda: 2)
    assert value(metrics, "xcopa_engines") == 3
    assert value(metrics, "xcopa_engines_planned") == 4
    states = {
        state: value(metrics, "xcopa_engine_states", state=state)
        for state in ("idle", "busy", "missing")
    }
    assert states == {"idle": 1, "busy": 2, "missing": 1}


def test_the_number_of_engines_says_what_was_gained_by_measuring_it(metrics: Metrics) -> None:
    metrics.engine_plan_chosen(4, 2, 1.25)
    assert value(metrics, "xcopa_engine_plan_gain_ratio", engines="4", threads="2") == 1.25


def test_a_replaced_worker_and_a_replaced_engine_are_counted(metrics: Metrics) -> None:
    metrics.worker_replaced()
    metrics.engine_replaced(1)
    metrics.engine_ran(1, 0.5)
    assert value(metrics, "xcopa_worker_restarts_total") == 1
    assert value(metrics, "xcopa_engine_restarts_total", engine="1") == 1
    assert value(metrics, "xcopa_engine_busy_seconds_total", engine="1") == 0.5


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the process is described by /proc")
def test_the_memory_of_an_engine_is_that_of_its_process(metrics: Metrics) -> None:
    metrics.watch_engine_memory(2, lambda: {0: os.getpid()})
    resident = psutil.Process().memory_info().rss
    assert value(metrics, "xcopa_engine_memory_bytes", engine="0") == pytest.approx(resident, 0.1)
    assert value(metrics, "xcopa_engine_memory_bytes", engine="1") == 0, "it is being replaced"


def test_a_process_that_has_ended_has_no_memory() -> None:
    assert resident_bytes(None) == 0
    assert resident_bytes(2**22 + 1) == 0
