"""What sends spans to a collector (OTLP over HTTP).

Only ``tracing`` imports this, where a collector is named: OpenTelemetry's packages read variables
when they are imported, and some raise when one is wrong.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

__all__ = ["OpenTelemetryMiddleware", "provider"]

# The first of two that is set holds: OpenTelemetry's specification of the OTLP exporter.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"

_LONGEST_ATTRIBUTE = 1_024
"""Of a span: paths and user agents are the caller's, and wait in memory for the collector."""


def provider() -> TracerProvider:
    """Return a provider that sends to the collector of the environment.

    Raises:
        ValueError: a variable has a value that cannot be followed.
    """
    _check()
    name = os.environ.get("OTEL_SERVICE_NAME", "xcopa")
    # ``Tracing.close`` ends it; at the exit of Python it would wait once more.
    made = TracerProvider(
        resource=Resource.create({SERVICE_NAME: name}),
        span_limits=SpanLimits(max_span_attribute_length=_LONGEST_ATTRIBUTE),
        shutdown_on_exit=False,
    )
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def _check() -> None:
    name, protocol = _first(_PROTOCOLS)
    if protocol not in ("", _PROTOCOL):
        raise ValueError(
            f"{name} is {protocol!r}, but spans go as {_PROTOCOL} alone; say that, and name the "
            "collector's port for HTTP (4318 by default)"
        )
    name, endpoint = _first(_ENDPOINTS)
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"{name} is {endpoint!r}, which is no URL like http://collector:4318")


def _first(names: tuple[str, ...]) -> tuple[str, str]:
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), ("", ""))
