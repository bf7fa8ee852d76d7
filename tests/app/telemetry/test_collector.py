"""Spans go to a real server over HTTP; what cannot be followed is refused by name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.telemetry.collector import provider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
TRACES_PROTOCOL = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"

NOBODY = "http://127.0.0.1:9"


class Collector(HTTPServer):
    """Keeps the path and the body of every request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, ExportTraceServiceRequest]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write nothing to the tests' output."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (ENDPOINT, TRACES_ENDPOINT, PROTOCOL, TRACES_PROTOCOL, "OTEL_SERVICE_NAME")
    for name in (*names, "OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_TRACES_SAMPLER"):
        monkeypatch.delenv(name, raising=False)


def send(name: str) -> None:
    """Send a span of that name, and wait until the collector has it."""
    made = provider()
    made.get_tracer("test").start_span(name).end()
    assert made.force_flush()
    made.shutdown()


def test_a_span_reaches_the_collector_with_the_name_of_the_service(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.url)
    send("call")
    [(path, request)] = collector.received
    assert path == "/v1/traces"
    [spans] = request.resource_spans
    names = {each.key: each.value.string_value for each in spans.resource.attributes}
    assert names["service.name"] == "xcopa"
    assert [span.name for scope in spans.scope_spans for span in scope.spans] == ["call"]


def test_the_endpoint_for_traces_goes_before_the_one_for_everything(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, NOBODY)
    monkeypatch.setenv(TRACES_ENDPOINT, f"{collector.url}/of/traces")
    send("call")
    assert [path for path, _ in collector.received] == ["/of/traces"]


@pytest.mark.parametrize("name", [ENDPOINT, TRACES_ENDPOINT])
@pytest.mark.parametrize("value", ["collector:4318", "http://", "ftp://collector", "://"])
def test_an_endpoint_that_is_no_url_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="no URL") as refused:
        provider()
    assert str(refused.value) == f"{name} is {value!r}, which is no URL like http://collector:4318"


@pytest.mark.parametrize("name", [PROTOCOL, TRACES_PROTOCOL])
def test_a_protocol_that_is_not_spoken_is_refused_by_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, NOBODY)
    monkeypatch.setenv(name, "grpc")
    with pytest.raises(ValueError, match="grpc") as refused:
        provider()
    assert str(refused.value) == (
        f"{name} is 'grpc', but spans go as http/protobuf alone; say that, and name the "
        "collector's port for HTTP (4318 by default)"
    )


def test_only_the_variable_that_holds_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "collector:4318")
    monkeypatch.setenv(PROTOCOL, "grpc")
    monkeypatch.setenv(TRACES_ENDPOINT, "https://collector:4318/v1/traces")
    monkeypatch.setenv(TRACES_PROTOCOL, "http/protobuf")
    provider().shutdown()


def test_an_empty_variable_is_one_that_is_not_set(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (TRACES_ENDPOINT, TRACES_PROTOCOL, PROTOCOL):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(ENDPOINT, collector.url)
    send("call")
    assert len(collector.received) == 1
