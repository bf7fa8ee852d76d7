"""Which pages of other origins may call, and how those are told that may not."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import JSONResponse

from app.api.cors import OriginsMiddleware
from tests.app.api.stand_in import client

PAGE = "https://page.example"

pytestmark = pytest.mark.anyio


async def asked(origins: list[str], origin: str, **wanted: str) -> httpx.Response:
    """What the browser is told before a page of that origin may post."""
    names = {name.replace("_", "-"): value for name, value in wanted.items()}
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", **names}
    async with client(OriginsMiddleware(JSONResponse({}), origins)) as made:
        return await made.options("/", headers=headers)


@pytest.mark.parametrize(("origins", "allowed"), [([PAGE], PAGE), (["*"], "*")])
async def test_an_allowed_origin_may_post_json_with_a_key(origins: list[str], allowed: str) -> None:
    names = "content-type, x-api-key, authorization, content-encoding, x-request-id"
    response = await asked(origins, PAGE, Access_Control_Request_Headers=names)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == allowed
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    ("origin", "wanted", "reason"),
    [
        ("https://other.example", {}, "origin"),
        (PAGE, {"Access_Control_Request_Method": "DELETE"}, "method"),
        (PAGE, {"Access_Control_Request_Headers": "x-other"}, "headers"),
    ],
)
async def test_what_is_not_allowed_is_a_problem_that_says_what(
    origin: str, wanted: dict[str, str], reason: str
) -> None:
    response = await asked([PAGE], origin, **wanted)
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert reason in response.json()["detail"]
    assert "Origin" in response.headers["vary"]


async def test_an_options_call_that_asks_for_nothing_is_a_call_like_any_other() -> None:
    async with client(OriginsMiddleware(JSONResponse({"asked": True}), [PAGE])) as made:
        assert (await made.options("/", headers={"Origin": PAGE})).json() == {"asked": True}
