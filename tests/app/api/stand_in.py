"""The application's HTTP side with a service behind it that answers what a test put there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive

from app.api import models, predict, probes, problem, rank
from app.api.access import AccessMiddleware
from app.api.middleware import RequestIdMiddleware
from app.api.open_inference import infer, metadata
from app.engine.plan import EnginePlan
from app.errors import ServiceError
from app.runtime import State
from app.serving.answer import Answer, Ask, Stages, StageTimes
from app.serving.work import Caller, Quota
from app.settings import VARIANTS, Settings
from app.telemetry.metrics import Metrics

ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}


def answer(model: str = "stilts", label: int = 0, **times: Any) -> Answer:
    """An answer whose probabilities choose the label."""
    stages: dict[str, Any] = {
        "tokenise": 0.001,
        "queue": 0.002,
        "inference": 0.003,
        "batch_reason": "drained",
    }
    return Answer(
        label=label,
        probabilities=(0.75, 0.25) if label == 0 else (0.25, 0.75),
        logits=(1.0, -1.0) if label == 0 else (-1.0, 1.0),
        model=model,
        revision=f"revision-of-{model}",
        times=StageTimes(**{**stages, **times}),
    )


@dataclass
class StandInService:
    """Remembers what it was asked; gives the outcomes it was made with, or raises."""

    outcomes: Sequence[Answer | ServiceError] = ()
    refusal: ServiceError | None = None
    calls: list[tuple[list[Ask], float, Caller]] = field(default_factory=list)

    async def predict(
        self,
        asks: Sequence[Ask],
        timeout: float,
        caller: Caller,
        quota: Quota,
        stages: Stages,
    ) -> Sequence[Answer | ServiceError]:
        self.calls.append((list(asks), timeout, caller))
        if self.refusal is not None:
            raise self.refusal
        return self.outcomes


@dataclass
class StandInRuntime:
    """As much of a runtime as routes read."""

    service: StandInService = field(default_factory=StandInService)
    served: Mapping[str, Any] = field(default_factory=lambda: dict.fromkeys(VARIANTS))
    names: tuple[str, ...] = VARIANTS
    ready: bool = True
    started: bool = True
    condition: str = "ready"
    state: State = State.READY
    engine_plan: EnginePlan | None = None

    def shadow(self, asks: Sequence[Ask], outcomes: Sequence[Answer | ServiceError]) -> None:
        """No model shadows another one."""

    def answering(self) -> AbstractContextManager[StandInService]:
        return nullcontext(self.service)


def application(
    runtime: StandInRuntime | None = None, *, access: bool = True, **settings: Any
) -> FastAPI:
    """The routes, on a runtime that stands in for the real one; ``access`` counts and times."""
    app = FastAPI()
    app.state.runtime = runtime or StandInRuntime()
    app.state.settings = Settings(**settings)
    app.state.metrics = Metrics(VARIANTS)
    for resource in (predict, rank, models, probes, metadata, infer):
        app.include_router(resource.router)
    app.include_router(probes.metrics_router)
    problem.install(app)
    if access:
        app.add_middleware(AccessMiddleware, metrics=app.state.metrics)
    app.add_middleware(RequestIdMiddleware)
    return app


@asynccontextmanager
async def client(app: ASGIApp, raises: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the application without a socket.

    Args:
        app: any ASGI application.
        raises: whether an exception that leaves the application is raised to the test.
    """
    transport = httpx.ASGITransport(app, raise_app_exceptions=raises, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as made:
        yield made


async def ask(
    app: ASGIApp, path: str = "/predict/xcopa", json: object = ITEM, **headers: str
) -> httpx.Response:
    """Post JSON to the application."""
    async with client(app) as made:
        return await made.post(path, json=json, headers=headers)


async def fetch(app: ASGIApp, path: str, **headers: str) -> httpx.Response:
    """Get a path of the application."""
    async with client(app) as made:
        return await made.get(path, headers=headers)


async def _nothing_comes() -> Message:
    raise AssertionError("the body was read")


def request(
    app: FastAPI,
    headers: Mapping[str, str] | None = None,
    *,
    receive: Receive = _nothing_comes,
    peer: tuple[str, int] | None = ("192.0.2.7", 5000),
) -> Request:
    """A request as Starlette makes it of an ASGI scope."""
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict/xcopa",
        "headers": raw,
        "client": peer,
        "app": app,
        "state": {"request_id": "abc"},
    }
    return Request(scope, receive)
