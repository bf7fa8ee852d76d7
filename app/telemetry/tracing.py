"""Traces (OpenTelemetry): the stages of each item of a request, and the batches that ran them.

    POST /predict/xcopa                      the request
      xcopa.tokenise
      xcopa.queue                            of each item
      xcopa.inference                        of each item; linked to its batch
    xcopa.batch                              linked to each request that has an item in it
      xcopa.engine                           the pass itself

They are off unless the standard variables name an exporter or a collector; the SDK reads all others
itself. Whatever these say and a collector does, the service starts, answers and ends.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from app.telemetry.log_format import current_request

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from starlette.applications import Starlette
    from starlette.types import Scope

log = logging.getLogger(__name__)

CLOSE_S = 2.0
"""How long the exit waits for a collector to take the last spans; the SDK would wait 30 s."""

TRACEPARENT = b"traceparent"
_TRACERESPONSE = b"traceresponse"
_VALID_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)

_EXPORTERS = "OTEL_TRACES_EXPORTER"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NANOSECONDS = 1_000_000_000
_OUTCOME, _ANSWERED = "xcopa.outcome", "answered"
_MOST_LINKS = 128
"""Of a span, by the specification."""

Attributes = Mapping[str, str | int]


@dataclass(frozen=True)
class ItemTrace:
    """One item of a call. Times are on the monotonic clock, in seconds."""

    model: str
    admitted_at: float
    sealed_at: float | None
    """None if it never was in a batch."""
    ended_at: float
    outcome: str
    batch: SpanContext | None = None


@dataclass(frozen=True)
class BatchTrace:
    """One batch. Times are on the monotonic clock, in seconds."""

    model: str
    sealed_at: float
    began_at: float
    ended_at: float
    reason: str
    items: int
    tokens: int

    @property
    def attributes(self) -> Attributes:
        return {
            "xcopa.model": self.model,
            "xcopa.batch.reason": self.reason,
            "xcopa.batch.items": self.items,
            "xcopa.batch.tokens": self.tokens,
        }


def provider_from_environment(version: str) -> TracerProvider | None:
    """Return a provider that sends to what the environment names, or None where that is nothing.

    None also where a variable of OpenTelemetry's cannot be followed: a warning says why.
    """
    if not any(os.environ.get(name) for name in (_EXPORTERS, *_ENDPOINTS)) or _is_switched_off():
        return None
    try:
        # Importing it reads variables, and raises when they are wrong.
        from app.telemetry import collector

        return collector.provider(version)
    except Exception as error:
        log.warning("no traces are sent; correct the variables of OpenTelemetry: %s", error)
        return None


def _is_switched_off() -> bool:
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or os.environ.get(_EXPORTERS, "").strip().lower() == "none"


def trace_ids(traceparent: str) -> tuple[dict[str, str], list[tuple[bytes, bytes]]]:
    """Return the ids of the current request for the log, and headers that tell its caller of them.

    Without traces the log has the trace of the caller, as its ``traceparent`` (W3C) names it.
    """
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        given = _VALID_TRACEPARENT.fullmatch(traceparent) if traceparent else None
        return ({"trace_id": given.group(1)} if given else {}), []
    trace_id, span_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    told = f"00-{trace_id}-{span_id}-{context.trace_flags:02x}".encode()
    return {"trace_id": trace_id, "span_id": span_id}, [(_TRACERESPONSE, told)]


class Tracing:
    """Writes the spans of calls and of batches."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("xcopa") if provider else None

    def add_to(self, app: Starlette, aside: Callable[[Scope], bool] = lambda _: False) -> None:
        """Have every request of an application make a span, but those that are ``aside``."""
        if self.provider is not None:
            from app.telemetry.request_spans import RequestSpans

            app.add_middleware(RequestSpans, provider=self.provider, aside=aside)

    def request(self) -> SpanContext | None:
        """Return the span of the current request, if it is one that is sent."""
        if self._tracer is None:
            return None
        context = trace.get_current_span().get_span_context()
        return context if context.is_valid and context.trace_flags.sampled else None

    def exemplar(self) -> str:
        """Return the id of the trace of the current request; empty where none is kept of it.

        Where this service sends no spans, it is the trace that the caller named, as in the log.
        """
        if self._tracer is None:
            return (current_request.get() or {}).get("trace_id", "")
        span = self.request()
        return "" if span is None else f"{span.trace_id:032x}"

    def answered(self, method: str, route: str, ids: Attributes) -> None:
        """Name the span of the current request after its route; call it before the answer."""
        if self._tracer is None:
            return
        span = trace.get_current_span()
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route, **ids})

    def tokenised(self, started: float, ended: float) -> None:
        """Record how long the texts of a call took to become token ids."""
        if self._tracer is not None and self.request() is not None:
            self._span("xcopa.tokenise", started, ended)

    def items(self, items: Collection[ItemTrace]) -> None:
        """Record the stages of the items of a call."""
        if self._tracer is None or self.request() is None:
            return
        for item in items:
            sealed = item.ended_at if item.sealed_at is None else item.sealed_at
            about = {"xcopa.model": item.model, _OUTCOME: item.outcome}
            self._span("xcopa.queue", item.admitted_at, sealed, about)
            if item.sealed_at is not None:
                batch = [] if item.batch is None else [item.batch]
                self._span("xcopa.inference", sealed, item.ended_at, about, links=batch)

    def batch(self, batch: BatchTrace, requests: Sequence[SpanContext]) -> SpanContext | None:
        """Record a batch that served these requests; return its span, or None where none is sent.

        It stands below the first of them: in a trace of its own a sampler would choose it
        independently, and the links of most requests would lead nowhere.
        """
        if self._tracer is None or not requests:
            return None
        links = requests[:_MOST_LINKS]
        times = (batch.sealed_at, batch.ended_at)
        span = self._span("xcopa.batch", *times, batch.attributes, links=links, above=requests[0])
        own = span.get_span_context()
        self._span("xcopa.engine", batch.began_at, batch.ended_at, above=own)
        return own

    def _span(
        self,
        name: str,
        begin: float,
        end: float,
        attributes: Attributes | None = None,
        *,
        links: Sequence[SpanContext] = (),
        above: SpanContext | None = None,
    ) -> trace.Span:
        assert self._tracer is not None
        context = None
        if above is not None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(above))
        offset = time.time_ns() - int(time.monotonic() * _NANOSECONDS)
        span = self._tracer.start_span(
            name,
            context,
            start_time=offset + int(begin * _NANOSECONDS),
            attributes=attributes,
            links=[Link(each) for each in links],
        )
        outcome = (attributes or {}).get(_OUTCOME, _ANSWERED)
        if outcome != _ANSWERED:
            span.set_status(Status(StatusCode.ERROR, str(outcome)))
        span.end(offset + int(end * _NANOSECONDS))
        return span

    def close(self) -> None:
        """Send the spans that have not been sent, as far as the collector takes them in time."""
        if self.provider is None:
            return
        sending = threading.Thread(target=self.provider.shutdown, name="xcopa-spans", daemon=True)
        sending.start()
        sending.join(CLOSE_S)
        if sending.is_alive():
            log.warning("the collector did not take the last spans within %.0f s", CLOSE_S)
