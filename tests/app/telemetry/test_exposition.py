"""Whatever a scraper sends as ``Accept``, it gets metrics, in a format that it can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.telemetry.exposition import OPENMETRICS, TEXT, wants_openmetrics
from app.telemetry.metrics import Metrics

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    "accept",
    [
        PROMETHEUS_2,
        PROMETHEUS_3,
        "application/openmetrics-text",
        'Application/OpenMetrics-Text; Version="1.0.0"',
        "application/openmetrics-text;q=0.5, text/plain;q=0.5",
        "text/plain;q=0.2, application/openmetrics-text;q=0.3",
        "application/openmetrics-text;q=0.5, */*;q=0.1",
    ],
)
def test_openmetrics_where_it_is_preferred(accept: str) -> None:
    assert wants_openmetrics(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        "text/plain",
        "application/json",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.1,text/plain",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;version=99",
        "application/openmetrics-text;version=one",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        ",,;;=,",
    ],
)
def test_text_everywhere_else(accept: str) -> None:
    assert not wants_openmetrics(accept)


@given(st.text())
def test_no_header_is_an_error(accept: str) -> None:
    wants_openmetrics(accept)


def test_both_formats_are_what_they_say() -> None:
    metrics = Metrics(["direct"])
    body, content_type = metrics.exposition(PROMETHEUS_2)
    assert content_type == OPENMETRICS
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]
    assert "xcopa_items" in {family.name for family in families}
    body, content_type = metrics.exposition("text/html,*/*")
    assert content_type == TEXT
    assert "xcopa_items" in {family.name for family in parse_text(body.decode())}
