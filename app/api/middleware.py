"""Pure-ASGI middleware: what every request goes through before its route, and every answer after.

Security headers, compressed bodies and pages of other origins have files of their own.
"""

from __future__ import annotations

import logging
import random
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.caller import holder_of
from app.api.digits import whole_number
from app.api.problem import REQUEST_ID, problem_response
from app.errors import ServiceError
from app.telemetry.logs import about_request
from app.telemetry.tracing import TRACEPARENT, trace_ids

log = logging.getLogger(__name__)

ASKED_METHOD = "xcopa.method"
"""In a scope: the method of the request, where another one stands for it."""

_ID_NAME = REQUEST_ID.lower().encode()
_LENGTH_NAME = b"content-length"
_SAFE_ID = re.compile(r"[\x21-\x7e]{1,128}")


def new_id() -> str:
    """Return an id for a request that brings none."""
    return f"{random.getrandbits(64):016x}"


def safe_id(given: str) -> str | None:
    """Return the id that a request brings, if it may be repeated in a header and in the log."""
    return given if _SAFE_ID.fullmatch(given) else None


def header(scope: Scope, name: bytes) -> str:
    """Return the value of a header, named in lower case; empty when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


class TargetMiddleware:
    """Makes one of what asks for the same: ``HEAD`` and ``GET``, a path with its prefix or without.

    A proxy may take its prefix off the path or leave it there.
    """

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self.app = app
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.root_path:
            scope = {**scope, **self._prefixed(scope["path"], scope.get("raw_path"))}
        if scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message.get("body") else message)

        # The log has the method that was asked.
        asked = {**scope, "method": "GET", ASKED_METHOD: "HEAD"}
        await self.app(asked, receive, send_without_body)

    def _prefixed(self, path: str, raw: bytes | None) -> dict[str, object]:
        prefix = self.root_path
        if path == prefix:
            # The root, whose route tells by the raw path that a slash is missing.
            return {"root_path": prefix, "path": f"{prefix}/"}
        if path.startswith(f"{prefix}/"):
            return {"root_path": prefix}
        raw_path = None if raw is None else prefix.encode() + raw
        return {"root_path": prefix, "path": prefix + path, "raw_path": raw_path}


class RequestIdMiddleware:
    """Echoes ``X-Request-ID``, or makes one, and keeps it in the request's state and log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = safe_id(header(scope, _ID_NAME)) or new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        ids, traced = trace_ids(header(scope, TRACEPARENT))
        about_request({"request_id": request_id, **ids})
        added = [(_ID_NAME, request_id.encode()), *traced]

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).extend(added)
            await send(message)

        await self.app(scope, receive, send_with_id)


class DefectsMiddleware:
    """Answers an exception that nobody foresaw, which is logged, with a problem of status 500.

    Starlette would answer it outside all middleware, without the headers of other answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            if started:
                raise
            request_id = str(scope.get("state", {}).get("request_id", ""))
            by = f" by the key {holder.name}" if (holder := holder_of(scope)) else ""
            log.error("unexpected error in request %s%s", request_id, by, exc_info=error)
            defect = ServiceError("an error of ours; the service's log has the cause")
            await problem_response(defect, scope["path"], request_id)(scope, receive, send)


class BodyLimitMiddleware:
    """Refuses a body over the limit with 413, by its declared length or as it arrives.

    Starlette's own limit would do, but it answers in plain text, and every refusal of this
    service is a problem document.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        expected = whole_number(header(scope, _LENGTH_NAME))
        chunked = header(scope, b"transfer-encoding")
        if expected is not None and not chunked and expected <= self.max_bytes:
            # The server hands on no more than was declared.
            await self.app(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            if expected is not None and expected > self.max_bytes:
                raise self._too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise self._too_large()
            return message

        await self.app(scope, receive_within_limit, send)

    def _too_large(self) -> HTTPException:
        # An HTTPException, since FastAPI turns whatever else a body raises into 400. The rest
        # of the body is not read, so the connection cannot be used again.
        return HTTPException(
            413,
            f"the body exceeds {self.max_bytes} bytes; send fewer items a call",
            headers={"Connection": "close"},
        )
