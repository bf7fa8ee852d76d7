"""The table of metrics keeps the conventions of Prometheus, and its queries can be asked."""

from __future__ import annotations

import itertools
from typing import TypeVar

import promql_parser as promql
import pytest
from prometheus_client import Counter, Gauge, Histogram

from app.api.problem import HttpError
from app.errors import CallFailedError, ServiceError
from app.serving import admission
from app.serving.work import Outcome, Reason
from app.telemetry.declaration import (
    BATCH_OBJECTIVE_S,
    SECONDS,
    SINGLE_OBJECTIVE_S,
    AnyDeclaration,
    Declaration,
)
from app.telemetry.declarations import DECLARATIONS
from app.telemetry.declared_batching import REASONS
from app.telemetry.declared_requests import OUTCOMES, PROBLEMS, REFUSALS

Error = TypeVar("Error", bound=Exception)

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


@each
def test_the_query_rates_before_it_sums(metric: AnyDeclaration) -> None:
    """Else a restart, or a second service on the machine, is a step of the sum."""
    if metric.kind is Gauge:
        assert "rate(" not in metric.query
        return
    calls: list[promql.Call] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.Call) and node.func.name in {"rate", "increase"}:
            calls.append(node)

    promql.walk(promql.parse(metric.query), visit)
    assert calls
    assert all(isinstance(call.args[0], promql.MatrixSelector) for call in calls)


def test_times_are_in_buckets_from_a_tenth_of_a_millisecond_with_the_objectives_as_bounds() -> None:
    assert (SECONDS[0], SECONDS[-1]) == (0.0001, 30.0)
    assert {SINGLE_OBJECTIVE_S, BATCH_OBJECTIVE_S} <= set(SECONDS)
    steps = [above / below for below, above in itertools.pairwise(SECONDS)]
    assert max(steps) < 3.1
    assert min(steps) > 1.9


def test_a_histogram_is_stored_as_buckets_sum_and_count() -> None:
    metric = Declaration(Histogram, "x_seconds", "", "seconds", "x_seconds_sum", labels=("model",))
    assert metric.series == {
        "x_seconds_bucket": {"model", "le"},
        "x_seconds_sum": {"model"},
        "x_seconds_count": {"model"},
    }


def test_all_combinations_of_two_labels_are_seeded() -> None:
    metric = Declaration(
        Counter,
        "x_total",
        "",
        "x",
        "",
        labels=("model", "a", "b"),
        seeds=("1", "2"),
        more_seeds=("3", "4"),
    )
    assert metric.seeded == (("1", "3"), ("1", "4"), ("2", "3"), ("2", "4"))


def subclasses(of: type[Error]) -> set[type[Error]]:
    direct = set(of.__subclasses__())
    return direct.union(*(subclasses(each) for each in direct))


def test_problems_are_those_of_the_tree_of_errors() -> None:
    shown = subclasses(ServiceError) - {HttpError, CallFailedError}
    own = {each for each in shown if each.__module__ == ServiceError.__module__}
    assert set(PROBLEMS) == {each.slug for each in own} | {"http"}


def test_refusals_are_those_of_admission_and_two_before_it() -> None:
    reasons = {each.reason for each in subclasses(admission.AdmissionError)}
    assert set(REFUSALS) == reasons | {"tokenising", "key_limit", "other"}


def test_reasons_and_outcomes_are_those_of_the_scheduler() -> None:
    assert set(REASONS) == {reason.value for reason in Reason}
    assert set(OUTCOMES) > {outcome.value for outcome in Outcome}
