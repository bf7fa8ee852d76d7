"""API keys on the real server: who is let in, and what changes while it runs."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.keys.keys_file import add_key
from tests.e2e.raw import BODY, ITEM, PREDICT, RawConnection, post
from tests.e2e.server import ServerProcess
from tests.sample import sample_items

TWENTY = 20 * 2**20
WAIT_S = 60
PAGE = "https://page.example"


class KeyedServer:
    """A server whose callers need keys, the file of the keys, and two of them."""

    def __init__(self, server: ServerProcess, path: Path, alice: str, slow: str) -> None:
        self.server, self.path = server, path
        self.url = server.url
        self.alice, self.slow = alice, slow

    def ask(self, key: str | None, path: str = "/predict/xcopa") -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.post(f"{self.url}{path}", json=ITEM, headers=headers, timeout=60)

    def metric(self, series: str) -> float:
        text = httpx.get(f"{self.url}/metrics").text
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        assert found, series
        return float(found.group(1))


def xcopa(*arguments: object) -> str:
    command = [sys.executable, "-m", "xcopa.main", "keys", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something has become true, which the file's next readings bring about."""
    give_up = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < give_up, "nothing changed"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture(scope="module")
def keyed(
    sources: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KeyedServer]:
    path = tmp_path_factory.mktemp("keys") / "keys"
    alice = add_key(path, "alice", weight=2)
    slow = add_key(path, "slow", tokens_per_second=100)
    settings = {
        **sources,
        "XCOPA_API_KEYS_FILE": str(path),
        "XCOPA_LOG_LEVEL": "debug",
        "XCOPA_CORS_ORIGINS": PAGE,
    }
    with ServerProcess(**settings) as server:
        yield KeyedServer(server.wait_until_ready(), path, alice, slow)


def test_a_key_opens_what_is_closed_without_one(keyed: KeyedServer) -> None:
    assert keyed.ask(None).status_code == 401
    assert keyed.ask(f"{keyed.alice}x").status_code == 401
    assert keyed.ask(keyed.alice).status_code == 200
    for path in ("/livez", "/readyz", "/startupz", "/metrics", "/v2/health/ready", "/docs"):
        assert httpx.get(keyed.url + path).status_code == 200
        assert httpx.head(keyed.url + path).status_code == 200
    page = httpx.get(f"{keyed.url}/docs").text
    for file in re.findall(r'(?:src|href)="(/[^"]+)"', page):
        assert httpx.get(keyed.url + file).status_code == 200, file
    assert httpx.get(f"{keyed.url}/models").status_code == 401
    assert httpx.head(f"{keyed.url}/models").status_code == 401
    assert httpx.get(f"{keyed.url}/models", headers={"X-API-Key": keyed.alice}).is_success


def test_the_file_changes_and_the_server_goes_on(keyed: KeyedServer) -> None:
    """Added, broken, mended, revoked: each without a restart."""
    bob = xcopa("add", "bob", "--file", keyed.path)
    assert keyed.ask(bob).status_code in (200, 401)
    until(lambda: keyed.ask(bob).status_code == 200)
    whole = keyed.path.read_bytes()
    keyed.path.write_bytes(whole.replace(b"bob sha256:", b"bob sha255:"))
    until(lambda: keyed.metric("xcopa_keys_outdated") == 1)
    keyed.server.wait_for_line(r"ERROR app.keys.*of before.*line 3, digest", WAIT_S)
    assert keyed.ask(bob).status_code == 200
    assert httpx.get(f"{keyed.url}/readyz").status_code == 200
    keyed.path.write_bytes(whole)
    until(lambda: keyed.metric("xcopa_keys_outdated") == 0)
    xcopa("revoke", "bob", "--file", keyed.path)
    until(lambda: keyed.ask(bob).status_code == 403)
    assert keyed.ask(bob).status_code == 403
    assert keyed.ask(keyed.alice).status_code == 200


@pytest.mark.parametrize("framing", ["whole", "chunked"])
@pytest.mark.parametrize("path", ["/predict/xcopa", "/v2/models/direct/infer", "/nothing"])
def test_who_has_no_key_reads_why_although_it_sent_20_megabytes(
    keyed: KeyedServer, path: str, framing: str
) -> None:
    parts = urlsplit(keyed.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=60)
    body: object = bytes(TWENTY) if framing == "whole" else iter([bytes(2**20)] * 20)
    with contextlib.closing(connection):
        connection.request("POST", path, body)  # type: ignore[arg-type]
        answer = connection.getresponse()
        assert answer.status == 401
        assert answer.headers["connection"] == "close"
        assert answer.headers["www-authenticate"] == 'Bearer realm="xcopa"'
        assert "API key" in str(json.loads(answer.read()))


def test_requests_and_httpx_read_it_too(keyed: KeyedServer) -> None:
    requests = pytest.importorskip("requests")
    assert requests.post(f"{keyed.url}/rank", data=b"x" * TWENTY, timeout=60).status_code == 401
    with httpx.Client(base_url=keyed.url, timeout=60) as client:
        assert client.post("/rank", content=b"x" * TWENTY).status_code == 401
        assert client.get("/livez").status_code == 200


def test_who_waits_to_be_asked_for_its_body_is_refused_before_it_sends_it(
    keyed: KeyedServer,
) -> None:
    """``Expect: 100-continue``, as curl sends it for a large body."""
    with RawConnection(keyed.url) as connection:
        connection.send(PREDICT, b"Expect: 100-continue\r\nContent-Length: 20000000\r\n\r\n")
        assert connection.answer().status == 401


def test_a_small_request_without_a_key_keeps_the_connection(keyed: KeyedServer) -> None:
    key = b"X-API-Key: " + keyed.alice.encode() + b"\r\n"
    with RawConnection(keyed.url) as connection:
        assert connection.send(post()).answer().status == 401
        assert connection.send(post(key)).answer().status == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Authorization: bearer KEY", 200),
        (b"authorization:BEARER  KEY  ", 200),
        (b"x-api-key:KEY\t", 200),
        (b"X-API-Key: KEY\r\nX-API-Key: KEY", 200),
        (b"X-API-Key: KEY\r\nAuthorization: Bearer other", 401),
        (b"X-API-Key: KEY, other", 401),
        (b"X-API-Key: caf\xe9\xff", 401),
        (b"Authorization: Bearer \xf0\x9f\x94\x91", 401),
        (b"Authorization: Basic KEY", 401),
        (b"Authorization: KEY", 401),
        (b"X-API-Key:", 401),
    ],
)
def test_headers_as_they_are_spoken(keyed: KeyedServer, header: bytes, status: int) -> None:
    line = header.replace(b"KEY", keyed.alice.encode()) + b"\r\n"
    with RawConnection(keyed.url) as connection:
        answer = connection.send(post(line)).answer()
        assert answer.status == status
        assert ("www-authenticate" in answer.headers) is (status == 401)


def test_a_page_of_an_allowed_origin_asks_first_without_a_key(keyed: KeyedServer) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    headers = {"Origin": PAGE, **asked}
    first = httpx.options(f"{keyed.url}/predict/xcopa", headers=headers)
    assert first.status_code == 200
    refused = httpx.post(f"{keyed.url}/predict/xcopa", headers={"Origin": PAGE})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_a_limit_is_kept_and_its_wait_is_true(keyed: KeyedServer) -> None:
    """A batch is let in although it has more tokens than are saved up, and is then paid for."""
    headers = {"X-API-Key": keyed.slow}
    batch = {"items": [ITEM] * 8}
    with httpx.Client(base_url=keyed.url, headers=headers, timeout=60) as client:
        assert client.post("/predict/xcopa/batch", json=batch).status_code == 200
        refused = client.post("/predict/xcopa", json=ITEM)
        assert refused.status_code == 429
        assert refused.json()["type"] == "urn:xcopa:problem:rate-limited"
        for path in ("/rank", "/compare/xcopa", "/v2/models/direct/infer"):
            assert client.post(path, json=body_of(path)).status_code == 429
        assert client.get("/models").status_code == 200
        time.sleep(int(refused.headers["Retry-After"]))
        assert client.post("/predict/xcopa", json=ITEM).status_code == 200
    assert keyed.ask(keyed.alice).status_code == 200
    assert keyed.metric('xcopa_key_limited_total{key="slow"}') == 4
    assert keyed.metric('xcopa_key_tokens_total{key="slow"}') > 100


def body_of(path: str) -> object:
    if path == "/rank":
        return {"premise": "Wet.", "choices": ["Rain.", "Sun."], "question": "cause"}
    if path == "/compare/xcopa":
        return ITEM
    tensors = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [text]}
        for name, text in ITEM.items()
    ]
    return {"inputs": tensors}


def test_the_clients_of_the_house_send_a_key(keyed: KeyedServer, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f"{json.dumps(each)}\n" for each in sample_items()[:5]), "utf-8")
    (tmp_path / "key").write_text(keyed.alice + "\n", "utf-8")
    command = [sys.executable, "-m", "xcopa.main", "predict", str(rows), "--against", keyed.url]
    of_file = [*command, "--key-file", str(tmp_path / "key")]
    done = subprocess.run(of_file, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5), done.stderr
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "XCOPA_API_KEY" in done.stderr


def test_the_log_never_has_a_key_or_its_digest_but_names(keyed: KeyedServer) -> None:
    """At its most talkative, after right keys, wrong ones, and calls that are refused."""
    keyed.ask(keyed.alice)
    keyed.ask(f"{keyed.alice[:-3]}abc")
    body = BODY.replace(b"cause", b"why")
    with RawConnection(keyed.url) as connection:
        key = b"X-API-Key: " + keyed.alice.encode() + b"\r\n"
        assert connection.send(post(key, body=body)).answer().status == 422
        connection.send(b"nonsense " + keyed.alice.encode() + b"\r\n\r\n").answer()
    keyed.server.wait_for_line(r"by the key alice", WAIT_S)
    log = "\n".join(keyed.server.output)
    kept = re.findall(r"[0-9a-f]{32,}", keyed.path.read_text("utf-8"))
    secrets = [keyed.alice.split("_")[2], keyed.slow.split("_")[2], *kept]
    assert [secret for secret in secrets if secret[:20] in log] == []
    assert "1 revoked" in log or "alice" in log


# Starts ------------------------------------------------------------------------------------------


def test_a_file_that_is_broken_is_one_line_before_anything_is_loaded(
    sources: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("# team\nalice secret-in-plain-text\n", "utf-8")
    with ServerProcess(**sources, XCOPA_API_KEYS_FILE=str(tmp_path / "broken")) as server:
        assert server.exit_status() == 1
    [line] = [each for each in server.output if "cannot start" in each]
    assert f"XCOPA_API_KEYS_FILE: {tmp_path / 'broken'}: line 2, digest: " in line
    assert "secret-in" not in "\n".join(server.output)
    assert "Traceback" not in "\n".join(server.output)


@pytest.mark.slow
def test_an_empty_file_lets_nobody_in_and_says_so(sources: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    with ServerProcess(**sources, XCOPA_API_KEYS_FILE=str(tmp_path / "keys")) as server:
        server.wait_until_ready()
        server.wait_for_line("no valid key: every call is refused")
        for headers in ({}, {"X-API-Key": ""}, {"Authorization": "Bearer x"}):
            asked = httpx.post(f"{server.url}/predict/xcopa", json=ITEM, headers=headers)
            assert asked.status_code == 401
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_without_the_setting_everybody_may_call_whatever_it_sends(tiny_url: str) -> None:
    assert httpx.post(f"{tiny_url}/predict/xcopa", json=ITEM).status_code == 200
    two = {"X-API-Key": "one", "Authorization": "Bearer other"}
    assert httpx.post(f"{tiny_url}/predict/xcopa", json=ITEM, headers=two).status_code == 200
