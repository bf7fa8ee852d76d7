"""Refusals that are written to a connection itself: no request came of what was sent."""

from __future__ import annotations

import json
from http import HTTPStatus

from app.api.access import server_timing
from app.api.problem import MEDIA_TYPE, REQUEST_ID, problem
from app.api.security_headers import FOR_DATA
from app.errors import ServiceError
from app.serving.answer import Stages


def refusal(error: ServiceError, target: bytes, request_id: str, seconds: float) -> bytes:
    """Return a whole answer in HTTP/1.1, a problem document, after which the connection ends.

    Args:
        error: its outcome and its headers.
        target: what was asked for, as far as it is known.
        request_id: by which the log names it.
        seconds: since its first byte.
    """
    body = json.dumps(problem(error, target.decode("latin-1"), request_id)).encode()
    lines = [
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(),
        *(name + b": " + value for name, value in FOR_DATA),
        *(f"{name}: {value}".encode() for name, value in error.headers.items()),
        f"content-type: {MEDIA_TYPE}".encode(),
        b"content-length: %d" % len(body),
        f"{REQUEST_ID}: {request_id}".encode(),
        b"server-timing: " + server_timing(Stages(), seconds),
        b"connection: close",
    ]
    return b"\r\n".join([*lines, b"", body])
