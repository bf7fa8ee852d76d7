"""Spans: one tree a call, on the times that the call was given; nothing without a collector."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.process import set_environment
from app.telemetry.tracing import (
    BatchTrace,
    ItemTrace,
    Tracing,
    provider_from_environment,
    trace_ids,
)

VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
)
NANOSECOND = 1e-9
TOLERANCE_NS = 2_000
"""A time on the monotonic clock is a float of seconds; its conversion rounds."""


def item(model: str, admitted_at: float, **changes: Any) -> ItemTrace:
    made = ItemTrace(
        model=model,
        admitted_at=admitted_at,
        sealed_at=admitted_at + 0.25,
        ended_at=admitted_at + 0.75,
        outcome="answered",
    )
    return replace(made, **changes)


BATCH = BatchTrace(
    model="stilts",
    sealed_at=10.0,
    began_at=10.25,
    ended_at=10.75,
    reason="drained",
    items=2,
    tokens=56,
)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


@pytest.fixture
def tracing(provider: TracerProvider) -> Tracing:
    return Tracing(provider)


@pytest.fixture
def request_span(provider: TracerProvider) -> Iterator[trace.Span]:
    with provider.get_tracer("test").start_as_current_span("request") as made:
        yield made


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) * NANOSECOND


def test_the_stages_of_each_item_stand_below_its_request(
    tracing: Tracing, exporter: InMemorySpanExporter, request_span: trace.Span
) -> None:
    tracing.tokenised(10.0, 10.1)
    tracing.items([item("direct", 10.1), item("stilts", 10.1)])
    spans = exporter.get_finished_spans()
    assert sorted(span.name for span in spans) == [
        *("xcopa.inference", "xcopa.inference", "xcopa.queue", "xcopa.queue", "xcopa.tokenise")
    ]
    assert all(span.parent == request_span.get_span_context() for span in spans)
    [queue, _] = named(exporter, "xcopa.queue")
    assert queue.attributes == {"xcopa.model": "direct", "xcopa.outcome": "answered"}


def test_spans_last_as_long_as_their_stages(
    tracing: Tracing, exporter: InMemorySpanExporter, request_span: trace.Span
) -> None:
    tracing.tokenised(10.0, 10.125)
    tracing.items([item("direct", 10.125)])
    tracing.batch(BATCH, [request_span.get_span_context()])
    lengths = {span.name: seconds(span) for span in exporter.get_finished_spans()}
    assert lengths == pytest.approx(
        {
            "xcopa.tokenise": 0.125,
            "xcopa.queue": 0.25,
            "xcopa.inference": 0.5,
            "xcopa.batch": 0.75,
            "xcopa.engine": 0.5,
        },
        abs=TOLERANCE_NS * NANOSECOND,
    )


def test_an_item_that_never_was_in_a_batch_has_waited_and_no_more(
    tracing: Tracing, exporter: InMemorySpanExporter, request_span: trace.Span
) -> None:
    tracing.items([item("direct", 10.0, sealed_at=None, outcome="expired")])
    [span] = exporter.get_finished_spans()
    assert span.name == "xcopa.queue"
    assert seconds(span) == pytest.approx(0.75, abs=TOLERANCE_NS * NANOSECOND)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "expired")


def test_a_batch_says_which_model_ran_it_why_and_how_much_and_whom_it_served(
    tracing: Tracing, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    tracer = provider.get_tracer("test")
    requests = [tracer.start_span(f"request {n}").get_span_context() for n in range(3)]
    made = tracing.batch(BATCH, requests)
    [batch] = named(exporter, "xcopa.batch")
    assert made == batch.context
    assert batch.attributes == {
        "xcopa.model": "stilts",
        "xcopa.batch.reason": "drained",
        "xcopa.batch.items": 2,
        "xcopa.batch.tokens": 56,
    }
    assert [link.context for link in batch.links] == requests
    assert batch.parent == requests[0], "so that it is sampled with one of them"
    [engine] = named(exporter, "xcopa.engine")
    assert engine.parent == batch.context


def test_an_item_is_linked_to_its_batch(
    tracing: Tracing, exporter: InMemorySpanExporter, request_span: trace.Span
) -> None:
    batch = tracing.batch(BATCH, [request_span.get_span_context()])
    tracing.items([item("stilts", 10.0, batch=batch)])
    [inference] = named(exporter, "xcopa.inference")
    assert [link.context for link in inference.links] == [batch]


def test_a_batch_of_which_no_request_is_kept_is_not_kept(
    tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    assert tracing.batch(BATCH, []) is None
    assert exporter.get_finished_spans() == ()


def test_stages_of_a_request_that_the_sampler_left_out_are_left_out(
    exporter: InMemorySpanExporter,
) -> None:
    provider = TracerProvider(sampler=sampling.ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    with provider.get_tracer("test").start_as_current_span("request"):
        assert tracing.request() is None
        tracing.tokenised(10.0, 10.1)
        tracing.items([item("direct", 10.1)])
    assert exporter.get_finished_spans() == ()


def test_the_span_of_a_request_is_named_after_its_route(
    tracing: Tracing, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    with provider.get_tracer("test").start_as_current_span("POST /v2/models/a/infer"):
        tracing.answered("POST", "/v2/models/{name}/infer", {"xcopa.request_id": "abc"})
    [span] = exporter.get_finished_spans()
    assert span.name == "POST /v2/models/{name}/infer"
    assert span.attributes == {
        "http.route": "/v2/models/{name}/infer",
        "xcopa.request_id": "abc",
    }


def test_the_caller_is_told_the_trace_and_the_log_has_it(request_span: trace.Span) -> None:
    context = request_span.get_span_context()
    trace_id, span_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    flags = f"{context.trace_flags:02x}"
    others = f"00-{'a' * 32}-{'b' * 16}-01"
    ids, headers = trace_ids(others)
    assert ids == {"trace_id": trace_id, "span_id": span_id}
    assert headers == [(b"traceresponse", f"00-{trace_id}-{span_id}-{flags}".encode())]


def test_without_traces_the_log_has_the_caller_s_and_nothing_is_told() -> None:
    assert trace_ids(f"00-{'a' * 32}-{'b' * 16}-01") == ({"trace_id": "a" * 32}, [])
    assert trace_ids("nonsense") == ({}, [])


def test_monotonic_times_become_times_of_the_clock_on_the_wall(
    tracing: Tracing,
    exporter: InMemorySpanExporter,
    request_span: trace.Span,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000_000_000)
    tracing.tokenised(90.0, 92.0)
    [span] = exporter.get_finished_spans()
    assert span.start_time == 4_990_000_000_000
    assert span.end_time == 4_992_000_000_000


def test_without_a_provider_nothing_is_left_and_closing_is_allowed() -> None:
    tracing = Tracing()
    tracing.tokenised(10.0, 10.1)
    tracing.items([item("direct", 10.1)])
    tracing.answered("POST", "/predict/xcopa", {})
    assert tracing.batch(BATCH, []) is None
    assert tracing.request() is None
    tracing.close()


def test_closing_sends_what_waits_and_ends_the_provider(
    tracing: Tracing, exporter: InMemorySpanExporter, request_span: trace.Span
) -> None:
    tracing.tokenised(10.0, 10.1)
    tracing.close()
    exporter.clear()
    tracing.tokenised(10.0, 10.1)
    assert exporter.get_finished_spans() == ()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)


def test_no_endpoint_and_no_exporter_mean_no_provider() -> None:
    assert provider_from_environment("1.2.3") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [*((name, "http://127.0.0.1:9") for name in VARIABLES[:2]), (VARIABLES[2], "otlp")],
)
def test_an_endpoint_or_an_exporter_makes_a_provider_named_after_the_service(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    provider = provider_from_environment("1.2.3")
    assert provider is not None
    assert provider.resource.attributes[SERVICE_NAME] == "xcopa"
    provider.shutdown()


def test_the_service_s_name_is_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[0], "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "xcopa-blue")
    provider = provider_from_environment("1.2.3")
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
    provider.get_tracer("test").start_span("call").end()
    Tracing(provider).close()
    exporter.given_up.set()
    assert "did not take the last spans" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "True"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_the_standard_switches_turn_it_off(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLES[0], "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert provider_from_environment("1.2.3") is None
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf and grpc"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "zipkin"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "http/protobuf and grpc"),
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
    monkeypatch.setenv(VARIABLES[0], "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert provider_from_environment("1.2.3") is None
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
    monkeypatch.setenv(VARIABLES[0], "http://127.0.0.1:9")
    provider = provider_from_environment("1.2.3")
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
