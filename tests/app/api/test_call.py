"""What the headers of a request say: how long it may take, and whose turn it is."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from app.api.call import CallDep, call_of
from app.api.json_route import JsonRoute
from app.api.problem import TIMEOUT_HEADER
from app.errors import InvalidRequestError
from tests.app.api.stand_in import application, request


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application(request_timeout_ms=2_000)


def test_a_call_knows_its_application_and_its_id(app: FastAPI) -> None:
    call = call_of(request(app))
    assert call.runtime is app.state.runtime
    assert call.settings is app.state.settings
    assert call.request_id == "abc"
    assert call.response_headers == {}


def test_without_the_header_the_service_s_own_limit_holds(app: FastAPI) -> None:
    assert call_of(request(app)).timeout == 2.0


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("250", 0.25), ("0.5", 0.0005), ("1e2", 0.1), ("2000", 2.0), ("2001", 2.0), ("9e99", 2.0)],
)
def test_a_caller_may_ask_for_less_time_and_not_for_more(
    app: FastAPI, asked: str, seconds: float
) -> None:
    assert call_of(request(app, {TIMEOUT_HEADER: asked})).timeout == pytest.approx(seconds)


@pytest.mark.parametrize("asked", ["0", "-1", "nan", "inf", "-inf", "soon", "", "1 s"])
def test_a_deadline_that_is_no_time_is_refused_and_names_the_header(
    app: FastAPI, asked: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        call_of(request(app, {TIMEOUT_HEADER: asked}))
    [error] = refused.value.errors
    assert error.field == TIMEOUT_HEADER
    assert repr(asked) in error.message


def test_a_deadline_that_is_no_time_is_not_repeated_at_length(app: FastAPI) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        call_of(request(app, {TIMEOUT_HEADER: "x" * 30_000}))
    assert len(refused.value.detail) < 200


def test_a_call_knows_who_calls(app: FastAPI) -> None:
    assert call_of(request(app)).caller.name == "192.0.2.7"


class Body(BaseModel):
    """A body of one field."""

    text: str


def test_the_description_of_a_json_route_has_the_body_and_not_the_call() -> None:
    router = APIRouter(route_class=JsonRoute)

    @router.post("/echo")
    async def echo(body: Body, call: CallDep) -> Body:
        return body

    app = FastAPI()
    app.include_router(router)
    operation = app.openapi()["paths"]["/echo"]["post"]
    assert "parameters" not in operation
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Body"}
