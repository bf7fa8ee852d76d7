"""Request ids, the body limit and the count of requests, around a small application."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problem
from app.api.access import AccessMiddleware
from app.api.content_encoding import DecodeBodyMiddleware
from app.api.middleware import (
    BodyLimitMiddleware,
    DefectsMiddleware,
    RequestIdMiddleware,
    TargetMiddleware,
)
from app.api.security_headers import SecurityHeadersMiddleware
from app.telemetry.log_format import current_request
from app.telemetry.metrics import Metrics
from tests.app.api.stand_in import client

LIMIT = 10

pytestmark = pytest.mark.anyio


def small_application() -> FastAPI:
    app = FastAPI()
    problem.install(app)

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    @app.get("/items/{number}")
    async def item(number: int, request: Request) -> str:
        return f"{number} {problem.request_id_of(request)}"

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a defect")

    return app


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


# Request ids --------------------------------------------------------------------------------


async def id_of(given: str | None) -> httpx.Response:
    app = small_application()
    app.add_middleware(RequestIdMiddleware)
    headers = {} if given is None else {"X-Request-ID": given}
    async with client(app) as made:
        return await made.get("/items/1", headers=headers)


@pytest.mark.parametrize("given", ["abc", "!~", "0b1c-22:x/y", "x" * 128])
async def test_an_id_that_can_be_printed_is_echoed_and_known_to_routes(given: str) -> None:
    response = await id_of(given)
    assert response.headers["x-request-id"] == given
    assert response.json() == f"1 {given}"


@pytest.mark.parametrize("given", [None, "", "two words", "tab\there", "x" * 129])
async def test_any_other_id_is_replaced_by_one_of_16_hexadecimal_digits(given: str | None) -> None:
    response = await id_of(given)
    made = response.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert response.json() == f"1 {made}"


async def test_two_requests_without_an_id_get_two() -> None:
    one, other = await id_of(None), await id_of(None)
    assert one.headers["x-request-id"] != other.headers["x-request-id"]


async def log_ids_of(**headers: str) -> dict[str, str]:
    """What each line of the log has that is written within one request."""
    app, seen = small_application(), dict[str, str]()

    @app.get("/ids")
    async def ids() -> None:
        seen.update(current_request.get() or {})

    app.add_middleware(RequestIdMiddleware)
    async with client(app) as made:
        await made.get("/ids", headers=headers)
    return seen


async def test_lines_of_the_log_have_the_id_and_the_trace_that_the_caller_names() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Request-ID": "abc", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    assert await log_ids_of(**headers) == {"request_id": "abc", "trace_id": trace_id}


@pytest.mark.parametrize(
    "traceparent",
    [
        *("", "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd8448eb211c80319c-01"),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"ff-{'a' * 32}-b7ad6b7169203331-01",
        f"00-{'A' * 32}-b7ad6b7169203331-01",
        f"00-{'a' * 32}-b7ad6b7169203331-01\t{{",
    ],
)
async def test_a_trace_that_is_none_stands_in_no_line(traceparent: str) -> None:
    seen = await log_ids_of(**{"X-Request-ID": "abc", "traceparent": traceparent})
    assert seen == {"request_id": "abc"}


# The body limit -----------------------------------------------------------------------------


async def posted(content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    app = small_application()
    app.add_middleware(BodyLimitMiddleware, max_bytes=LIMIT)
    async with client(app) as made:
        return await made.post("/length", content=content, headers=headers)


@pytest.mark.parametrize("size", [0, LIMIT - 1, LIMIT])
async def test_a_body_within_the_limit_is_read_whole(size: int) -> None:
    assert (await posted(b"x" * size)).json() == size
    assert (await posted(chunks(b"x" * size))).json() == size


async def test_chunks_within_the_limit_are_read_whole() -> None:
    assert (await posted(chunks(b"x" * 4, b"x" * 4, b"xx"))).json() == LIMIT


async def test_a_body_that_declares_too_much_is_refused() -> None:
    response = await posted(b"x" * (LIMIT + 1))
    assert response.status_code == 413
    assert response.headers["content-type"] == problem.MEDIA_TYPE
    assert f"{LIMIT} bytes" in response.json()["detail"]


async def test_chunks_over_the_limit_are_refused_as_they_arrive() -> None:
    left: list[bytes] = [b"x" * 6, b"x" * 6, b"never read"]

    async def stream() -> AsyncIterator[bytes]:
        while left:
            yield left.pop(0)

    assert (await posted(stream())).status_code == 413
    assert left == [b"never read"]


async def test_a_small_length_beside_chunks_is_not_believed() -> None:
    """Of the two headers HTTP lets the chunks win, so the declared length limits nothing."""
    headers = {"content-length": "1", "transfer-encoding": "chunked"}
    assert (await posted(chunks(b"x" * (LIMIT + 1)), **headers)).status_code == 413


async def test_a_length_of_thousands_of_digits_is_not_believed_and_breaks_nothing() -> None:
    """Python reads no number of so many digits."""
    headers = {"content-length": "0" * 5_000}
    assert (await posted(b"x" * LIMIT, **headers)).json() == LIMIT
    assert (await posted(b"x" * (LIMIT + 1), **headers)).status_code == 413


async def test_the_connection_of_a_body_that_was_not_read_is_closed() -> None:
    assert (await posted(b"x" * (LIMIT + 1))).headers["connection"] == "close"


# Defects ------------------------------------------------------------------------------------


async def test_a_defect_is_logged_and_answered_within_the_middleware(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Starlette's own answer had none of the headers that middleware adds."""
    app = small_application()
    app.add_middleware(DefectsMiddleware)
    app.add_middleware(SecurityHeadersMiddleware)
    async with client(app) as made:
        response = await made.get("/broken")
    assert response.status_code == 500
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "a defect" in caplog.text


async def test_a_defect_after_the_answer_began_is_the_server_s() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("late")

    async with client(DefectsMiddleware(app)) as made:
        with pytest.raises(RuntimeError, match="late"):
            await made.get("/")


# Targets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/items/1", "/under/a/prefix/items/1"])
async def test_a_prefix_may_be_left_on_the_path_or_taken_off(path: str) -> None:
    app = small_application()
    app.add_middleware(TargetMiddleware, root_path="/under/a/prefix")
    async with client(app) as made:
        assert (await made.get(path)).status_code == 200
        assert (await made.get("/under/a/prefixes/items/1")).status_code == 404


async def test_head_is_answered_as_get_without_its_body() -> None:
    app = small_application()
    app.add_middleware(TargetMiddleware)
    async with client(app) as made:
        response = await made.head("/items/1")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


# What is not HTTP ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap",
    [
        RequestIdMiddleware,
        lambda app: AccessMiddleware(app, Metrics(["direct"])),
        lambda app: BodyLimitMiddleware(app, LIMIT),
        lambda app: DecodeBodyMiddleware(app, LIMIT),
        lambda app: TargetMiddleware(app, "/prefix"),
        DefectsMiddleware,
        SecurityHeadersMiddleware,
    ],
    ids=["request id", "access", "limit", "decode", "target", "defects", "security"],
)
async def test_what_is_no_request_passes_through_untouched(wrap: type[RequestIdMiddleware]) -> None:
    passed: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.extend((scope, receive, send))

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    inner: ASGIApp = app
    scope: Scope = {"type": "lifespan"}
    await wrap(inner)(scope, receive, send)
    assert passed == [scope, receive, send]
    assert scope == {"type": "lifespan"}
