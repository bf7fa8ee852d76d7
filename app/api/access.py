"""What is said of each request when it has been answered: a count, its times, a line in the log.

The line names the route and never what was sent, unless the operator asks for that: no text, no
query, no key. Probes and scrapes leave a line only at the level ``debug``, or when they fail.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import record
from app.api.caller import holder_of
from app.api.middleware import ASKED_METHOD
from app.api.probe_paths import is_probe
from app.api.problem import detail_of
from app.api.record import RequestRecord
from app.serving.answer import Stages
from app.telemetry.logs import requests_log
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import Tracing

UNMATCHED = "unmatched"
"""The route of a path at which there is nothing."""

_LONGEST_PATH = 200
_BAD_REQUEST, _TOO_MANY_REQUESTS, _INTERNAL_ERROR = 400, 429, 500


class AccessMiddleware:
    """Counts and times responses by route, adds ``Server-Timing``, and logs.

    Args:
        metrics: counts. Unknown paths share one label.
        tracing: names the span of the request after its route.
        texts: whether the line has what was sent, and what is wrong with it.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        tracing: Tracing | None = None,
        *,
        texts: bool = False,
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._tracing = tracing or Tracing()
        self._texts = texts
        self._log = requests_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        about = record.begin(scope)
        status, size = 500, 0

        async def send_and_note(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                self._name_span(scope, about)
                about.total = time.monotonic() - about.started
                timing = server_timing(about.stages, about.total)
                message.setdefault("headers", []).append((b"server-timing", timing))
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            self._count(route_of(scope), about, status)
            self._say(scope, about, status, size)

    def _count(self, route: str, about: RequestRecord, status: int) -> None:
        self._metrics.http_answered(route, status)
        if about.error is not None:
            self._metrics.problem_answered(about.error.slug)
        elif about.items and status < _BAD_REQUEST:
            trace_id = self._tracing.exemplar()
            self._metrics.request_answered(route, about.model, about.seconds, trace_id)

    def _name_span(self, scope: Scope, about: RequestRecord) -> None:
        if self._tracing.provider is None:
            return
        ids = {"xcopa.request_id": str(scope["state"].get("request_id", ""))}
        if about.error is not None:
            ids["xcopa.problem"] = about.error.slug
        self._tracing.answered(scope["method"], route_of(scope), ids)

    def _say(self, scope: Scope, about: RequestRecord, status: int, size: int) -> None:
        level = level_of(status)
        if level != logging.ERROR and is_probe(scope):
            level = logging.DEBUG
        if not self._log.is_enabled_for(level):
            return
        self._log.log(level, "request", **self._line(scope, about, status, size))

    def _line(self, scope: Scope, about: RequestRecord, status: int, size: int) -> dict[str, Any]:
        line: dict[str, Any] = {
            "method": scope.get(ASKED_METHOD) or scope["method"],
            "route": route_of(scope),
            "status": status,
            "duration_ms": _milliseconds(time.monotonic() - about.started),
        }
        for stage, seconds in about.stages.said().items():
            line[f"{stage}_ms"] = _milliseconds(seconds)
        if about.items:
            line["model"] = " ".join(about.models)
            line["items"] = about.items
        if about.stages.batch_reasons:
            line["batch"] = " ".join(about.stages.batch_reasons)
        line["bytes"] = 0 if ASKED_METHOD in scope else size
        if holder := holder_of(scope):
            line["key"] = holder.name
        if line["route"] == UNMATCHED:
            line["path"] = scope["path"][:_LONGEST_PATH]
        if about.error is not None:
            line["problem"] = about.error.slug
        return {**line, **self._texts_of(about)} if self._texts else line

    def _texts_of(self, about: RequestRecord) -> dict[str, Any]:
        found: dict[str, Any] = {"texts": about.texts} if about.texts else {}
        if about.error is not None:
            fields = (f"{each.field}: {each.message}" for each in about.error.errors)
            found["detail"] = "; ".join([detail_of(about.error), *fields])
        return found


def route_of(scope: Scope) -> str:
    """Return the pattern of the path of a request, never a text of the caller."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def level_of(status: int) -> int:
    """Return how severe an answer is: a defect of ours, a refusal for want of time or room."""
    if status == _INTERNAL_ERROR:
        return logging.ERROR
    if status > _INTERNAL_ERROR or status == _TOO_MANY_REQUESTS:
        return logging.WARNING
    return logging.INFO


def server_timing(stages: Stages, total: float) -> bytes:
    """Return the value of ``Server-Timing`` (W3C), in milliseconds."""
    timings = [f"{name};dur={1000 * seconds:.3f}" for name, seconds in stages.said().items()]
    timings.append(f"total;dur={1000 * total:.3f}")
    if stages.batch_reasons:
        timings.append(f'batch;desc="{" ".join(stages.batch_reasons)}"')
    return ", ".join(timings).encode()


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)
