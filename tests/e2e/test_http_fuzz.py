"""Anything at all on the real socket: no status of 500, no hang, and the service lives on."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.raw import BODY, HANG_S, ITEM, RawConnection, chunked, post
from tests.e2e.server import ServerProcess

QUICK, LONG = 75, 5_000
BETWEEN_PROBES = 25
END = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""Ends a connection whose stream was whole; one that was not ends by its time limit."""

FREELY: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
METHODS = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "M-SEARCH"]
PATHS = [
    *("/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa", "/livez", "/metrics", "/docs"),
    *("/static-offline-docs/favicon.png", "/models", "/openapi.json"),
    *(
        "*",
        "/",
        "//",
        "/..",
        "/%",
        "/%00",
        "http://h/livez",
        "http://h",
        "h:1",
        "/static-offline-docs/",
    ),
]
NAMES = [
    *("Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect", "TE"),
    *("Content-Type", "Content-Encoding", "Accept", "Accept-Encoding", "Range", "If-None-Match"),
    *("X-API-Key", "Authorization", "X-Request-ID", "X-Request-Timeout-Ms", "X-Forwarded-For"),
    *("X-Forwarded-Proto", "Origin", "Access-Control-Request-Method", "traceparent", "tracestate"),
    *("baggage", "Cookie", "Forwarded", "HTTP2-Settings", "Trailer", "Server-Timing"),
]
VALUES = [
    *("", "x", "0", "5", "-1", "1e9", "99999999999999999999", "chunked", "gzip", "gzip, chunked"),
    *("identity", "close", "keep-alive", "Upgrade", "Upgrade, HTTP2-Settings", "h2c", "websocket"),
    *("100-continue", "application/json", "application/json; charset=utf-16", "text/plain", "*/*"),
    *("Bearer ", "Bearer x", "nan", "inf", "1.2.3.4", "[::1", "https", "bytes=0-,5-", "null"),
    *("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "POST", "https://a.example"),
]

FRAMING = {"Host", "Content-Length", "Transfer-Encoding"}
tame_values = st.sampled_from(VALUES).map(str.encode) | st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30
).map(lambda text: text.encode("latin-1"))
tame_names = st.sampled_from([name for name in NAMES if name not in FRAMING]).map(str.encode)
tame_lines = st.lists(st.tuples(tame_names, tame_values), max_size=5)
names = st.sampled_from(NAMES).map(str.encode) | st.binary(min_size=1, max_size=12)
values = st.sampled_from(VALUES).map(str.encode) | st.binary(max_size=40)
values |= st.integers(1, 40_000).map(lambda size: b"a" * size)
lines = st.lists(st.tuples(names, values), max_size=8)
json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
fields = st.fixed_dictionaries({name: json_values | st.just(value) for name, value in ITEM.items()})
documents = st.one_of(json_values, fields, st.fixed_dictionaries({"items": st.lists(fields)}))
bodies = st.one_of(
    st.binary(max_size=300), st.just(BODY), documents.map(lambda d: json.dumps(d).encode())
)
CODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"": bytes,
    b"Content-Encoding: gzip\r\n": gzip.compress,
    b"Content-Encoding: deflate\r\n": zlib.compress,
}


@st.composite
def tame(draw: st.DrawFn) -> bytes:
    """A request that is framed as it should be; what it says is anything."""
    coding = draw(st.sampled_from(sorted(CODINGS)))
    body = CODINGS[coding](draw(bodies))
    method = draw(st.sampled_from(["POST", "POST", "GET", "HEAD", "OPTIONS", "PUT"]))
    target = draw(st.sampled_from(PATHS[:9]) | st.from_regex(r"/[ -~]{0,9}", fullmatch=True))
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head_lines = b"".join(name + b": " + value + b"\r\n" for name, value in draw(tame_lines))
    if draw(st.booleans()):
        framing, body = (
            b"Transfer-Encoding: chunked\r\n\r\n",
            chunked(body, draw(st.integers(1, 99))),
        )
    else:
        framing = b"Content-Length: %d\r\n\r\n" % len(body)
    return head.encode() + coding + head_lines + framing + body


@st.composite
def wild(draw: st.DrawFn) -> bytes:
    """Something like a request, of which any part may be wrong."""
    body = draw(bodies)
    target = draw(st.sampled_from(PATHS).map(str.encode) | st.binary(max_size=20))
    method = draw(st.sampled_from(METHODS).map(str.encode) | st.binary(max_size=8))
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9", b""]))
    given_lines = draw(lines)
    if draw(st.booleans()):
        given_lines.append((b"Content-Length", b"%d" % len(body)))
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]))
    head = [b" ".join([method, target, version]), *(b": ".join(line) for line in given_lines)]
    return end.join([*head, b"", b""]) + body


streams = st.lists(tame() | tame() | wild() | st.just(post()), max_size=4)


@pytest.fixture(scope="module")
def url(tiny_direct: Path, tiny_stilts: Path) -> Iterator[str]:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_RECEIVE_TIMEOUT_S": "0.1",
        "XCOPA_KEEP_ALIVE_S": "1",
        "XCOPA_CORS_ORIGINS": "https://a.example",
    }
    with ServerProcess(**settings) as server:
        yield server.wait_until_ready().url


def statuses_until_the_end(url: str, parts: list[bytes]) -> list[int]:
    """Send the parts one by one; return the status of every answer, until the server closes."""
    heard = b""
    with RawConnection(url) as connection:
        with contextlib.suppress(ConnectionError):
            connection.send(*parts)
        with contextlib.suppress(ConnectionResetError):
            while more := connection.socket.recv(65_536):
                heard += more
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)]


def survives(url: str, count: int) -> None:
    probe = httpx.Client(base_url=url, timeout=HANG_S)
    sent = 0

    @settings(max_examples=count, phases=[Phase.generate], **FREELY)
    @given(streams, st.integers(1, 4))
    def send(pieces: list[bytes], count: int) -> None:
        nonlocal sent
        stream = b"".join(pieces) + END
        size = len(stream) // count + 1
        parts = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert 500 not in statuses_until_the_end(url, parts), stream
        sent += 1
        if sent % BETWEEN_PROBES == 0:
            assert probe.get("/readyz").status_code == 200
            assert probe.post("/predict/xcopa", json=ITEM).status_code == 200

    with probe:
        send()
        unforeseen = [
            line
            for line in probe.get("/metrics").text.splitlines()
            if line.startswith("xcopa_http_requests_total")
            and 'status="500"' in line
            and not line.endswith(" 0.0")
        ]
    assert unforeseen == []


@pytest.mark.slow
def test_two_minutes_of_anything_are_answered_or_closed(url: str) -> None:
    survives(url, LONG)


def test_any_body_is_answered_or_explained(tiny_url: str) -> None:
    client = httpx.Client(base_url=tiny_url, timeout=HANG_S)

    @settings(max_examples=QUICK, **FREELY)
    @given(bodies, st.sampled_from(["gzip", "deflate", "identity", "br"]), st.booleans())
    def send(body: bytes, encoding: str, packed: bool) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        content = gzip.compress(body) if packed else body
        response = client.post("/predict/xcopa/batch", content=content, headers=headers)
        assert response.status_code in (200, 400, 413, 415, 422), response.text

    with client:
        send()
