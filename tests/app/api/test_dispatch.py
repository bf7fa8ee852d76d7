"""Calls of JSON routes reach their handler past FastAPI's routing, and end as they would there."""

from __future__ import annotations

from typing import cast

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.types import Scope

from app.api import problem
from app.api.access import AccessMiddleware
from app.api.call import CallDep
from app.api.dispatch import DispatchMiddleware
from app.api.json_route import JsonRoute
from app.api.middleware import BodyLimitMiddleware, TargetMiddleware
from app.api.schemas import Strict
from app.errors import UnsupportedEncodingError
from app.settings import Settings
from app.telemetry.metrics import Metrics
from tests.app.api.stand_in import StandInRuntime, client

pytestmark = pytest.mark.anyio

LARGEST = 100


class Text(Strict):
    """Body and answer of the test's route."""

    text: str


class Counted:
    """What ``AccessMiddleware`` tells."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def http_answered(self, route: str, status: int) -> None:
        self.seen.append((route, status))

    def problem_answered(self, slug: str) -> None:
        """Not what these tests are about."""


router = APIRouter(route_class=JsonRoute)


@router.post("/echo")
async def echo(body: Text, call: CallDep) -> BaseModel:
    if body.text == "refused":
        raise UnsupportedEncodingError("plain, please", accepted="gzip")
    if body.text == "defect":
        raise ZeroDivisionError
    call.response_headers["X-Seen"] = "by the handler"
    return body


@pytest.fixture
def counted() -> Counted:
    return Counted()


def made(counted: Counted, routers: list[APIRouter], root_path: str = "") -> FastAPI:
    """Make an application in which the route is nowhere but in the dispatch."""
    app = FastAPI()
    app.state.runtime, app.state.settings = StandInRuntime(), Settings()
    problem.install(app)
    app.add_middleware(DispatchMiddleware, routers=routers)
    app.add_middleware(BodyLimitMiddleware, max_bytes=LARGEST)
    app.add_middleware(AccessMiddleware, metrics=cast("Metrics", counted))
    app.add_middleware(TargetMiddleware, root_path=root_path)
    return app


@pytest.fixture
def app(counted: Counted) -> FastAPI:
    return made(counted, [router])


async def posted(app: FastAPI, text: str, path: str = "/echo") -> httpx.Response:
    async with client(app) as made:
        return await made.post(path, json={"text": text})


async def test_a_call_is_answered_by_the_handler_and_counted_under_its_route(
    app: FastAPI, counted: Counted
) -> None:
    response = await posted(app, "rain")
    assert (response.status_code, response.json()) == (200, {"text": "rain"})
    assert response.headers["X-Seen"] == "by the handler"
    assert counted.seen == [("/echo", 200)]


async def test_an_error_of_the_service_is_a_problem_with_its_headers(
    app: FastAPI, counted: Counted
) -> None:
    response = await posted(app, "refused")
    assert response.status_code == 415
    assert response.headers["content-type"] == problem.MEDIA_TYPE
    assert response.headers["Accept-Encoding"] == "gzip"
    assert response.json()["detail"] == "plain, please"
    assert response.json()["instance"] == "/echo"
    assert counted.seen == [("/echo", 415)]


async def test_a_body_above_the_limit_is_a_problem_and_ends_the_connection(app: FastAPI) -> None:
    response = await posted(app, "x" * LARGEST)
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert response.json()["type"] == "urn:xcopa:problem:payload-too-large"


async def test_what_nobody_foresaw_is_left_to_who_answers_defects(app: FastAPI) -> None:
    with pytest.raises(ZeroDivisionError):
        await posted(app, "defect")


async def test_other_methods_and_paths_go_to_the_application(
    app: FastAPI, counted: Counted
) -> None:
    async with client(app) as asking:
        responses = [await asking.get("/echo"), await asking.post("/echo/", json={})]
    assert [response.status_code for response in responses] == [404, 404]
    assert counted.seen == [("unmatched", 404), ("unmatched", 404)]


async def test_a_path_with_the_prefix_of_a_proxy_is_the_same_route(counted: Counted) -> None:
    app = made(counted, [router], root_path="/xcopa")
    for path in ("/xcopa/echo", "/echo"):
        response = await posted(app, "rain", path)
        assert response.status_code == 200
    assert counted.seen == [("/echo", 200)] * 2


async def test_routes_of_other_kinds_are_not_taken(counted: Counted) -> None:
    plain = APIRouter()

    @plain.post("/echo")
    async def never(scope: Scope) -> None:
        raise AssertionError(scope)

    assert (await posted(made(counted, [plain]), "rain")).status_code == 404
