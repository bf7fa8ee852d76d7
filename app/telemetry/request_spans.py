"""The span of each request, below the one that its headers name.

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP servers, which are
stable since 1.23. OpenTelemetry's own middleware for ASGI gives them too, and takes 75 us of each
request and 350 us of one whose span is kept: it also prepares metrics, under old names and new
ones. Decision: docs/decisions/0051-request-spans.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.propagate import extract, get_global_textmap
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry.recorded_headers import RecordedHeaders


class RequestSpans:
    """Makes the span of a request. The sampler is asked first, and others cost little.

    Args:
        app: answers.
        provider: sends the spans.
        aside: says of which requests there is none: probes and scrapes.
    """

    def __init__(
        self, app: ASGIApp, provider: TracerProvider, aside: Callable[[Scope], bool]
    ) -> None:
        self._app = app
        self._aside = aside
        self._tracer = provider.get_tracer("xcopa.http")
        self._recorded = RecordedHeaders()
        self._fields = frozenset(name.lower().encode() for name in get_global_textmap().fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._aside(scope):
            await self._app(scope, receive, send)
            return
        above = self._above(scope)
        span = self._tracer.start_span(scope["method"], above, SpanKind.SERVER)
        if span.is_recording():
            span.set_attributes({**_attributes(scope), **self._recorded.of_request(scope)})
            send = self._noting(span, send)
        token = attach(set_span_in_context(span, above))
        try:
            await self._app(scope, receive, send)
        finally:
            detach(token)
            span.end()

    def _above(self, scope: Scope) -> Context:
        """Return the context that the headers carry; most requests have none of them."""
        if self._fields.isdisjoint(name for name, _ in scope["headers"]):
            return get_current()
        return extract(scope, getter=_HEADERS)

    def _noting(self, span: Span, send: Send) -> Send:
        """Return a ``send`` that puts onto the span what the answer says of itself."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                _note_status(span, message["status"])
                span.set_attributes(dict(self._recorded.of_response(message)))
            await send(message)

        return noting


class _Headers(Getter[Scope]):
    """Reads headers as propagators ask for them."""

    def get(self, carrier: Scope, key: str) -> list[str] | None:
        wanted = key.lower().encode()
        found = [value.decode("latin-1") for name, value in carrier["headers"] if name == wanted]
        return found or None

    def keys(self, carrier: Scope) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier["headers"]]


_HEADERS = _Headers()


def _attributes(scope: Scope) -> dict[str, AttributeValue]:
    """Return what is known of a request when it comes."""
    known = {
        "http.request.method": scope["method"],
        "url.scheme": scope["scheme"],
        "url.path": scope["path"],
        "network.protocol.version": scope["http_version"],
        "client.address": _first(scope.get("client")),
        "server.address": _first(scope.get("server")),
        "user_agent.original": ", ".join(_HEADERS.get(scope, "user-agent") or ()),
    }
    return {name: value for name, value in known.items() if value}


def _first(address: Iterable[str] | None) -> str:
    return next(iter(address), "") if address else ""


def _note_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)
