"""What a scenario says of what it measured."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from loadtests.mlperf.command import report_of
from loadtests.mlperf.log import LoadGenLog
from loadtests.mlperf.scenarios import ScenarioFigure
from loadtests.report.timeline import LoadPoint

CURVE = [(0.5, 0.01), (0.9, 0.02)]
WHAT = "highest rate at p99 within 500 ms"


def figure(value: float | None, why_not: str = "", **details: Any) -> ScenarioFigure:
    is_valid = not why_not
    return ScenarioFigure("Server", "stilts", WHAT, value, "queries/s", is_valid, why_not, details)


def test_a_figure_has_a_verdict_a_value_and_a_unit() -> None:
    assert str(figure(60.0)) == f"PASS: Server stilts: {WHAT}: 60 queries/s"
    assert str(figure(60.0, "late")) == f"FAIL: Server stilts: {WHAT}: 60 queries/s; late"


def test_a_rate_that_was_not_measured_was_0_queries_a_second() -> None:
    unknown = figure(None, "even 4 queries/s are too many")
    assert str(unknown) == (
        f"FAIL: Server stilts: {WHAT}: not measured; even 4 queries/s are too many"
    )
    [table] = report_of([unknown]).tables
    assert table.rows[0][3:] == (
        "not measured",
        "queries/s",
        "FAIL: even 4 queries/s are too many",
    )
    assert report_of([unknown]).data["figures"][0]["value"] is None


def test_the_report_of_loadgens_scenarios_had_no_plots() -> None:
    tried = [asdict(LoadPoint(30, 5, 9, True)), asdict(LoadPoint(60, 9, 900, False))]
    found = report_of(
        [
            figure(30.0, tried=tried, bound_ms=500.0),
            figure(None, "too few queries", tried=[], bound_ms=500.0),
            ScenarioFigure("SingleStream", "stilts", "p90", 9.0, "ms", True, "", {"curve": CURVE}),
        ]
    )
    assert [title for title, _ in found.plots] == [
        "Server stilts: latency against offered load",
        "Distributions of queries",
    ]
    assert "highest valid rate: 30" in found.plots[0][1]
    assert "SingleStream stilts" in found.plots[1][1]


def test_the_curve_of_a_run_is_made_of_loadgens_percentiles() -> None:
    values = {
        "result_90.00_percentile_latency_ns": 20_000_000,
        "result_50.00_percentile_per_query_latency_ns": 10_000_000,
        "result_mean_latency_ns": 1,
    }
    assert LoadGenLog(values).curve == CURVE
