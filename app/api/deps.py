"""What routes need of the application and of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from app.errors import ClientGoneError, FieldError, InvalidRequestError
from app.runtime import Runtime
from app.settings import Settings

TIMEOUT_HEADER = "X-Request-Timeout-Ms"

CALLER_HEADERS = ("X-API-Key", "Authorization")
"""Where a caller says who it is. It only shares turns by it: nothing is checked here."""

T = TypeVar("T")


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
SettingsDep = Annotated[Settings, Depends(_settings)]


def _timeout(request: Request, settings: SettingsDep) -> float:
    """Return the seconds a call may take: what its header asks, up to the service's own limit."""
    longest = settings.request_timeout_ms / 1000
    asked = request.headers.get(TIMEOUT_HEADER)
    if asked is None:
        return longest
    try:
        milliseconds = float(asked)
    except ValueError:
        milliseconds = 0.0
    if not 0 < milliseconds < float("inf"):
        message = f"must be a number of milliseconds above 0, not {asked!r}"
        raise InvalidRequestError([FieldError(TIMEOUT_HEADER, message)])
    return min(milliseconds / 1000, longest)


TimeoutDep = Annotated[float, Depends(_timeout)]


def _caller(request: Request) -> str:
    """Return whose turn a call takes: its API key's, else its client address's."""
    for header in CALLER_HEADERS:
        if key := request.headers.get(header):
            return f"{header}: {key}"
    return request.client.host if request.client else ""


CallerDep = Annotated[str, Depends(_caller)]


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Await the work, and give it up when the client closes the connection first.

    Raises:
        ClientGoneError: the client left; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError("the client closed the connection before the answer")
    finally:
        task.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    """Return when the client has left. The body has been read, so nothing else can come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
