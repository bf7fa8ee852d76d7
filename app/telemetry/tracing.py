"""Traces (OpenTelemetry): the stages of each item of a call, and the reason of its batch.

They are off unless the standard variables name a collector (``OTEL_EXPORTER_OTLP_ENDPOINT`` or
``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``); the SDK reads all others itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LONGEST_ATTRIBUTE = 1_024
"""Of a span: paths and user agents are the caller's, and wait in memory for the collector."""
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class ItemTrace:
    """One answered item. Times are on the monotonic clock, in seconds."""

    model: str
    admitted_at: float
    sealed_at: float
    answered_at: float
    batch_reason: str
    batch_items: int
    batch_tokens: int

    @property
    def batch(self) -> dict[str, str | int]:
        """The attributes of its batch's span."""
        return {
            "xcopa.batch.reason": self.batch_reason,
            "xcopa.batch.items": self.batch_items,
            "xcopa.batch.tokens": self.batch_tokens,
        }


def provider_from_environment() -> TracerProvider | None:
    """Return a provider that sends to the collector that the environment names; else None."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    name = os.environ.get("OTEL_SERVICE_NAME", "xcopa")
    provider = TracerProvider(
        resource=Resource.create({SERVICE_NAME: name}),
        span_limits=SpanLimits(max_span_attribute_length=_LONGEST_ATTRIBUTE),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Tracing:
    """Writes the spans of a call, under the span of its request."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("xcopa") if provider else None

    def call(
        self, started: float, tokenised: float, ended: float, items: Sequence[ItemTrace]
    ) -> None:
        """Record one call: its tokenising, and the wait and the batch of each answered item."""
        if self._tracer is None:
            return
        offset = time.time_ns() - int(time.monotonic() * _NANOSECONDS)
        tracer = self._tracer

        def span(
            name: str, begin: float, end: float, attributes: Mapping[str, str | int] | None = None
        ) -> trace.Span:
            made = tracer.start_span(
                name, start_time=offset + int(begin * _NANOSECONDS), attributes=attributes
            )
            made.end(offset + int(end * _NANOSECONDS))
            return made

        call = span("xcopa.call", started, ended, {"xcopa.items": len(items)})
        with trace.use_span(call, end_on_exit=False):
            span("xcopa.tokenise", started, tokenised)
            for item in items:
                model: dict[str, str | int] = {"xcopa.model": item.model}
                span("xcopa.queue", item.admitted_at, item.sealed_at, model)
                span("xcopa.batch", item.sealed_at, item.answered_at, model | item.batch)

    def close(self) -> None:
        """Send the spans that have not been sent."""
        if self.provider is not None:
            self.provider.shutdown()
