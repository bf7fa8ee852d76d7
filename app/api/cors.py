"""Pages of other origins that may call from a browser (the Fetch standard's CORS protocol)."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.caller import AUTHORIZATION, KEY_HEADER
from app.api.problem import REQUEST_ID, TIMEOUT_HEADER, HttpError, problem_response

_READ = (
    *(KEY_HEADER, AUTHORIZATION, REQUEST_ID, TIMEOUT_HEADER),
    *("Content-Encoding", "Traceparent", "Tracestate"),
)
_SHOWN = (
    *(REQUEST_ID, "Retry-After", "Server-Timing", "Accept-Encoding", "Allow"),
    *("WWW-Authenticate", "Traceresponse"),
)


class OriginsMiddleware(CORSMiddleware):
    """Starlette's middleware for our methods and headers; a refusal is a problem document.

    Cookies and stored passwords are not sent along (``allow_credentials``): a key is a header.
    """

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_READ,
            expose_headers=_SHOWN,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_preflight(Headers(scope=scope), scope["method"]):
            await super().__call__(scope, receive, send)
            return
        response = self.preflight_response(Headers(scope=scope))
        if response.status_code != HTTPStatus.OK:
            response = _refused(response, scope)
        await response(scope, receive, send)


def _is_preflight(headers: Headers, method: str) -> bool:
    return (
        method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
    )


def _refused(response: Response, scope: Scope) -> Response:
    reason = bytes(response.body).decode().removeprefix("Disallowed CORS ")
    detail = f"pages of this origin may not call like this: its {reason} (XCOPA_CORS_ORIGINS)"
    kept = {
        name: value
        for name, value in response.headers.items()
        if name.startswith("access-control-") or name == "vary"
    }
    error = HttpError(403, "Forbidden", detail)
    request_id = str(scope.get("state", {}).get("request_id", ""))
    return problem_response(error, scope["path"], request_id, kept)
