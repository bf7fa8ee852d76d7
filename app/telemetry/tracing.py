"""Traces (OpenTelemetry): the stages of each item of a call, and the reason of its batch.

They are off unless the standard variables name a collector (``OTEL_EXPORTER_OTLP_ENDPOINT`` or
``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``); the SDK reads all others itself. Whatever these say and a
collector does, the service starts, answers and ends.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from starlette.applications import Starlette

log = logging.getLogger(__name__)

CLOSE_S = 2.0
"""How long the exit waits for a collector to take the last spans; the SDK would wait 30 s."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
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
    """Return a provider that sends to the collector of the environment, or None without one.

    None also where a variable of OpenTelemetry's cannot be followed: a warning says why.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS) or _is_switched_off():
        return None
    try:
        # Importing it reads variables, and raises when they are wrong.
        from app.telemetry import collector

        return collector.provider()
    except Exception as error:
        log.warning("no traces are sent; correct the variables of OpenTelemetry: %s", error)
        return None


def _is_switched_off() -> bool:
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"


class Tracing:
    """Writes the spans of a call, under the span of its request."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer("xcopa") if provider else None

    def add_to(self, app: Starlette) -> None:
        """Have every request of an application make a span."""
        if self.provider is not None:
            from app.telemetry.collector import OpenTelemetryMiddleware

            app.add_middleware(OpenTelemetryMiddleware, tracer_provider=self.provider)

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
        """Send the spans that have not been sent, as far as the collector takes them in time."""
        if self.provider is None:
            return
        sending = threading.Thread(target=self.provider.shutdown, name="xcopa-spans", daemon=True)
        sending.start()
        sending.join(CLOSE_S)
        if sending.is_alive():
            log.warning("the collector did not take the last spans within %.0f s", CLOSE_S)
