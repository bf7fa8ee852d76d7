"""What callers see of Serve's proxies: this service's contract, also where no replica answers.

Serve has its proxies call ``middleware`` when a variable names it. Without it a call whose replica
died is answered with 500 and a line of plain text.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.digits import whole_number
from app.api.middleware import header, new_id, safe_id
from app.api.problem import REQUEST_ID, TIMEOUT_HEADER, problem_response
from app.api.security_headers import SecurityHeadersMiddleware
from app.errors import DeadlineExceededError, OverloadedError, ServiceError, UnavailableError
from app.read_settings import read_settings

NODE_VARIABLES = {
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "app.scale.proxy:middleware",
    # A proxy would send all calls to the replicas of its own node, as long as these take them,
    # and ours take all: they have a queue and say themselves when it is full.
    "RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING": "0",
}
"""What Serve's proxies read; it has to be set on every node before Ray starts there."""

BACKSTOP_S = 1.0
"""How much later than the replica the proxy itself gives a call up: the replica says more."""

SERVE_TIMEOUT = b"x-request-timeout-seconds"
_FOR_SERVE = {
    SERVE_TIMEOUT,
    b"x-request-disconnect-disabled",
    b"serve-multiplexed-model-id",
    b"serve_multiplexed_model_id",
}
"""Headers by which a caller could tell Serve to keep a call for ever, or where to send it."""

_OWN_PATHS = "/-/"
"""Serve's own, for its health and routes."""

_ID, _TIMEOUT = REQUEST_ID.lower().encode(), TIMEOUT_HEADER.lower().encode()
_RETRY_SOON_S, _RETRY_S = 1.0, 2.0
_BAD_REQUEST, _NOT_FOUND, _TIMED_OUT, _TOO_MANY = 400, 404, 408, 429
_INTERNAL_ERROR, _UNAVAILABLE = 500, 503

Headers = list[tuple[bytes, bytes]]


def middleware() -> list[Middleware]:
    """Return what Serve is to put around its proxies.

    Raises:
        StartError: a setting of the node is wrong; the message names it.
    """
    return [Middleware(ProxyMiddleware, longest_s=read_settings().request_timeout_ms / 1000)]


class ProxyMiddleware:
    """Passes deadlines on to Serve, and says in this service's words what Serve says in its own.

    An answer of a replica passes as it is. Nothing is asked twice: a call whose replica died may
    have been computed.

    Args:
        longest_s: deadline of a call that names none, in seconds.
    """

    def __init__(self, app: ASGIApp, longest_s: float) -> None:
        self.app = app
        self._longest_s = longest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN_PATHS):
            await self.app(scope, receive, send)
            return
        request_id = safe_id(header(scope, _ID)) or new_id()
        scope = {**scope, "headers": self._asked(scope["headers"], request_id)}
        answer = _Answer(send, request_id)
        await self.app(scope, receive, answer.send)
        if answer.sent:
            return
        response = problem_response(
            answer.problem, scope["path"], request_id, {REQUEST_ID: request_id}
        )
        await SecurityHeadersMiddleware(response)(scope, receive, send)

    def _asked(self, headers: Iterable[tuple[bytes, bytes]], request_id: str) -> Headers:
        """Return the headers of a request as Serve and the replica are to read them."""
        kept = [each for each in headers if each[0] not in _FOR_SERVE and each[0] != _ID]
        seconds = self._seconds(dict(kept).get(_TIMEOUT)) + BACKSTOP_S
        return [*kept, (_ID, request_id.encode()), (SERVE_TIMEOUT, f"{seconds:.3f}".encode())]

    def _seconds(self, asked: bytes | None) -> float:
        try:
            seconds = float(asked or b"nan") / 1000
        except ValueError:  # the replica names the header and what is wrong with it
            return self._longest_s
        return seconds if 0 < seconds < self._longest_s else self._longest_s


class _Answer:
    """The answer to one request, on its way through the proxy."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.sent = False
        """Whether the caller has been told anything."""
        self._send = send
        self._id = (_ID, request_id.encode())
        self._start: Message | None = None
        self._own: tuple[int, Headers] | None = None

    async def send(self, message: Message) -> None:
        """Pass on a message of a replica, and hold back what Serve itself says."""
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if _is_of_serve(message["status"], headers):
                self._own = (message["status"], headers)
            else:
                # Serve adds the id as well. And the start waits for the body: a replica that dies
                # between the two has answered nothing yet.
                kept = [each for each in headers if each[0].lower() != _ID]
                self._start = {**message, "headers": [*kept, self._id]}
            return
        if self._own is not None:
            return
        if self._start is not None:
            start, self._start, self.sent = self._start, None, True
            await self._send(start)
        await self._send(message)

    @property
    def problem(self) -> ServiceError:
        """What to say where no replica has answered."""
        # Of a replica that died Serve says nothing, and its server then 500.
        status, headers = self._own or (_INTERNAL_ERROR, [])
        return _of_serve(status, dict(headers))


def _is_of_serve(status: int, headers: Headers) -> bool:
    """Whether an answer is a page of Serve's: all problems of this service are JSON."""
    content_type = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    return status >= _BAD_REQUEST and b"json" not in content_type


def _of_serve(status: int, headers: dict[bytes, bytes]) -> ServiceError:
    """Return the error that a page of Serve's stands for."""
    if status == _TIMED_OUT:
        return DeadlineExceededError("no replica answered within the deadline of the call")
    if status == _TOO_MANY:
        after = whole_number(headers.get(b"retry-after", b"").decode("latin-1"))
        return OverloadedError(
            "too many calls wait for a replica",
            retry_after=_RETRY_SOON_S if after is None else after,
        )
    if status == _NOT_FOUND:
        return UnavailableError("the service is not deployed just now", retry_after=_RETRY_S)
    if status == _UNAVAILABLE:
        return UnavailableError("no replica can be asked just now", retry_after=_RETRY_S)
    return UnavailableError(
        "the replica that had the call ended before it answered; ask again",
        retry_after=_RETRY_SOON_S,
    )
