"""Headers that keep a browser from making more of an answer than it is."""

from __future__ import annotations

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.api.security_headers import SecurityHeadersMiddleware
from tests.app.api.stand_in import fetch

pytestmark = pytest.mark.anyio


async def headers_of(response: Response) -> dict[str, str]:
    return dict((await fetch(SecurityHeadersMiddleware(response), "/")).headers)


async def test_data_runs_nothing_and_is_not_kept() -> None:
    headers = await headers_of(JSONResponse({}))
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_page_may_run_what_this_service_serves() -> None:
    policy = (await headers_of(HTMLResponse("")))["content-security-policy"]
    assert policy.startswith("default-src 'self' 'unsafe-inline'")
    assert "frame-ancestors 'none'" in policy


async def test_what_an_answer_says_itself_stays() -> None:
    said = {"Cache-Control": "max-age=60", "Content-Security-Policy": "default-src https:"}
    headers = await headers_of(JSONResponse({}, headers=said))
    assert headers["cache-control"] == "max-age=60"
    assert headers["content-security-policy"] == "default-src https:"


async def test_a_file_with_a_validator_may_be_kept() -> None:
    assert "cache-control" not in await headers_of(Response(headers={"ETag": '"1"'}))
