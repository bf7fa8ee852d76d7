"""What a scenario says of what it measured."""

from __future__ import annotations

from loadtests.mlperf.command import report_of
from loadtests.mlperf.scenarios import ScenarioFigure

WHAT = "highest rate at p99 within 500 ms"


def figure(value: float | None, why_not: str = "") -> ScenarioFigure:
    return ScenarioFigure("Server", "stilts", WHAT, value, "queries/s", not why_not, why_not, {})


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
