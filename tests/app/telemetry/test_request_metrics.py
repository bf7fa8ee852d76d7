"""Requests, and the items in them, are counted and timed by what happened to them."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from app.telemetry.declared_requests import (
    CACHE_RESULTS,
    OUTCOMES,
    PROBLEMS,
    REFUSALS,
    STAGE_SECONDS,
    STAGES,
)
from app.telemetry.metrics import Metrics
from tests.app.telemetry.scraping import MODELS, scraped, value

ROUTE = "/predict/xcopa"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(MODELS)


def test_each_stage_of_a_request_is_timed_under_its_model_and_route(metrics: Metrics) -> None:
    metrics.request_answered(ROUTE, "direct", (0.0625, 0.125, 0.25, 0.5, 1.0))
    sums = [
        value(metrics, f"{each.name}_sum", model="direct", route=ROUTE) for each in STAGE_SECONDS
    ]
    assert sums == [0.0625, 0.125, 0.25, 0.5, 1.0]
    assert value(metrics, "xcopa_request_duration_seconds_sum", model="stilts", route=ROUTE) is None


def test_a_stage_that_was_not_passed_is_not_timed(metrics: Metrics) -> None:
    metrics.request_answered(ROUTE, "direct", (None, 0.125, None, None, 1.0))
    counts = [
        value(metrics, f"{each.name}_count", model="direct", route=ROUTE) for each in STAGE_SECONDS
    ]
    assert counts == [0, 1, 0, 0, 1]


def test_a_time_on_a_bound_is_in_the_bucket_of_that_bound(metrics: Metrics) -> None:
    metrics.request_answered(ROUTE, "direct", (None, None, None, None, 0.5))
    name = "xcopa_request_duration_seconds_bucket"
    assert value(metrics, name, model="direct", route=ROUTE, le="0.2") == 0
    assert value(metrics, name, model="direct", route=ROUTE, le="0.5") == 1


def test_routes_that_are_known_start_at_zero(metrics: Metrics) -> None:
    metrics.seed_routes([(ROUTE, ["direct"]), ("/compare/xcopa", ["several"])])
    name = "xcopa_queue_duration_seconds_count"
    assert value(metrics, name, model="direct", route=ROUTE) == 0
    assert value(metrics, name, model="several", route="/compare/xcopa") == 0
    assert value(metrics, name, model="stilts", route=ROUTE) is None
    assert value(metrics, "xcopa_http_requests_total", route=ROUTE, status="503") == 0


def test_the_bucket_of_a_request_names_its_trace_in_openmetrics(metrics: Metrics) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    metrics.request_answered(ROUTE, "direct", (None, None, None, None, 0.3), trace)
    body, _ = metrics.exposition("application/openmetrics-text")
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]
    exemplars = {
        sample.labels["le"]: sample.exemplar
        for family in families
        for sample in family.samples
        if sample.name == "xcopa_request_duration_seconds_bucket" and sample.exemplar
    }
    assert list(exemplars) == ["0.5"]
    assert exemplars["0.5"].labels == {"trace_id": trace}
    assert exemplars["0.5"].value == 0.3


def test_responses_are_counted_by_route_and_status(metrics: Metrics) -> None:
    for status in (200, 200, 429):
        metrics.http_answered(ROUTE, status)
    assert value(metrics, "xcopa_http_requests_total", route=ROUTE, status="200") == 2
    assert value(metrics, "xcopa_http_requests_total", route=ROUTE, status="429") == 1


@pytest.mark.parametrize(
    ("slug", "counted"), [("overloaded", "overloaded"), ("not-found", "http"), ("?", "http")]
)
def test_problems_are_counted_by_type_and_those_of_http_together(
    metrics: Metrics, slug: str, counted: str
) -> None:
    metrics.problem_answered(slug)
    found = {each: value(metrics, "xcopa_problems_total", problem=each) for each in PROBLEMS}
    assert found == {each: float(each == counted) for each in PROBLEMS}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_item_is_counted_by_how_it_ended(metrics: Metrics, outcome: str) -> None:
    metrics.item_ended("direct", outcome)
    counted = {
        each: value(metrics, "xcopa_items_total", model="direct", outcome=each) for each in OUTCOMES
    }
    assert counted == {each: float(each == outcome) for each in OUTCOMES}
    assert value(metrics, "xcopa_items_total", model="stilts", outcome=outcome) == 0


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refused_item_has_a_reason(metrics: Metrics, reason: str) -> None:
    metrics.item_refused("direct", reason)
    assert value(metrics, "xcopa_refusals_total", model="direct", reason=reason) == 1
    assert value(metrics, "xcopa_items_total", model="direct", outcome="rejected") == 1


@pytest.mark.parametrize("stage", STAGES)
def test_an_item_that_was_not_answered_has_a_stage(metrics: Metrics, stage: str) -> None:
    metrics.item_expired("direct", stage)
    metrics.item_cancelled("stilts", stage)
    assert value(metrics, "xcopa_expiries_total", model="direct", stage=stage) == 1
    assert value(metrics, "xcopa_items_total", model="direct", outcome="expired") == 1
    assert value(metrics, "xcopa_cancellations_total", model="stilts", stage=stage) == 1
    assert value(metrics, "xcopa_items_total", model="stilts", outcome="cancelled") == 1


@pytest.mark.parametrize(("label", "counted"), [(0, "0"), (1, "1"), (2, "other"), (31, "other")])
def test_a_prediction_is_counted_by_question_and_label(
    metrics: Metrics, label: int, counted: str
) -> None:
    metrics.item_predicted("direct", "effect", label, 0.75)
    labels = {"model": "direct", "question": "effect", "label": counted}
    assert value(metrics, "xcopa_predictions_total", **labels) == 1
    assert value(metrics, "xcopa_items_total", model="direct", outcome="answered") == 1
    assert value(metrics, "xcopa_confidence_ratio_sum", model="direct") == 0.75
    family = scraped(metrics)["xcopa_predictions_total"]
    assert len(family.samples) == len(MODELS) * 2 * 3


def test_items_that_all_models_answered_agree_or_differ(metrics: Metrics) -> None:
    for agree in (True, True, False):
        metrics.items_compared(agree=agree)
    assert value(metrics, "xcopa_comparisons_total", result="agree") == 2
    assert value(metrics, "xcopa_comparisons_total", result="differ") == 1


@pytest.mark.parametrize("result", CACHE_RESULTS)
def test_an_item_is_counted_by_what_the_cache_had(metrics: Metrics, result: str) -> None:
    metrics.cache_asked("stilts", result)
    counted = {
        each: value(metrics, "xcopa_cache_requests_total", model="stilts", result=each)
        for each in CACHE_RESULTS
    }
    assert counted == {each: float(each == result) for each in CACHE_RESULTS}
