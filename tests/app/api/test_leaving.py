"""A caller who keeps connections hears on the next answer that this one ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.api.leaving import LeavingMiddleware
from app.runtime import Runtime, State


@dataclass
class StandInRuntime:
    """Has a state, and reads it as the real one does."""

    state: State

    @property
    def leaving(self) -> bool:
        return Runtime.leaving.fget(cast("Runtime", self))  # type: ignore[attr-defined, no-any-return]


async def connection_header(state: State) -> str | None:
    async def answer(_: object) -> PlainTextResponse:
        return PlainTextResponse("yes", headers={"x-own": "kept"})

    runtime = cast("Runtime", StandInRuntime(state))
    app = LeavingMiddleware(Starlette(routes=[Route("/", answer)]), runtime)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.get("/")
    assert response.text == "yes"
    assert response.headers["x-own"] == "kept"
    found: str | None = response.headers.get("connection")
    return found


@pytest.mark.anyio
@pytest.mark.parametrize("state", [State.LEAVING, State.DRAINING, State.STOPPED])
async def test_after_the_signal_an_answer_is_the_last_of_its_connection(state: State) -> None:
    assert await connection_header(state) == "close"


@pytest.mark.anyio
@pytest.mark.parametrize("state", [State.LOADING, State.READY])
async def test_before_it_connections_are_kept(state: State) -> None:
    assert await connection_header(state) is None
