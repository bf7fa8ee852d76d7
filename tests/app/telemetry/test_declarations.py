"""The table of metrics keeps the conventions of Prometheus, and its queries can be asked."""

from __future__ import annotations

import promql_parser as promql
import pytest
from prometheus_client import Counter, Histogram

from app.serving.work import Outcome, Reason
from app.telemetry.declarations import DECLARATIONS, OUTCOMES, REASONS, AnyDeclaration, Declaration

each = pytest.mark.parametrize("metric", DECLARATIONS, ids=lambda metric: metric.name)


def series_of(query: str) -> set[str]:
    names: set[str] = set()

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            names.add(str(node.name))

    promql.walk(promql.parse(query), visit)
    return names


def test_no_two_metrics_share_a_name() -> None:
    names = [name for metric in DECLARATIONS for name in metric.series]
    assert len(names) == len(set(names))


@each
def test_names_have_the_prefix_and_counters_end_in_total(metric: AnyDeclaration) -> None:
    assert metric.name.startswith("xcopa_")
    assert metric.name.endswith("_total") is (metric.kind is Counter)


@each
def test_names_end_in_their_base_unit(metric: AnyDeclaration) -> None:
    if metric.unit in {"seconds", "bytes"}:
        assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}")


@each
def test_only_histograms_have_buckets_and_they_ascend(metric: AnyDeclaration) -> None:
    assert bool(metric.buckets) is (metric.kind is Histogram)
    assert list(metric.buckets) == sorted(set(metric.buckets))


@each
def test_the_query_asks_for_the_metric_alone(metric: AnyDeclaration) -> None:
    assert series_of(metric.query) <= set(metric.series)
    assert series_of(metric.query)


def test_a_histogram_is_stored_as_buckets_sum_and_count() -> None:
    metric = Declaration(Histogram, "x_seconds", "", "seconds", "x_seconds_sum", labels=("model",))
    assert metric.series == {
        "x_seconds_bucket": {"model", "le"},
        "x_seconds_sum": {"model"},
        "x_seconds_count": {"model"},
    }


def test_reasons_and_outcomes_are_those_of_the_scheduler() -> None:
    assert set(REASONS) == {reason.value for reason in Reason}
    assert set(OUTCOMES) > {outcome.value for outcome in Outcome}
