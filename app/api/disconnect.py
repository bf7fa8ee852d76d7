"""Giving up work whose client has closed the connection: nobody would read the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request

from app.errors import ClientGoneError

WATCH_AFTER_S = 0.002
"""An answer that comes sooner is not worth a task that watches for the client to leave."""

T = TypeVar("T")


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Await the work, and give it up when the client closes the connection first.

    Raises:
        ClientGoneError: the client left; the work was cancelled.
    """
    watch = _CancelOnDisconnect(request)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.gone:
            raise
        watch.task.uncancel()
        raise ClientGoneError("the client closed the connection before the answer") from None
    finally:
        watch.stop()


class _CancelOnDisconnect:
    """Cancels the task it is made in when the client leaves; a short wait is not watched."""

    def __init__(self, request: Request) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.gone = False
        self._request = request
        self._watching: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._start)

    def stop(self) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()

    def _start(self) -> None:
        self._watching = asyncio.ensure_future(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        # The body has been read, so nothing else can come.
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.task.cancel()
