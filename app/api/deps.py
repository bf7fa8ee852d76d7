"""What routes need of the application and of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from app.api.problem import request_id_of
from app.errors import ClientGoneError, FieldError, InvalidRequestError
from app.runtime import Runtime
from app.settings import Settings

WATCH_AFTER_S = 0.002
"""An answer that comes sooner is not worth a task that watches for the client to leave."""

TIMEOUT_HEADER = "X-Request-Timeout-Ms"

CALLER_HEADERS = ("X-API-Key", "Authorization")
"""Where a caller says who it is. It only shares turns by it: nothing is checked here."""

T = TypeVar("T")


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


@dataclass
class Call:
    """What a request says beside its body, what answers it, and what goes with the answer."""

    request: Request
    runtime: Runtime
    settings: Settings
    request_id: str
    timeout: float
    """Seconds the call may take: what its header asks, up to the service's own limit."""
    caller: str
    """Whose turn it takes: its API key's, else its client address's."""
    response_headers: dict[str, str] = field(default_factory=dict)


def call_of(request: Request) -> Call:
    """Read a request's headers.

    Raises:
        InvalidRequestError: one of them is wrong.
    """
    settings = settings_of(request)
    return Call(
        request=request,
        runtime=runtime_of(request),
        settings=settings,
        request_id=request_id_of(request),
        timeout=_timeout(request, settings.request_timeout_ms / 1000),
        caller=_caller(request),
    )


# Asynchronous though they await nothing: FastAPI would run them in a thread pool otherwise.
async def _runtime(request: Request) -> Runtime:
    return runtime_of(request)


async def _settings(request: Request) -> Settings:
    return settings_of(request)


async def _call(request: Request) -> Call:
    return call_of(request)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
SettingsDep = Annotated[Settings, Depends(_settings)]
CallDep = Annotated[Call, Depends(_call)]


def _timeout(request: Request, longest: float) -> float:
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


def _caller(request: Request) -> str:
    for header in CALLER_HEADERS:
        if key := request.headers.get(header):
            return f"{header}: {key}"
    return request.client.host if request.client else ""


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Await the work, and give it up when the client closes the connection first.

    Raises:
        ClientGoneError: the client left; the work was cancelled.
    """
    watch = _Watch(request)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.gone:
            raise
        watch.task.uncancel()
        raise ClientGoneError("the client closed the connection before the answer") from None
    finally:
        watch.stop()


class _Watch:
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
