"""What stands around a service: pages of other origins, proxies, a prefix, a browser's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.raw import ITEM, RawConnection, ask
from tests.e2e.server import ServerProcess

PAGE = "https://shop.example"
PREFIX = "/team/xcopa"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-api-key,x-request-timeout-ms",
}


@pytest.fixture(scope="module")
def plain(tiny_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=tiny_url) as client:
        yield client


@pytest.fixture(scope="module")
def around(tiny_direct: Path, tiny_stilts: Path) -> Iterator[httpx.Client]:
    """A service with a prefix, whose API a page of another origin may call."""
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_CORS_ORIGINS": f"{PAGE}, http://localhost:3000",
        "XCOPA_ROOT_PATH": PREFIX,
    }
    with (
        ServerProcess(**settings) as server,
        httpx.Client(base_url=server.wait_until_ready().url) as client,
    ):
        yield client


# Pages of other origins -------------------------------------------------------------------------


def test_a_page_of_an_allowed_origin_may_ask_and_read_what_it_needs(around: httpx.Client) -> None:
    asked = around.options("/predict/xcopa", headers={"Origin": PAGE, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    answer = around.post("/predict/xcopa", json=ITEM, headers={"Origin": PAGE})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in answer.headers["vary"]
    shown = answer.headers["access-control-expose-headers"]
    assert {"X-Request-ID", "Retry-After", "Server-Timing"} <= set(shown.split(", "))
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_of_an_allowed_origin_reads_a_refusal_too(around: httpx.Client) -> None:
    answer = around.post("/predict/xcopa", json={}, headers={"Origin": PAGE})
    assert answer.status_code == 422
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PAGE}.evil.example"])
def test_a_page_of_another_origin_is_not_let_in(around: httpx.Client, origin: str) -> None:
    asked = around.options("/predict/xcopa", headers={"Origin": origin, **PREFLIGHT})
    assert asked.status_code == 403
    assert asked.headers["content-type"] == "application/problem+json"
    assert asked.json()["request_id"] == asked.headers["x-request-id"]
    assert "access-control-allow-origin" not in asked.headers
    answer = around.post("/predict/xcopa", json=ITEM, headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


def test_without_the_setting_no_page_of_another_origin_may_call(plain: httpx.Client) -> None:
    asked = plain.options("/predict/xcopa", headers={"Origin": PAGE, **PREFLIGHT})
    assert asked.status_code == 405
    answer = plain.post("/predict/xcopa", json=ITEM, headers={"Origin": PAGE})
    assert not [name for name in answer.headers if name.startswith("access-control")]


# A prefix ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", PREFIX], ids=["taken off", "left on"])
def test_a_prefix_works_whether_or_not_the_proxy_takes_it_off(
    around: httpx.Client, prefix: str
) -> None:
    assert around.get(f"{prefix}/readyz").status_code == 200
    assert around.post(f"{prefix}/predict/xcopa", json=ITEM).status_code == 200
    assert around.head(f"{prefix}/docs").status_code == 200
    assert around.get(f"{prefix}/nothing").status_code == 404
    assert f"url: '{PREFIX}/openapi.json'" in around.get(f"{prefix}/docs").text
    assert around.get(f"{prefix}/openapi.json").json()["servers"][0]["url"] == PREFIX
    for path in re.findall(r'(?:src|href)="([^"]+)"', around.get(f"{prefix}/docs").text):
        assert path.startswith(PREFIX)
        assert around.get(path).status_code == 200
        assert around.get(path.removeprefix(PREFIX)).status_code == 200


def test_metrics_know_a_route_without_its_prefix(around: httpx.Client) -> None:
    around.post(f"{PREFIX}/predict/xcopa", json=ITEM)
    assert 'route="/predict/xcopa",status="200"' in around.get("/metrics").text


# A browser's rules --------------------------------------------------------------------------------

ANY_ANSWER = ["/livez", "/metrics", "/models", "/docs", "/redoc", "/openapi.json", "/nothing"]


@pytest.mark.parametrize("path", [*ANY_ANSWER, "/predict/xcopa"])
def test_every_answer_forbids_a_browser_to_make_more_of_it(plain: httpx.Client, path: str) -> None:
    answer = plain.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


def test_what_is_no_request_gets_the_same_headers(plain: httpx.Client) -> None:
    refused = ask(str(plain.base_url), b"nonsense\r\n\r\n").headers
    found = plain.get("/nothing").headers
    same = ["x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"]
    for name in [*same, "content-security-policy"]:
        assert refused[name] == found[name]


def test_data_runs_nothing_and_a_page_runs_what_this_service_serves(plain: httpx.Client) -> None:
    data, page = (plain.get(path).headers for path in ("/models", "/docs"))
    assert data["content-security-policy"].startswith("default-src 'none'")
    assert page["content-security-policy"].startswith("default-src 'self'")


def test_files_of_the_docs_may_be_kept_and_asked_for_again(plain: httpx.Client) -> None:
    path = "/static-offline-docs/swagger-ui.css"
    first = plain.get(path)
    assert "cache-control" not in first.headers
    again = plain.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


# Proxies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", ",", "nobody", "1.2.3.4, 5.6.7.8", "[::1]:80", "\u00ff" * 9])
def test_a_forwarded_address_of_any_form_is_no_error(plain: httpx.Client, value: str) -> None:
    forwarded = [(b"X-Forwarded-For", value.encode("latin-1")), (b"X-Forwarded-Proto", b"gopher")]
    assert plain.post("/predict/xcopa", json=ITEM, headers=forwarded).status_code == 200


def test_a_connection_is_kept_for_the_next_call_of_a_proxy(plain: httpx.Client) -> None:
    with RawConnection(str(plain.base_url)) as connection:
        request = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        assert [connection.send(request).answer().status for _ in range(3)] == [200] * 3
