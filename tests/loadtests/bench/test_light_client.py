"""The light client on a real server: it reads what it needs, and keeps connections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from loadtests.bench.light_client import LightClient
from tests.loadtests.bench.tiny_server import OK, Replies, TinyServer, tiny_server


@contextlib.contextmanager
def asking(replies: Replies = lambda _: [OK]) -> Iterator[tuple[TinyServer, LightClient]]:
    with tiny_server(replies) as server:
        client = LightClient(server.port, timeout=10)
        yield server, client
        client.close()


def test_a_request_has_path_length_headers_and_body() -> None:
    with asking() as (server, client):
        assert client.ask(client.request("/predict", b"{1}", {"X-API-Key": "k"})) == (200, "")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /predict HTTP/1.1"
    assert {b"Content-Length: 3", b"X-API-Key: k"} <= set(head.splitlines())
    assert body == b"{1}"


def test_a_refusal_brings_its_retry_after() -> None:
    refusal = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
    with asking(lambda _: [refusal]) as (_, client):
        assert client.ask(client.request("/", b"", {})) == (429, "7")


def test_a_response_in_pieces_is_read_to_its_end() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 6\r\n\r", b"\n{12", b"34}"]
    with asking(lambda _: pieces) as (server, client):
        request = client.request("/", b"", {})
        # What is left of the first response would be taken for the head of the second.
        assert [client.ask(request) for _ in range(3)] == [(200, "")] * 3
    assert server.connections == 1


def test_a_connection_is_used_again() -> None:
    with asking() as (server, client):
        for _ in range(5):
            client.ask(client.request("/", b"", {}))
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    asked = []

    def close_on_the_second(request: bytes) -> list[bytes] | None:
        asked.append(request)
        return None if len(asked) == 2 else [OK]

    with asking(close_on_the_second) as (server, client):
        request = client.request("/", b"", {})
        assert [client.ask(request) for _ in range(2)] == [(200, "")] * 2
    assert (server.connections, len(server.requests)) == (2, 3)


def test_a_new_connection_that_ends_early_is_an_error() -> None:
    with (
        asking(lambda _: None) as (_, client),
        pytest.raises(ConnectionResetError, match="before the end of the response"),
    ):
        client.ask(client.request("/", b"", {}))


def test_a_response_that_ends_within_its_body_is_an_error() -> None:
    replies = iter([[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], None])
    with asking(lambda _: next(replies)) as (server, client):
        request = client.request("/", b"", {})
        with pytest.raises(OSError, match="end of the response"):
            # The second request on the same connection is what makes the server close it.
            client.ask(request + request)
    assert len(server.requests) == 2
