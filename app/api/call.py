"""What answers a request, and what the request says beside its body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from app.api.caller import caller_of, holder_of
from app.api.problem import TIMEOUT_HEADER, request_id_of
from app.errors import FieldError, InvalidRequestError
from app.runtime import Runtime
from app.serving.work import UNLIMITED, Caller, Quota
from app.settings import Settings
from app.telemetry.metrics import Metrics

_LONGEST_ECHO = 40


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def metrics_of(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


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
    caller: Caller
    """Whose turn it takes; see ``caller_of``."""
    quota: Quota = UNLIMITED
    """What its API key may still ask for."""
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
        caller=caller_of(request),
        quota=holder_of(request.scope) or UNLIMITED,
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
"""The type of the argument ``call``.

On a ``JsonRoute`` FastAPI never resolves this dependency: that route calls ``call_of`` itself,
and sends ``response_headers``. There the annotation only tells FastAPI's description of the
route (OpenAPI) that ``call`` is no parameter of the request.
"""


def _timeout(request: Request, longest: float) -> float:
    asked = request.headers.get(TIMEOUT_HEADER)
    if asked is None:
        return longest
    try:
        milliseconds = float(asked)
    except ValueError:
        milliseconds = 0.0
    if not 0 < milliseconds < float("inf"):
        message = f"must be a number of milliseconds above 0, not {asked[:_LONGEST_ECHO]!r}"
        raise InvalidRequestError([FieldError(TIMEOUT_HEADER, message)])
    return min(milliseconds / 1000, longest)
