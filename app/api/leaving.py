"""Ends kept connections while the service leaves.

A load balancer that knows connections and not requests, such as a Service of Kubernetes, goes on
sending the calls of an open connection to the pod at its other end, until that pod refuses them.
A caller who is told that the connection ends makes his next one, which reaches another pod.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.runtime import Runtime

CLOSE = (b"connection", b"close")
"""RFC 9112, section 9.6: this answer is the last on its connection."""


class LeavingMiddleware:
    """Adds ``Connection: close`` to the answers of requests that come after SIGTERM."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._runtime.leaving:
            await self.app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), CLOSE]
            await send(message)

        await self.app(scope, receive, send_last)
