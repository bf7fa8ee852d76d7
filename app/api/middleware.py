"""Pure-ASGI middleware: request ids, the body limit, and counting requests."""

from __future__ import annotations

import random
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problem import REQUEST_ID
from app.telemetry.metrics import Metrics

_ID_NAME = REQUEST_ID.lower().encode()
_LENGTH_NAME = b"content-length"
_SAFE_ID = re.compile(r"[\x21-\x7e]{1,128}")


def header(scope: Scope, name: bytes) -> str:
    """Return the value of a header, named in lower case; empty when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


class RequestIdMiddleware:
    """Echoes ``X-Request-ID``, or makes one, and keeps it in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, _ID_NAME)
        request_id = given if _SAFE_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((_ID_NAME, request_id.encode()))
            await send(message)

        await self.app(scope, receive, send_with_id)


class CountRequestsMiddleware:
    """Counts responses by route and status. Unknown paths share one label."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            self.metrics.http_answered(_route(scope), status)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))


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
        declared = header(scope, _LENGTH_NAME)
        expected = int(declared) if declared.isdecimal() else 0
        chunked = header(scope, b"transfer-encoding")
        if declared and not chunked and expected <= self.max_bytes:
            # The server hands on no more than was declared.
            await self.app(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            if expected > self.max_bytes:
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
