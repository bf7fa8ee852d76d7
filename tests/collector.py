"""A collector of traces on loopback: it takes spans over HTTP and over gRPC, and keeps them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service
from opentelemetry.proto.trace.v1.trace_pb2 import Span

WAIT_S = 30


class Collector:
    """What came, by either way."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.resource: dict[str, str] = {}
        self.spans: list[Span] = []
        self._came = threading.Condition()
        self._http = _HttpServer(self)
        self._grpc = grpc.server(ThreadPoolExecutor(1))
        service.add_TraceServiceServicer_to_server(_Servicer(self), self._grpc)  # type: ignore[no-untyped-call]
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def grpc(self) -> str:
        return f"http://127.0.0.1:{self._grpc_port}"

    def __enter__(self) -> Self:
        self._grpc.start()
        serving = {"poll_interval": 0.01}
        threading.Thread(target=self._http.serve_forever, kwargs=serving, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._grpc.stop(0)
        self._http.shutdown()
        self._http.server_close()

    def take(
        self,
        request: messages.ExportTraceServiceRequest,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        with self._came:
            self.paths.append(path)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            for one in request.resource_spans:
                self.resource = _attributes(one.resource.attributes)
                self.spans += [span for scope in one.scope_spans for span in scope.spans]
            self._came.notify_all()

    def wait_for(self, *names: str) -> dict[str, list[Span]]:
        """Wait until there is a span of each name; return all spans by their name."""
        with self._came:
            self._came.wait_for(lambda: set(names) <= set(self.by_name), WAIT_S)
            return self.by_name

    @property
    def by_name(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.name, []).append(span)
        return found


def attributes(span: Span) -> dict[str, Any]:
    """Return the attributes of a span, as texts and numbers."""
    return _attributes(span.attributes)


def _attributes(given: Iterable[Any]) -> dict[str, Any]:
    return {
        each.key: each.value.string_value
        if each.value.HasField("string_value")
        else each.value.int_value
        for each in given
    }


class _HttpServer(ThreadingHTTPServer):
    def __init__(self, collector: Collector) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.collector = collector


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _HttpServer)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = messages.ExportTraceServiceRequest.FromString(body)
        self.server.collector.take(request, self.path, dict(self.headers))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write nothing to the tests' output."""


class _Servicer(service.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - of the protocol
        headers = {each.key: each.value for each in context.invocation_metadata()}
        self._collector.take(request, "grpc", headers)
        return messages.ExportTraceServiceResponse()
