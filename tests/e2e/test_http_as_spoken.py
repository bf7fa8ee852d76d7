"""HTTP as others speak it: every client that speaks it in its own way is answered, soundly."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.raw import BODY, ITEM, PREDICT, RawAnswer, RawConnection, ask, chunked, post
from tests.e2e.server import ServerProcess

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAA\r\n"
WEBSOCKET = (
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def url(tiny_url: str) -> str:
    return tiny_url


def predicted(answer: RawAnswer) -> bool:
    return answer.status == 200 and answer.json()["model"] == "stilts"


# An upgrade that is offered ---------------------------------------------------------------------


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
def test_an_offer_to_upgrade_does_not_lose_the_body(url: str, offer: bytes) -> None:
    assert predicted(ask(url, post(offer)))
    assert predicted(ask(url, PREDICT + offer + CHUNKED, chunked()))


def test_an_offer_to_upgrade_does_not_lose_a_body_that_comes_later(url: str) -> None:
    head, _, body = post(H2C).partition(b"\r\n\r\n")
    with RawConnection(url) as connection:
        for part in (head[:40], head[40:] + b"\r\n", b"\r\n" + body[:9]):
            connection.send(part)
            assert httpx.get(f"{url}/livez").status_code == 200  # the part has been read
        assert predicted(connection.send(body[9:]).answer())


def test_a_connection_goes_on_after_an_offer_to_upgrade(url: str) -> None:
    with RawConnection(url) as connection:
        connection.send(post(H2C) + post(H2C) + post() + post(WEBSOCKET))
        assert [predicted(connection.answer()) for _ in range(4)] == [True] * 4
        assert predicted(connection.send(PREDICT + H2C + CHUNKED, chunked()).answer())


def test_curl_that_offers_http2_is_answered(url: str) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--http2", "--json", json.dumps(ITEM), f"{url}/predict/xcopa"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["model"] == "stilts"


def test_connect_is_refused_and_ends(url: str) -> None:
    with RawConnection(url) as connection:
        answer = connection.send(b"CONNECT host:443 HTTP/1.1\r\nHost: host\r\n\r\n").answer()
        assert answer.status == 501
        assert connection.ended()


# Methods and targets ----------------------------------------------------------------------------

GET_PATHS = ["/livez", "/readyz", "/startupz", "/metrics", "/models", "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", GET_PATHS)
def test_head_is_get_without_a_body(url: str, path: str) -> None:
    with RawConnection(url) as connection:
        request = f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        answer = connection.send(request).answer(head=True)
        assert answer.status == 200
        assert int(answer.headers["content-length"]) > 0
        assert connection.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("HEAD", "/predict/xcopa", 405, "POST"),
        ("OPTIONS", "/predict/xcopa", 405, "POST"),
        ("OPTIONS", "/livez", 405, "GET, HEAD"),
        ("DELETE", "/models", 405, "GET, HEAD"),
        ("HEAD", "/nothing", 404, None),
    ],
)
def test_another_method_is_told_which_there_are(
    url: str, method: str, path: str, status: int, allow: str | None
) -> None:
    response = httpx.request(method, url + path)
    assert (response.status_code, response.headers.get("allow")) == (status, allow)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/livez?x=1", 200),
        (b"/%6civez", 200),
        (b"http://elsewhere/livez", 200),
        (b"HTTP://elsewhere:80/livez?x", 200),
        (b"http://elsewhere", 200),  # an absolute target without a path is ``/``: RFC 9112, 3.2.2
        (b"http://elsewhere?x", 200),
        (b"http://elsewhere/nothing", 404),
        (b"/livez/", 404),
        (b"//livez", 404),
        (b"/../livez", 404),
        (b"/livez%00", 404),
        (b"/%ff%fe", 404),
        (b"/livez;a=b", 404),
        (b"/static-offline-docs/%00", 404),
        (b"/static-offline-docs/..%2f..%2fpyproject.toml", 404),
        (b"/static-offline-docs/" + b"a" * 5_000, 404),
        (b"/\xc3\xa9", 400),
        (b"livez", 400),
    ],
)
def test_a_target_in_any_form_is_found_or_not(url: str, target: bytes, status: int) -> None:
    answer = ask(url, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == status


def test_no_redirect_names_the_host_that_a_request_claims(url: str) -> None:
    """A slash too many was answered with a redirect to ``http://`` and the caller's own Host."""
    request = b"GET /models/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    answer = ask(url, request)
    assert answer.status == 404
    assert "location" not in answer.headers
    assert "slash" in answer.json()["detail"]


def test_options_of_the_server_itself_are_answered(url: str) -> None:
    assert ask(url, b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").status in (404, 405)


# Heads ------------------------------------------------------------------------------------------

GET = b"GET /livez HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "head",
    [
        GET + b"Host: x\r\n",
        GET + b"host:x\r\n",
        GET + b"HOST:   x  \r\n",
        GET + b"Host: \r\n",
        GET + b"Host: x\r\nTE: trailers\r\nConnection: TE\r\n",
        GET + b"Host: x\r\nAccept: text/html, */*;q=0.1\r\n",
        GET + b"Host: x\r\nAccept: application/xml\r\n",
        GET + b"Host: x\r\nX-Name: J\xf6rg \xe4\xff\r\n",
        GET + b"Host: x\r\nX-Request-ID: \xff\xfe\r\n",
        GET + b"Host: x\r\ntraceparent: " + b"0" * 20_000 + b"\r\n",
        GET + b"Host: x\r\nX-Empty:\r\n",
        GET + b"Host: x\r\nContent-Encoding: br\r\n",
        GET + b"Host: x\r\nContent-Type: \xff;;;=\r\n",
        b"GET /livez HTTP/1.0\r\n",
        b"GET /livez HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n",
    ],
)
def test_a_head_that_is_unusual_is_read(url: str, head: bytes) -> None:
    assert ask(url, head + b"\r\n").status == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + b"\r\n", 400),
        (GET + b"Host: x\r\nHost: y\r\n\r\n", 400),
        (GET + b"Host : x\r\n\r\n", 400),
        (GET + b"Host: x\r\nX-Folded: a\r\n b\r\n\r\n", 400),
        (GET + b"Host: x\r\nX-Null: \x00\r\n\r\n", 400),
        (GET + b"Host: x\r\nno colon\r\n\r\n", 400),
        (b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"NOTHING /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /livez HTTP/7.3\r\nHost: x\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (post(b"Content-Length: 5\r\n"), 400),
        (post(b"Content-Length: -5\r\n"), 400),
        (post(b"Transfer-Encoding: chunked\r\n"), 400),
        (PREDICT + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (PREDICT + b"Transfer-Encoding: identity\r\n\r\n", 501),
        (PREDICT + CHUNKED + b"zz\r\n", 400),
    ],
)
def test_what_is_no_request_is_a_problem_and_the_end(
    url: str, request_: bytes, status: int
) -> None:
    with RawConnection(url) as connection:
        answer = connection.send(request_).answer()
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert answer.headers["connection"] == "close"
        assert connection.ended()


def test_requests_before_one_that_is_none_are_answered(url: str) -> None:
    with RawConnection(url) as connection:
        connection.send(post() + post() + b"nonsense\r\n\r\n")
        statuses = [connection.answer().status for _ in range(2)]
        assert statuses == [200, 200]
        assert connection.answer().status == 400
        assert connection.ended()


def test_requests_before_a_body_that_is_none_are_answered(url: str) -> None:
    with RawConnection(url) as connection:
        connection.send(post() + post() + PREDICT + CHUNKED + b"zz\r\n")
        assert [connection.answer().status for _ in range(3)] == [200, 200, 400]
        assert connection.ended()


def test_nothing_is_said_after_an_answer_that_ends_the_connection(url: str) -> None:
    with RawConnection(url) as connection:
        connection.send(post(b"Connection: close\r\n") + b"nonsense\r\n\r\n" + post())
        assert connection.answer().status == 200
        assert connection.ended()


def test_lines_that_are_empty_before_a_request_are_skipped(url: str) -> None:
    assert ask(url, b"\r\n\r\n" + post()).status == 200


def test_pipelined_requests_are_answered_in_order(url: str) -> None:
    with RawConnection(url) as connection:
        ids = [f"{number}" for number in range(20)]
        connection.send(b"".join(post(f"X-Request-ID: {each}\r\n".encode()) for each in ids))
        assert [connection.answer().headers["x-request-id"] for _ in ids] == ids


# Bodies -----------------------------------------------------------------------------------------


def test_a_body_in_chunks_of_one_byte_is_read(url: str) -> None:
    assert predicted(ask(url, PREDICT + CHUNKED, chunked(size=1)))


def test_trailers_are_no_headers(url: str) -> None:
    """A trailer came among the headers, after whatever had looked at those."""
    trailers = b"X-Request-Timeout-Ms: soon\r\n"
    head = PREDICT + b"TE: trailers\r\nTrailer: X-Request-Timeout-Ms\r\n" + CHUNKED
    assert predicted(ask(url, head, chunked(trailers=trailers)))


def test_who_expects_to_go_on_is_told_to(url: str) -> None:
    with RawConnection(url) as connection:
        connection.send(post(b"Expect: 100-continue\r\n", body=b"", length=len(BODY)))
        assert connection.answer().status == 100
        assert predicted(connection.send(BODY).answer())


def test_who_expects_to_go_on_with_too_much_is_refused_at_once(url: str) -> None:
    with RawConnection(url) as connection:
        connection.send(post(b"Expect: 100-continue\r\n", body=b"", length=20_000_000))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize(
    "declared",
    [
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "APPLICATION/JSON",
        "application/vnd.api+json",
    ],
)
def test_json_by_any_name_is_read(url: str, declared: str) -> None:
    headers = {"Content-Type": declared}
    assert httpx.post(f"{url}/predict/xcopa", content=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xef\xbb\xbf" + BODY, 200),
        (b" \r\n\t" + BODY + b"\n", 200),
        (BODY.decode().encode("utf-16"), 422),
        (BODY.decode().encode("utf-32-le"), 422),
        (BODY.replace(b'"question"', b'"premise": "A dog.", "question"'), 422),
        (BODY.replace(b'"cause"', b"NaN"), 422),
        (BODY.replace(b'"cause"', b"-Infinity"), 422),
        (BODY.replace(b'"cause"', b"1e999"), 422),
        (BODY.replace(b'"cause"', b"9" * 10_000), 422),
        (BODY.replace(b'"cause"', b"[" * 50_000 + b"]" * 50_000), 422),
        (BODY.replace(b"A storm", b"\\ud800"), 422),
        (BODY.replace(b"A storm", b"\\u0000"), 200),
        (BODY.replace(b"A storm", b"a\x00b"), 422),
        (BODY + BODY, 422),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b"\x00", 422),
    ],
)
def test_a_body_that_is_unusual_is_read_or_refused(url: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    response = httpx.post(f"{url}/predict/xcopa", content=body, headers=headers)
    assert response.status_code == status, response.text
    assert len(response.content) < 3_000, "the refusal repeats what it refuses"


def test_a_field_that_is_there_twice_is_named(url: str) -> None:
    body = BODY.replace(b'"question"', b'"premise": "A dog.", "question"')
    headers = {"Content-Type": "application/json"}
    response = httpx.post(f"{url}/predict/xcopa", content=body, headers=headers)
    assert "premise" in response.json()["detail"]


# A connection that is kept ------------------------------------------------------------------------


@pytest.mark.slow
def test_an_idle_connection_is_kept_as_long_as_the_setting_says(
    tiny_direct: Path, tiny_stilts: Path
) -> None:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_KEEP_ALIVE_S": "1",
    }
    with ServerProcess(**settings) as server:
        url = server.wait_until_ready().url
        with RawConnection(url) as connection, RawConnection(url) as silent:
            assert predicted(connection.send(post()).answer())
            assert predicted(connection.send(post()).answer())
            assert connection.ended()
            assert silent.ended(), "one that never speaks is idle too"
