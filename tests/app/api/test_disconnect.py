"""Work is given up when its client leaves, and only then."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Message

from app.api import disconnect
from app.api.disconnect import unless_gone
from app.errors import ClientGoneError, InferenceError
from tests.app.api.stand_in import request

LIMIT_S = 10

pytestmark = pytest.mark.anyio


class Connection:
    """What a server tells of one connection; it leaves when the test says so."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.watched = asyncio.Event()
        self.unwatched = asyncio.Event()

    async def receive(self) -> Message:
        self.watched.set()
        try:
            await self.left.wait()
        except asyncio.CancelledError:
            self.unwatched.set()
            raise
        return {"type": "http.disconnect"}

    @property
    def request(self) -> Request:
        return request(FastAPI(), receive=self.receive)


class Work:
    """Something that is awaited and never ends of itself."""

    def __init__(self) -> None:
        self.cancelled = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


@pytest.fixture(autouse=True)
def _watch_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect, "WATCH_AFTER_S", 0.0)


async def test_the_result_of_the_work_is_returned() -> None:
    async def work() -> str:
        return "answer"

    connection = Connection()
    assert await unless_gone(connection.request, work()) == "answer"


async def test_an_answer_at_once_is_not_watched_over() -> None:
    connection = Connection()
    connection.left.set()

    async def work() -> str:
        return "answer"

    assert await unless_gone(connection.request, work()) == "answer"
    for _ in range(5):  # turns of the loop in which a timer that was left would begin to watch
        await asyncio.sleep(0)
    assert not connection.watched.is_set()


async def test_a_client_that_leaves_ends_the_work() -> None:
    connection, work = Connection(), Work()

    async def leave() -> None:
        await connection.watched.wait()
        connection.left.set()

    leaving = asyncio.create_task(leave())
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ClientGoneError):
            await unless_gone(connection.request, work.run())
        await leaving
    assert work.cancelled


async def test_the_task_of_a_client_that_left_can_be_awaited_on() -> None:
    """The cancellation is taken back: what answers the request is not cancelled with the work."""
    connection = Connection()
    connection.left.set()
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ClientGoneError):
            await unless_gone(connection.request, Work().run())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_what_else_comes_is_not_a_client_that_leaves() -> None:
    messages = iter(["http.request", "http.request", "http.disconnect"])

    async def receive() -> Message:
        return {"type": next(messages)}

    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ClientGoneError):
            await unless_gone(request(FastAPI(), receive=receive), Work().run())
    assert list(messages) == []


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    connection, work = Connection(), Work()
    task = asyncio.create_task(unless_gone(connection.request, work.run()))
    async with asyncio.timeout(LIMIT_S):
        await connection.watched.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert work.cancelled


async def test_the_error_of_the_work_is_its_own() -> None:
    async def work() -> None:
        raise InferenceError("the model failed")

    with pytest.raises(InferenceError):
        await unless_gone(Connection().request, work())


async def test_watching_ends_with_the_work() -> None:
    connection = Connection()

    async def work() -> str:
        await connection.watched.wait()
        return "answer"

    async with asyncio.timeout(LIMIT_S):
        assert await unless_gone(connection.request, work()) == "answer"
        await connection.unwatched.wait()
