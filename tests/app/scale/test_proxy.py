"""What callers see of Serve's proxies, and what Serve sees of callers."""

from __future__ import annotations

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import StartError
from app.scale.proxy import ProxyMiddleware, middleware
from tests.e2e.test_contract import check_problem

pytestmark = pytest.mark.anyio

LONGEST_S = 30.0


class Proxy:
    """A stand-in for Serve's proxy: it sends these messages, and keeps what it was asked."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        self.asked = Headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked = Headers(scope=scope)
        for message in self.messages:
            await send(message)


def page(status: int, content_type: str, *more: tuple[bytes, bytes]) -> tuple[Message, Message]:
    headers = [(b"content-type", content_type.encode()), *more, (b"X-Request-ID", b"of-serve")]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": b"the body", "more_body": False}


async def ask(proxy: ASGIApp, path: str = "/predict/xcopa", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(ProxyMiddleware(proxy, LONGEST_S))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(path, headers=named)


async def test_an_answer_of_a_replica_passes_with_one_request_id() -> None:
    start, body = page(200, "application/json", (b"x-request-id", b"of-replica"), (b"x", b"y"))
    response = await ask(Proxy(start, body), x_request_id="mine")
    assert (response.status_code, response.content) == (200, b"the body")
    assert response.headers.get_list("x-request-id") == ["mine"]
    assert response.headers["x"] == "y"


@pytest.mark.parametrize("status", [404, 429, 503])
async def test_a_problem_of_a_replica_passes(status: int) -> None:
    response = await ask(Proxy(*page(status, "application/problem+json")))
    assert (response.status_code, response.content) == (status, b"the body")


async def test_a_call_whose_replica_died_gets_503_and_when_to_come_again() -> None:
    response = await ask(Proxy(), x_request_id="mine")
    assert "ended before it answered" in check_problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "1"
    assert response.headers["x-request-id"] == "mine"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_replica_that_dies_between_head_and_body_has_not_answered() -> None:
    start, _ = page(200, "application/json")
    check_problem(await ask(Proxy(start)), 503)


@pytest.mark.parametrize(
    ("status", "told", "says"),
    [
        (404, 503, "not deployed"),
        (408, 504, "within the deadline"),
        (500, 503, "ended before"),
        (503, 503, "no replica"),
    ],
)
async def test_pages_of_serve_become_problems(status: int, told: int, says: str) -> None:
    response = await ask(Proxy(*page(status, "text/plain; charset=utf-8")))
    assert says in check_problem(response, told)["detail"]
    assert ("retry-after" in response.headers) == (told == 503)


async def test_too_many_calls_get_429_with_the_time_that_serve_names() -> None:
    response = await ask(Proxy(*page(429, "text/plain", (b"retry-after", b"7"))))
    check_problem(response, 429)
    assert response.headers["retry-after"] == "7"


async def test_clients_of_the_open_inference_protocol_read_errors_in_its_form() -> None:
    response = await ask(Proxy(), "/v2/models/stilts/infer")
    assert response.status_code == 503
    assert "ended before" in response.json()["error"]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (None, "31.000"),
        ("250", "1.250"),
        ("90000", "31.000"),
        ("soon", "31.000"),
        ("-1", "31.000"),
        ("nan", "31.000"),
    ],
)
async def test_the_deadline_of_a_call_is_serves_too(asked: str | None, seconds: str) -> None:
    proxy = Proxy()
    await ask(proxy, **({} if asked is None else {"x_request_timeout_ms": asked}))
    assert proxy.asked.getlist("x-request-timeout-seconds") == [seconds]
    assert proxy.asked.get("x-request-timeout-ms") == asked


async def test_a_caller_cannot_tell_serve_to_keep_a_call_for_ever() -> None:
    proxy = Proxy()
    await ask(
        proxy,
        x_request_timeout_seconds="-1",
        x_request_disconnect_disabled="?1",
        serve_multiplexed_model_id="x",
    )
    assert proxy.asked.getlist("x-request-timeout-seconds") == ["31.000"]
    assert "x-request-disconnect-disabled" not in proxy.asked
    assert "serve-multiplexed-model-id" not in proxy.asked


async def test_a_request_id_that_cannot_be_repeated_is_replaced_everywhere() -> None:
    proxy = Proxy()
    response = await ask(proxy, x_request_id="a b")
    [made] = proxy.asked.getlist("x-request-id")
    assert made == response.headers["x-request-id"] == response.json()["request_id"] != "a b"


async def test_paths_of_serve_are_left_to_it() -> None:
    response = await ask(Proxy(*page(503, "text/plain")), "/-/healthz")
    assert (response.status_code, response.text) == (503, "the body")


def test_serve_gets_the_deadline_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_REQUEST_TIMEOUT_MS", "1500")
    [made] = middleware()
    assert isinstance(made, Middleware)
    assert made.kwargs == {"longest_s": 1.5}


def test_a_wrong_setting_of_a_node_is_named_where_its_proxy_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XCOPA_REQUEST_TIMEOUT_MS", "soon")
    with pytest.raises(StartError, match="XCOPA_REQUEST_TIMEOUT_MS: Input should be a valid"):
        middleware()
