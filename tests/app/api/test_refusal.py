"""A refusal that is written to a connection is a whole answer, and says the same as others."""

from __future__ import annotations

import json

import h11

from app.api.problem import HttpError
from app.api.refusal import refusal
from app.api.security_headers import FOR_DATA
from app.errors import ServiceError, UnavailableError


def read(error: ServiceError, target: bytes = b"/x") -> tuple[h11.Response, bytes]:
    """What another reader of HTTP makes of it."""
    client = h11.Connection(our_role=h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(refusal(error, target, "0123456789abcdef", 0.25))
    response, data, end = (client.next_event() for _ in range(3))
    assert isinstance(response, h11.Response)
    assert isinstance(data, h11.Data)
    assert isinstance(end, h11.EndOfMessage)
    return response, bytes(data.data)


def test_it_is_a_problem_with_the_headers_of_every_answer() -> None:
    response, body = read(HttpError(431, "Request header fields too large", "too much"))
    headers = dict(response.headers)
    assert response.status_code == 431
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"connection"] == b"close"
    assert set(FOR_DATA) <= set(headers.items())
    problem = json.loads(body)
    assert (problem["status"], problem["instance"]) == (431, "/x")
    assert problem["request_id"].encode() == headers[b"x-request-id"] == b"0123456789abcdef"
    assert headers[b"server-timing"] == b"total;dur=250.000"


def test_it_says_when_to_try_again() -> None:
    response, _ = read(UnavailableError("too many", retry_after=1.0))
    assert (b"retry-after", b"1") in list(response.headers)


def test_a_target_of_any_bytes_harms_no_header() -> None:
    _, body = read(HttpError(400, "Bad request", "no"), b"/\r\nX: y\xff" * 1_000)
    assert len(json.loads(body)["instance"]) == 200
