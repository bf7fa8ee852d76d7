"""Bodies that are compressed, too large, or sent to somebody who does not want them."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import subprocess
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.raw import BODY, ITEM, PREDICT, RawConnection, post

MEGABYTE = 2**20
TWENTY = 20 * MEGABYTE


@pytest.fixture(scope="module")
def url(tiny_url: str) -> str:
    return tiny_url


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def sent(url: str, body: bytes, encoding: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    return httpx.post(f"{url}/predict/xcopa", content=body, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("GZIP", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY, mtime=0)),
        ("gzip", gzip.compress(BODY[:40], mtime=0) + gzip.compress(BODY[40:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY, 0)),
        ("deflate", raw_deflate(BODY)),
        ("identity", BODY),
    ],
)
def test_a_compressed_body_is_read(url: str, encoding: str, body: bytes) -> None:
    response = sent(url, body, encoding)
    assert response.status_code == 200, response.text
    assert response.json()["model"] == "stilts"


def test_a_compressed_body_in_chunks_is_read(url: str) -> None:
    packed = zlib.compress(BODY)
    headers = {"Content-Type": "application/json", "Content-Encoding": "deflate"}
    parts = (packed[start : start + 1] for start in range(len(packed)))
    response = httpx.post(f"{url}/predict/xcopa", content=parts, headers=headers)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "aws-chunked", "x" * 5_000])
def test_another_encoding_is_told_which_are_read(url: str, encoding: str) -> None:
    response = sent(url, BODY, encoding)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip, deflate"
    assert response.headers["content-type"] == "application/problem+json"
    assert encoding[:20] in response.json()["detail"]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)[:-9]),
        ("gzip", gzip.compress(BODY, mtime=0)[:5]),
        ("gzip", gzip.compress(BODY, mtime=0) + b"more"),
        ("gzip", gzip.compress(b"", mtime=0) * 50_000),
        ("gzip", b""),
        ("deflate", BODY),
        ("deflate", zlib.compress(BODY)[:-1]),
        ("deflate", zlib.compress(BODY) + b"more"),
        ("deflate", b"x"),
    ],
)
def test_a_compressed_body_that_is_damaged_is_a_problem(
    url: str, encoding: str, body: bytes
) -> None:
    response = sent(url, body, encoding)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_413_and_memory_stays(url: str, encoding: str) -> None:
    """A megabyte that decompresses to a gigabyte is given up at the limit of a body."""
    packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    zeros = bytes(MEGABYTE)
    bomb = b"".join(packer.compress(zeros) for _ in range(1000)) + packer.flush()
    assert len(bomb) < MEGABYTE
    before = peak_memory(url)
    response = sent(url, bomb, encoding)
    assert response.status_code == 413
    assert "decompressed" in response.json()["detail"]
    assert peak_memory(url) - before < 50 * MEGABYTE


def peak_memory(url: str) -> float:
    text = httpx.get(f"{url}/metrics").text
    [line] = [line for line in text.splitlines() if line.startswith("process_resident_memory")]
    return float(line.split()[1])


# Too large --------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["whole", "chunked"])
@pytest.mark.parametrize(
    ("path", "status"), [("/predict/xcopa", 413), ("/livez", 405), ("/nothing", 404)]
)
def test_who_sends_all_before_reading_reads_why_it_was_not_wanted(
    url: str, path: str, status: int, framing: str
) -> None:
    """The connection was reset in the midst of the body; ``http.client`` reads no answer then."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=60)
    body: Any = bytes(TWENTY) if framing == "whole" else iter([bytes(MEGABYTE)] * 20)
    with contextlib.closing(connection):
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        assert json.loads(answer.read())["status"] == status


def test_requests_reads_that_its_body_is_too_large(url: str) -> None:
    requests = pytest.importorskip("requests")
    for _ in range(3):
        response = requests.post(
            f"{url}/predict/xcopa",
            data=b"x" * TWENTY,
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "chunked"])
@pytest.mark.parametrize("path", ["/predict/xcopa", "/livez", "/nothing"])
def test_httpx_reads_why_its_body_is_not_wanted(url: str, whole: bool, path: str) -> None:
    parts = (b"x" * 65_536 for _ in range(TWENTY // 65_536))
    content = b"x" * TWENTY if whole else parts
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=url, timeout=60) as client:
        response = client.post(path, content=content, headers=headers)
        expected = {"/predict/xcopa": 413, "/livez": 405, "/nothing": 404}[path]
        assert response.status_code == expected
        assert client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "options",
    [[], ["--header", "Expect:"], ["--header", "Transfer-Encoding: chunked"], ["--http2"]],
    ids=["expect", "at once", "chunked", "http2"],
)
def test_curl_reads_that_its_body_is_too_large(
    url: str, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "body").write_bytes(bytes(TWENTY))
    command = [
        *("curl", "--silent", "--show-error", "--data-binary", "@body", *options),
        *("--header", "Content-Type: application/json", "--write-out", "%{http_code}"),
        *("--output", "answer", f"{url}/predict/xcopa"),
    ]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=60)
    assert done.stdout == b"413", done.stderr
    assert json.loads((tmp_path / "answer").read_bytes())["status"] == 413


def test_who_sends_without_end_is_let_go(url: str) -> None:
    """The refusal is read, and the rest is dropped up to a limit: then the connection ends."""
    with RawConnection(url) as connection:
        connection.send(PREDICT + b"Content-Length: 10000000000\r\n\r\n")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.send(bytes(200 * MEGABYTE))


def test_a_refusal_ends_the_connection_when_the_client_has_read_it(url: str) -> None:
    with RawConnection(url) as connection:
        answer = connection.send(post(body=bytes(2 * MEGABYTE))).answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert connection.ended()
    assert httpx.post(f"{url}/predict/xcopa", json=ITEM).status_code == 200
