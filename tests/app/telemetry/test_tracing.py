"""Spans: one tree a call, on the times that the call was given; nothing without a collector."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.process import set_environment
from app.telemetry.tracing import ItemTrace, Tracing, provider_from_environment

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NANOSECOND = 1e-9
TOLERANCE_NS = 2_000
"""A time on the monotonic clock is a float of seconds; its conversion rounds."""


def item(model: str, admitted_at: float) -> ItemTrace:
    return ItemTrace(
        model=model,
        admitted_at=admitted_at,
        sealed_at=admitted_at + 0.25,
        answered_at=admitted_at + 0.75,
        batch_reason="drained",
        batch_items=2,
        batch_tokens=56,
    )


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def duration(span: ReadableSpan) -> int:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.end_time - span.start_time


def test_a_call_has_its_tokenising_and_the_wait_and_batch_of_each_item_below_it(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    tracing.call(10.0, 10.1, 11.0, [item("direct", 10.1), item("stilts", 10.1)])
    [call] = named(exporter, "xcopa.call")
    below = [span for span in exporter.get_finished_spans() if span is not call]
    assert sorted(span.name for span in below) == [
        *("xcopa.batch", "xcopa.batch", "xcopa.queue", "xcopa.queue", "xcopa.tokenise")
    ]
    assert call.parent is None
    assert {span.parent.span_id for span in below if span.parent} == {call.context.span_id}


def test_it_says_of_a_batch_which_model_ran_it_why_and_how_much(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    tracing.call(10.0, 10.1, 11.0, [item("stilts", 10.1)])
    [batch] = named(exporter, "xcopa.batch")
    assert batch.attributes == {
        "xcopa.model": "stilts",
        "xcopa.batch.reason": "drained",
        "xcopa.batch.items": 2,
        "xcopa.batch.tokens": 56,
    }
    [queue] = named(exporter, "xcopa.queue")
    assert queue.attributes == {"xcopa.model": "stilts"}
    [call] = named(exporter, "xcopa.call")
    assert call.attributes == {"xcopa.items": 1}


def test_spans_last_as_long_as_their_stages(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    tracing.call(10.0, 10.125, 11.0, [item("direct", 10.125)])
    lengths = {span.name: duration(span) * NANOSECOND for span in exporter.get_finished_spans()}
    assert lengths == pytest.approx(
        {"xcopa.call": 1.0, "xcopa.tokenise": 0.125, "xcopa.queue": 0.25, "xcopa.batch": 0.5},
        abs=TOLERANCE_NS * NANOSECOND,
    )


def test_monotonic_times_become_times_of_the_clock_on_the_wall(
    tracing: Tracing, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000_000_000)
    tracing.call(90.0, 91.0, 92.0, [])
    [call] = named(exporter, "xcopa.call")
    assert call.start_time == 4_990_000_000_000
    assert call.end_time == 4_992_000_000_000


def test_a_call_stands_below_the_span_of_its_request(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    assert tracing.provider is not None
    with tracing.provider.get_tracer("test").start_as_current_span("request") as request:
        tracing.call(10.0, 10.1, 11.0, [])
    [call] = named(exporter, "xcopa.call")
    assert call.parent is not None
    assert call.parent.span_id == request.get_span_context().span_id
    assert not trace.get_current_span().is_recording()


def test_without_a_provider_a_call_leaves_nothing_and_closing_is_allowed() -> None:
    tracing = Tracing()
    tracing.call(10.0, 10.1, 11.0, [item("direct", 10.1)])
    tracing.close()


def test_closing_sends_what_waits_and_ends_the_provider(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    tracing.call(10.0, 10.1, 11.0, [])
    tracing.close()
    exporter.clear()
    tracing.call(10.0, 10.1, 11.0, [])
    assert exporter.get_finished_spans() == ()


def test_no_endpoint_means_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert provider_from_environment() is None


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_either_endpoint_makes_a_provider_named_after_the_service(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*ENDPOINTS, "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(endpoint, "http://127.0.0.1:9")
    provider = provider_from_environment()
    assert provider is not None
    assert provider.resource.attributes[SERVICE_NAME] == "xcopa"
    provider.shutdown()


def test_the_service_s_name_is_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "xcopa-blue")
    provider = provider_from_environment()
    assert provider is not None
    assert provider.resource.attributes[SERVICE_NAME] == "xcopa-blue"
    provider.shutdown()


class NeverTaking(SpanExporter):
    """A collector that accepts and never answers."""

    def __init__(self) -> None:
        self.given_up = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.given_up.wait()
        return SpanExportResult.FAILURE


def test_a_collector_that_never_answers_does_not_hold_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.telemetry.tracing.CLOSE_S", 0.1)
    exporter = NeverTaking()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracing = Tracing(provider)
    tracing.call(10.0, 10.1, 11.0, [])
    tracing.close()
    exporter.given_up.set()
    assert "did not take the last spans" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "True"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_the_standard_switches_turn_it_off(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert provider_from_environment() is None
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "no URL"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "://", "no URL"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "max_queue_size"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-3", "schedule_delay"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
    ],
)
def test_a_variable_that_cannot_be_followed_is_a_warning_and_no_traces(
    name: str,
    value: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert provider_from_environment() is None
    assert "no traces are sent" in caplog.text
    assert says in caplog.text


def test_requests_make_spans_only_where_there_is_a_provider() -> None:
    with_one, without = Starlette(), Starlette()
    provider = TracerProvider()
    Tracing(provider).add_to(with_one)
    Tracing().add_to(without)
    assert (len(with_one.user_middleware), len(without.user_middleware)) == (1, 0)
    provider.shutdown()


def test_what_a_caller_sends_is_not_kept_at_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans wait in memory for the collector, by the thousand, with paths and user agents."""
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    provider = provider_from_environment()
    assert provider is not None
    span = provider.get_tracer("test").start_span("call", attributes={"url": "x" * 30_000})
    assert isinstance(span, ReadableSpan)
    assert span.attributes is not None
    assert span.attributes["url"] == "x" * 1_024
    provider.shutdown()


def test_keys_are_left_out_where_an_operator_has_headers_recorded(
    tracing: Tracing, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    set_environment()
    application = Starlette()
    tracing.add_to(application)
    headers = {"Authorization": "Bearer k-1", "X-API-Key": "k-1", "X-Other": "shown"}
    TestClient(application).get("/", headers=headers)
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert "shown" in told
    assert "k-1" not in told
