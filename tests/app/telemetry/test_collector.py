"""Spans go to a real collector over HTTP and gRPC; what cannot be followed is refused by name."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from app.telemetry.collector import provider
from tests.collector import Collector

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
TRACES_PROTOCOL = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
EXPORTER = "OTEL_TRACES_EXPORTER"

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


def send(name: str) -> None:
    """Send a span of that name, and wait until the collector has it."""
    made = provider("1.2.3")
    made.get_tracer("test").start_span(name).end()
    assert made.force_flush()
    made.shutdown()


def test_a_span_reaches_the_collector_with_the_name_of_the_service(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.http)
    send("call")
    assert collector.paths == ["/v1/traces"]
    assert collector.resource["service.name"] == "xcopa"
    assert collector.resource["service.version"] == "1.2.3"
    assert [span.name for span in collector.spans] == ["call"]


@pytest.mark.parametrize("name", [PROTOCOL, TRACES_PROTOCOL])
def test_grpc_is_spoken_where_the_protocol_says_so(
    name: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.grpc)
    monkeypatch.setenv(name, "grpc")
    send("call")
    assert collector.paths == ["grpc"]
    assert [span.name for span in collector.spans] == ["call"]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_headers_go_along(
    protocol: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.grpc if protocol == "grpc" else collector.http)
    monkeypatch.setenv(PROTOCOL, protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    send("call")
    assert collector.headers[0]["x-tenant"] == "blue"


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"OTEL_SERVICE_NAME": "blue"}, "blue"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=green,service.version=7"}, "green"),
        ({"OTEL_SERVICE_NAME": "blue", "OTEL_RESOURCE_ATTRIBUTES": "service.name=green"}, "blue"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "team=red"}, "xcopa"),
    ],
)
def test_the_environment_names_the_service(
    variables: dict[str, str], name: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.http)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    send("call")
    said = collector.resource
    assert said["service.name"] == name
    assert said["service.version"] == ("7" if name == "green" else "1.2.3")
    assert said.get("team") == ("red" if name == "xcopa" else None)


@pytest.mark.parametrize(
    ("sampler", "argument", "sent"),
    [
        ("always_on", "", 40),
        ("always_off", "", 0),
        ("traceidratio", "0", 0),
        ("parentbased_traceidratio", "1.0", 40),
    ],
)
def test_the_sampler_of_the_environment_chooses(
    sampler: str, argument: str, sent: int, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.http)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    made = provider("1.2.3")
    for _ in range(40):
        made.get_tracer("test").start_span("call").end()
    made.shutdown()
    assert len(collector.spans) == sent


def test_the_exporter_of_the_environment_is_taken(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.http)
    monkeypatch.setenv(EXPORTER, "otlp, console")
    shown: list[str] = []
    # Its stream is the one of when its module was imported, which no test captures.
    monkeypatch.setattr(
        ConsoleSpanExporter, "export", lambda self, spans: shown.extend(each.name for each in spans)
    )
    send("call")
    assert shown == ["call"]
    assert [span.name for span in collector.spans] == ["call"]


def test_an_exporter_that_is_not_there_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXPORTER, "zipkin")
    with pytest.raises(ValueError, match="zipkin") as refused:
        provider("1.2.3")
    assert str(refused.value) == (
        "OTEL_TRACES_EXPORTER is 'zipkin'; otlp, console and none are known here"
    )


def test_the_endpoint_for_traces_goes_before_the_one_for_everything(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, NOBODY)
    monkeypatch.setenv(TRACES_ENDPOINT, f"{collector.http}/of/traces")
    send("call")
    assert collector.paths == ["/of/traces"]


@pytest.mark.parametrize("name", [ENDPOINT, TRACES_ENDPOINT])
@pytest.mark.parametrize("value", ["collector:4318", "http://", "ftp://collector", "://"])
def test_an_endpoint_that_is_no_url_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="no URL") as refused:
        provider("1.2.3")
    assert str(refused.value) == f"{name} is {value!r}, which is no URL like http://collector:4318"


@pytest.mark.parametrize("name", [PROTOCOL, TRACES_PROTOCOL])
def test_a_protocol_that_is_not_spoken_is_refused_by_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, NOBODY)
    monkeypatch.setenv(name, "http/json")
    with pytest.raises(ValueError, match="http/json") as refused:
        provider("1.2.3")
    assert str(refused.value) == f"{name} is 'http/json'; spans go as http/protobuf and grpc"


def test_only_the_variable_that_holds_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "collector:4318")
    monkeypatch.setenv(PROTOCOL, "http/json")
    monkeypatch.setenv(TRACES_ENDPOINT, "https://collector:4318/v1/traces")
    monkeypatch.setenv(TRACES_PROTOCOL, "http/protobuf")
    provider("1.2.3").shutdown()


def test_an_empty_variable_is_one_that_is_not_set(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (TRACES_ENDPOINT, TRACES_PROTOCOL, PROTOCOL, EXPORTER):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(ENDPOINT, collector.http)
    send("call")
    assert len(collector.paths) == 1


@pytest.mark.parametrize("limit", ["10", "5000"])
def test_the_environment_may_set_the_length_of_what_is_kept(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, NOBODY)
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", limit)
    made = provider("1.2.3")
    span = made.get_tracer("test").start_span("call", attributes={"url": "x" * 9_000})
    assert isinstance(span, ReadableSpan)
    assert (span.attributes or {})["url"] == "x" * int(limit)
    made.shutdown()
