"""The start and the end of a replica's application."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.scale.lifespan import ReplicaLifespan

pytestmark = pytest.mark.anyio


class Serve:
    """An application with a lifespan, what Serve says to it, and a record of both."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.warm = asyncio.Event()
        self._said: asyncio.Queue[str] = asyncio.Queue()
        lifespan = ReplicaLifespan(self._app, self.warm.wait, self._drain)
        scope: Scope = {"type": "lifespan"}
        self.running = asyncio.ensure_future(lifespan(scope, self._receive, self._send))

    async def say(self, event: str) -> None:
        await self._said.put(f"lifespan.{event}")
        for _ in range(5):
            await asyncio.sleep(0)

    async def _receive(self) -> Message:
        return {"type": await self._said.get()}

    async def _send(self, message: Message) -> None:
        self.events.append(message["type"].removeprefix("lifespan."))

    async def _drain(self) -> None:
        self.events.append("drained")

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.events.append("began to load")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.events.append("stopped")
        await send({"type": "lifespan.shutdown.complete"})


async def test_the_start_is_complete_when_the_models_are_warm() -> None:
    serve = Serve()
    await serve.say("startup")
    assert serve.events == ["began to load"]
    serve.warm.set()
    await asyncio.sleep(0.01)
    assert serve.events == ["began to load", "startup.complete"]
    serve.running.cancel()


async def test_it_drains_before_it_stops() -> None:
    serve = Serve()
    serve.warm.set()
    await serve.say("startup")
    await serve.say("shutdown")
    await serve.running
    assert serve.events[2:] == ["drained", "stopped", "shutdown.complete"]


async def test_requests_pass() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    await ReplicaLifespan(app, nothing, nothing)({"type": "http"}, nothing, send)
    assert seen == [{"type": "http"}]
