"""What a scrape brings: every declared metric, from the start, and what has happened since."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.telemetry.declarations import (
    CACHE_RESULTS,
    DECLARATIONS,
    OUTCOMES,
    REASONS,
    SECONDS,
    AnyDeclaration,
)
from app.telemetry.metrics import Metrics

MODELS = ("direct", "stilts")
KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(MODELS)


def scraped(metrics: Metrics) -> dict[str, Family]:
    """A scrape, as Prometheus's own parser reads it, by the name that the table declares."""
    body, content_type = metrics.exposition("text/plain")
    assert content_type.startswith("text/plain")
    families = list(parse_text(body.decode()))
    return {
        family.name + ("_total" if family.type == "counter" else ""): family for family in families
    }


def value(metrics: Metrics, series: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(series, labels)


def open_ended(metric: AnyDeclaration) -> bool:
    """Whether the values of its labels are known only at run time."""
    return bool(set(metric.labels) - {"model"}) and not metric.seeds


def test_a_scrape_brings_what_is_declared_and_nothing_else_of_ours(metrics: Metrics) -> None:
    names = [name for name in scraped(metrics) if name.startswith("xcopa_")]
    own = {name for name in names if not name.endswith("_created")}
    assert own == {metric.name for metric in DECLARATIONS}


@pytest.mark.parametrize("metric", DECLARATIONS, ids=lambda metric: metric.name)
def test_kind_help_labels_and_buckets_are_as_declared(
    metrics: Metrics, metric: AnyDeclaration
) -> None:
    metrics.model_loaded("direct", "1ba2", batch_tokens=1, fixed_seconds=0.0, token_seconds=0.1)
    metrics.kernel_chosen("direct", "8 to 8, then sum", "torch", 1.0)
    metrics.http_answered("/models", 200)
    metrics.watch_engines(2, lambda: 2)
    metrics.engine_plan_chosen(2, 1, 1.0)
    metrics.keys_taken(["alice"])
    family = scraped(metrics)[metric.name]
    assert KINDS[family.type] is metric.kind
    assert family.documentation == metric.help
    stored = {
        sample.name: frozenset(sample.labels)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    assert stored == metric.series
    bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
    assert bounds - {float("inf")} == set(metric.buckets)


@pytest.mark.parametrize(
    "metric", [m for m in DECLARATIONS if not open_ended(m)], ids=lambda metric: metric.name
)
def test_every_series_is_there_at_zero_from_the_start(
    metrics: Metrics, metric: AnyDeclaration
) -> None:
    samples = [
        sample
        for sample in scraped(metrics)[metric.name].samples
        if sample.name in metric.series and "le" not in sample.labels
    ]
    children = {tuple(sample.labels.values()) for sample in samples}
    models = len(MODELS) if "model" in metric.labels else 1
    assert len(children) == models * max(1, len(metric.seeds))
    assert {sample.value for sample in samples} == {0.0}


@pytest.mark.parametrize(
    "metric", [m for m in DECLARATIONS if open_ended(m)], ids=lambda metric: metric.name
)
def test_labels_known_only_at_run_time_have_no_series_yet(
    metrics: Metrics, metric: AnyDeclaration
) -> None:
    assert scraped(metrics)[metric.name].samples == []


def test_openmetrics_is_spoken_where_it_is_asked_for(metrics: Metrics) -> None:
    body, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]
    names = {family.name for family in families}
    assert "xcopa_items" in names


def test_a_browser_gets_text(metrics: Metrics) -> None:
    assert metrics.exposition("text/html,*/*")[1].startswith("text/plain")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the process is described by /proc")
def test_a_scrape_describes_the_process_too(metrics: Metrics) -> None:
    names = set(scraped(metrics))
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "python_info"} <= names


def test_a_loaded_model_says_its_revision_and_what_its_batches_cost(metrics: Metrics) -> None:
    metrics.model_loaded("stilts", "1ba2", batch_tokens=512, fixed_seconds=0.25, token_seconds=0.5)
    assert value(metrics, "xcopa_model_info", model="stilts", revision="1ba2") == 1
    assert value(metrics, "xcopa_batch_token_budget", model="stilts") == 512
    assert value(metrics, "xcopa_service_curve_fixed_seconds", model="stilts") == 0.25
    assert value(metrics, "xcopa_service_curve_token_seconds", model="stilts") == 0.5
    assert value(metrics, "xcopa_batch_token_budget", model="direct") == 0


def test_a_layer_shape_says_its_kernel_and_what_was_gained(metrics: Metrics) -> None:
    metrics.kernel_chosen("stilts", "384 to 384, then sum", "onednn", 1.25)
    labels = {"model": "stilts", "layer": "384 to 384, then sum", "kernel": "onednn"}
    assert value(metrics, "xcopa_linear_kernel_gain_ratio", **labels) == 1.25


def test_engines_are_counted_beside_those_that_there_should_be(metrics: Metrics) -> None:
    metrics.watch_engines(3, lambda: 2)
    assert value(metrics, "xcopa_engines") == 2
    assert value(metrics, "xcopa_engines_planned") == 3


def test_the_number_of_engines_says_what_was_gained_by_measuring_it(metrics: Metrics) -> None:
    metrics.engine_plan_chosen(4, 2, 1.25)
    assert value(metrics, "xcopa_engine_plan_gain_ratio", engines="4", threads="2") == 1.25


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_item_is_counted_by_how_it_ended(metrics: Metrics, outcome: str) -> None:
    metrics.item_ended("direct", outcome)
    counted = {
        each: value(metrics, "xcopa_items_total", model="direct", outcome=each) for each in OUTCOMES
    }
    assert counted == {each: float(each == outcome) for each in OUTCOMES}
    assert value(metrics, "xcopa_items_total", model="stilts", outcome=outcome) == 0


@pytest.mark.parametrize("result", CACHE_RESULTS)
def test_an_item_is_counted_by_what_the_cache_had(metrics: Metrics, result: str) -> None:
    metrics.cache_asked("stilts", result)
    counted = {
        each: value(metrics, "xcopa_cache_requests_total", model="stilts", result=each)
        for each in CACHE_RESULTS
    }
    assert counted == {each: float(each == result) for each in CACHE_RESULTS}


def test_the_times_of_an_answered_item_are_kept_apart(metrics: Metrics) -> None:
    metrics.item_answered("direct", queue=0.5, total=2.0)
    metrics.call_tokenised("direct", 0.125)
    sums = {
        stage: value(metrics, f"xcopa_{stage}_duration_seconds_sum", model="direct")
        for stage in ("queue", "request", "tokenise", "inference")
    }
    assert sums == {"queue": 0.5, "request": 2.0, "tokenise": 0.125, "inference": 0.0}


@pytest.mark.parametrize("reason", REASONS)
def test_a_batch_is_counted_by_its_reason_and_measured(metrics: Metrics, reason: str) -> None:
    metrics.batch_done("direct", rows=6, tokens=170, reason=reason, seconds=0.75)
    assert value(metrics, "xcopa_batches_total", model="direct", reason=reason) == 1
    assert value(metrics, "xcopa_inference_duration_seconds_sum", model="direct") == 0.75
    assert value(metrics, "xcopa_batch_rows_sum", model="direct") == 6
    assert value(metrics, "xcopa_batch_tokens_sum", model="direct") == 170
    assert value(metrics, "xcopa_batch_rows_bucket", model="direct", le="4.0") == 0
    assert value(metrics, "xcopa_batch_rows_bucket", model="direct", le="8.0") == 1


def test_a_value_on_a_bound_is_in_the_bucket_of_that_bound(metrics: Metrics) -> None:
    metrics.call_tokenised("direct", SECONDS[3])
    name = "xcopa_tokenise_duration_seconds_bucket"
    assert value(metrics, name, model="direct", le=str(SECONDS[2])) == 0
    assert value(metrics, name, model="direct", le=str(SECONDS[3])) == 1


def test_a_replaced_worker_is_counted(metrics: Metrics) -> None:
    metrics.worker_replaced()
    assert value(metrics, "xcopa_worker_restarts_total") == 1


def test_responses_are_counted_by_route_and_status(metrics: Metrics) -> None:
    for status in (200, 200, 429):
        metrics.http_answered("/predict/xcopa", status)
    name, route = "xcopa_http_requests_total", "/predict/xcopa"
    assert value(metrics, name, route=route, status="200") == 2
    assert value(metrics, name, route=route, status="429") == 1


def test_what_is_watched_is_read_at_every_scrape(metrics: Metrics) -> None:
    waiting = {"direct": (2, 60), "stilts": (1, 25)}
    ready = [False]
    metrics.watch_queue(waiting.__getitem__, lambda: 1.5)
    metrics.watch_cache(lambda: 4_096)
    metrics.watch_ready(lambda: ready[0])
    assert value(metrics, "xcopa_queue_items", model="direct") == 2
    assert value(metrics, "xcopa_queue_tokens", model="direct") == 60
    assert value(metrics, "xcopa_queue_tokens", model="stilts") == 25
    assert value(metrics, "xcopa_queue_seconds") == 1.5
    assert value(metrics, "xcopa_cache_bytes") == 4_096
    assert value(metrics, "xcopa_ready") == 0
    waiting["stilts"], ready[0] = (0, 0), True
    assert value(metrics, "xcopa_queue_items", model="stilts") == 0
    assert value(metrics, "xcopa_ready") == 1


@pytest.mark.parametrize(
    ("model", "outcome"), [("direct", "lost"), ("other", "answered")], ids=["outcome", "model"]
)
def test_a_label_that_is_not_declared_is_an_error_and_no_new_series(
    metrics: Metrics, model: str, outcome: str
) -> None:
    with pytest.raises(KeyError):
        metrics.item_ended(model, outcome)
    assert value(metrics, "xcopa_items_total", model=model, outcome=outcome) is None


def test_two_applications_in_one_process_count_apart(metrics: Metrics) -> None:
    other = Metrics(MODELS)
    other.item_ended("direct", "answered")
    assert value(metrics, "xcopa_items_total", model="direct", outcome="answered") == 0
