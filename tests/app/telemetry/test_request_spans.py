"""The span of each request: what it says, whom it stands below, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagate import get_global_textmap, set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBasedTraceIdRatio,
    Sampler,
)
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from starlette.types import Receive, Scope, Send

from app.telemetry.request_spans import RequestSpans
from tests.app.api.stand_in import client

LIVEZ = "/livez"
HEADERS = [(b"x-version", b"1")]
TRACE_ID, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class TracedApp:
    """An application that answers, and notes the span that it was called in."""

    def __init__(self, sampler: Sampler = DEFAULT_ON, status: int = 200) -> None:
        self._status = status
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.traced = RequestSpans(
            self._answer, self.provider, aside=lambda scope: scope["path"] == LIVEZ
        )
        self.called_in: list[SpanContext] = []
        self.baggage: list[Mapping[str, object]] = []

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.called_in.append(trace.get_current_span().get_span_context())
        self.baggage.append(baggage.get_all())
        await receive()
        await send({"type": "http.response.start", "status": self._status, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"yes", "more_body": False})

    async def ask(self, path: str, times: int = 1, **given: str) -> None:
        headers = {name.replace("_", "-"): value for name, value in given.items()}
        async with client(self.traced) as asking:
            for _ in range(times):
                assert (await asking.get(path, headers=headers)).status_code == self._status

    @property
    def kept(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()


@pytest.mark.anyio
async def test_a_request_is_one_span_and_a_probe_is_none() -> None:
    app = TracedApp()
    for path in (LIVEZ, "/predict", "/livez/not"):
        await app.ask(path)
    assert [span.name for span in app.kept] == ["GET", "GET"], "a route is named by who knows it"
    assert [(span.attributes or {})["url.path"] for span in app.kept] == ["/predict", "/livez/not"]
    assert [span.get_span_context() for span in app.kept] == app.called_in[1:]


@pytest.mark.anyio
async def test_a_request_that_is_kept_has_its_attributes_and_stands_below_its_caller() -> None:
    app = TracedApp()
    await app.ask("/predict", traceparent=f"00-{TRACE_ID}-{PARENT}-01", user_agent="probe/1")
    [span] = app.kept
    assert span.kind == SpanKind.SERVER
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == (int(TRACE_ID, 16), int(PARENT, 16))
    about = dict(span.attributes or {})
    assert about.pop("server.address")
    assert about == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/predict",
        "network.protocol.version": "1.1",
        "client.address": "192.0.2.7",
        "user_agent.original": "probe/1",
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "is_error"), [(404, False), (499, False), (500, True)])
async def test_a_fault_of_the_service_is_an_error_and_one_of_the_caller_is_none(
    status: int, is_error: bool
) -> None:
    app = TracedApp(status=status)
    await app.ask("/predict")
    [span] = app.kept
    about = span.attributes or {}
    assert about["http.response.status_code"] == status
    assert about.get("error.type") == (str(status) if is_error else None)
    assert (span.status.status_code is StatusCode.ERROR) == is_error


@pytest.mark.anyio
async def test_headers_of_the_answer_are_on_the_span_where_an_operator_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE"
    for wanted, told in (("x-.*", ["1"]), ("", None)):
        monkeypatch.setenv(name, wanted)
        app = TracedApp()
        await app.ask("/predict")
        [span] = app.kept
        assert (span.attributes or {}).get("http.response.header.x_version") == (
            None if told is None else tuple(told)
        )


@pytest.mark.anyio
async def test_what_a_request_raises_ends_its_span_and_the_context() -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    app = TracedApp()
    app.traced = RequestSpans(broken, app.provider, aside=lambda _: False)
    with pytest.raises(RuntimeError, match="broken"):
        await app.ask("/predict")
    assert [span.name for span in app.kept] == ["GET"]
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.anyio
async def test_other_ways_to_name_a_trace_are_those_that_are_read() -> None:
    before = get_global_textmap()
    set_global_textmap(CompositePropagator([W3CBaggagePropagator()]))
    try:
        app = TracedApp()
        await app.ask("/predict", traceparent=f"00-{TRACE_ID}-{PARENT}-01", baggage="team=blue")
    finally:
        set_global_textmap(before)
    [span] = app.kept
    assert span.parent is None
    assert app.baggage == [{"team": "blue"}]


@pytest.mark.anyio
@pytest.mark.parametrize("sampler", [DEFAULT_ON, DEFAULT_OFF])
async def test_a_caller_who_keeps_no_trace_decides_for_this_service_too(sampler: Sampler) -> None:
    """Its id is known all the same: the log names it."""
    app = TracedApp(sampler)
    await app.ask("/predict", traceparent=f"00-{TRACE_ID}-{PARENT}-00")
    assert app.kept == ()
    [span] = app.called_in
    assert (span.trace_id, span.trace_flags.sampled) == (int(TRACE_ID, 16), False)
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.anyio
async def test_a_share_of_requests_is_asked_for_once() -> None:
    """If the middleware drew again, a half would be a quarter: 100 of 400, and not 200 +- 10."""
    app = TracedApp(ParentBasedTraceIdRatio(0.5))
    await app.ask("/predict", times=400)
    assert 150 < len(app.kept) < 250
    assert all(span.is_valid for span in app.called_in)
    assert len({span.trace_id for span in app.called_in}) == 400
