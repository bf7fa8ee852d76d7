"""Headers that go with every answer and keep a browser from making more of it than it is.

Which ones, and why: OWASP's REST Security Cheat Sheet, and ``docs/security.md``.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
NO_STORE = (b"cache-control", b"no-store")
DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
PAGE_POLICY = (
    b"content-security-policy",
    b"default-src 'self' 'unsafe-inline' data:; worker-src 'self' blob:; object-src 'none'; "
    b"base-uri 'none'; frame-ancestors 'none'",
)
"""A page may load what this service serves, and run the script that is written in it."""

FOR_DATA = (*ALWAYS, NO_STORE, DATA_POLICY)


class SecurityHeadersMiddleware:
    """Adds the headers; what an answer says itself of caching and of its content stays."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_added(message)]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _added(message: Message) -> list[tuple[bytes, bytes]]:
    given = {name.lower(): value for name, value in message.get("headers", ())}
    added = list(ALWAYS)
    # What has a validator (the files of /docs) is meant to be kept, and asked for again.
    if b"cache-control" not in given and b"etag" not in given:
        added.append(NO_STORE)
    if b"content-security-policy" not in given:
        page = given.get(b"content-type", b"").startswith(b"text/html")
        added.append(PAGE_POLICY if page else DATA_POLICY)
    return added
