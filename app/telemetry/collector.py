"""What sends spans away.

Only ``tracing`` imports this, where an exporter or a collector is named: OpenTelemetry's packages
read variables when they are imported, and some raise when one is wrong.
"""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from urllib.parse import urlsplit

from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT,
)
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

# The first of two that is set holds: OpenTelemetry's specification of the OTLP exporter.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTERS = "OTEL_TRACES_EXPORTER"
_OTLP, _HTTP, _GRPC = "otlp", "http/protobuf", "grpc"
_BY_PROTOCOL = {_HTTP: "otlp_proto_http", _GRPC: "otlp_proto_grpc"}
_GROUP = "opentelemetry_traces_exporter"

_LONGEST_ATTRIBUTE = 1_024
"""Of a span: paths and user agents are the caller's, and wait in memory for the collector."""


def provider(version: str) -> TracerProvider:
    """Return a provider that sends to what the environment names.

    Args:
        version: of the service, where the environment says no other.

    Raises:
        ValueError: a variable has a value that cannot be followed.
    """
    exporters = [_exporter(name) for name in _names()]
    # ``Tracing.close`` ends it; at the exit of Python it would wait once more.
    made = TracerProvider(
        resource=_resource(version), span_limits=_limits(), shutdown_on_exit=False
    )
    for exporter in exporters:
        made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def _resource(version: str) -> Resource:
    """Return who sends; what the environment says of that comes first."""
    made = Resource({SERVICE_VERSION: version}).merge(Resource.create())
    unnamed = str(made.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return made.merge(Resource({SERVICE_NAME: "xcopa"})) if unnamed else made


def _limits() -> SpanLimits:
    said = any(
        os.environ.get(name)
        for name in (OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT)
    )
    return SpanLimits() if said else SpanLimits(max_span_attribute_length=_LONGEST_ATTRIBUTE)


def _names() -> list[str]:
    listed = os.environ.get(_EXPORTERS) or _OTLP
    return [name.strip() for name in listed.split(",") if name.strip()]


def _exporter(name: str) -> SpanExporter:
    found = list(entry_points(group=_GROUP, name=_of_protocol() if name == _OTLP else name))
    if not found:
        raise ValueError(f"{_EXPORTERS} is {name!r}; otlp, console and none are known here")
    made: SpanExporter = found[0].load()()
    return made


def _of_protocol() -> str:
    """Return the name of the exporter of OTLP's protocol, once its variables are checked."""
    name, protocol = _first(_PROTOCOLS)
    if protocol and protocol not in _BY_PROTOCOL:
        known = " and ".join(_BY_PROTOCOL)
        raise ValueError(f"{name} is {protocol!r}; spans go as {known}")
    protocol = protocol or _HTTP
    name, endpoint = _first(_ENDPOINTS)
    url = urlsplit(endpoint)
    if endpoint and protocol == _HTTP and (url.scheme not in ("http", "https") or not url.hostname):
        raise ValueError(f"{name} is {endpoint!r}, which is no URL like http://collector:4318")
    return _BY_PROTOCOL[protocol]


def _first(names: tuple[str, ...]) -> tuple[str, str]:
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), ("", ""))
