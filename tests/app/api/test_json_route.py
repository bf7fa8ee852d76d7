"""A JSON route refuses what is not JSON, says where, and checks what is."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.types import Message

from app.api import problem
from app.api.call import CallDep
from app.api.json_route import JsonRoute
from app.api.schemas import Strict
from app.errors import ClientGoneError
from app.settings import Settings
from tests.app.api.stand_in import StandInRuntime, client, request

pytestmark = pytest.mark.anyio

JSON = "application/json"


class Question(Strict):
    """The body of the test's route."""

    text: str


class Reply(BaseModel):
    """Its answer."""

    text: str


router = APIRouter(route_class=JsonRoute)


@router.post("/echo")
async def echo(body: Question, call: CallDep) -> Reply:
    call.response_headers["Server-Timing"] = f"timeout;dur={call.timeout}"
    return Reply(text=body.text)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    made = FastAPI()
    made.state.runtime, made.state.settings = StandInRuntime(), Settings(request_timeout_ms=2_000)
    made.include_router(router)
    problem.install(made)
    return made


async def posted(app: FastAPI, content: bytes, **headers: str) -> httpx.Response:
    async with client(app) as made:
        return await made.post("/echo", content=content, headers={"Content-Type": JSON, **headers})


async def body_message(app: FastAPI, content: bytes) -> str:
    """What a refusal says is wrong with the body."""
    response = await posted(app, content)
    assert response.status_code == 422
    assert response.headers["content-type"] == problem.MEDIA_TYPE
    [error] = response.json()["errors"]
    assert error["field"] == "body"
    return str(error["message"])


async def test_a_body_is_read_checked_and_answered_with_the_call_s_headers(app: FastAPI) -> None:
    response = await posted(app, '{"text": "Đèn đường tắt."}'.encode())
    assert response.status_code == 200
    assert response.json() == {"text": "Đèn đường tắt."}
    assert response.headers["content-type"] == JSON
    assert response.headers["server-timing"] == "timeout;dur=2.0"


@pytest.mark.parametrize(
    "declared",
    [
        JSON,
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.api+json",
        "application/problem+json; charset=utf-8",
    ],
)
async def test_every_spelling_of_json_is_read(app: FastAPI, declared: str) -> None:
    response = await posted(app, b'{"text": ""}', **{"Content-Type": declared})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "declared",
    ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonl"],
)
async def test_what_is_not_declared_as_json_is_415_and_says_the_header(
    app: FastAPI, declared: str
) -> None:
    response = await posted(app, b'{"text": ""}', **{"Content-Type": declared})
    assert response.status_code == 415
    assert f"Content-Type: {JSON}" in response.json()["detail"]


async def test_a_byte_order_mark_is_ignored(app: FastAPI) -> None:
    assert (await posted(app, b'\xef\xbb\xbf{"text": ""}')).status_code == 200


async def test_an_empty_body_is_required(app: FastAPI) -> None:
    assert await body_message(app, b"") == "is required: an object in JSON"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'{"text": }', "line 1, column 10"),
        (b'{"text":\n "a"', "line 2, column 5"),
        (b'\xff{"text": ""}', "byte 0 is not UTF-8"),
        (b'{"text": "\xe9"}', "byte 10 is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "4300 digits"),
        (b'{"text": "a", "text": "b"}', "'text' is there twice"),
        (b'{"text": NaN}', "NaN is no value of JSON"),
        (b'{"text": -Infinity}', "-Infinity is no value of JSON"),
    ],
    ids=[
        *("no value", "no end", "byte order", "latin-1", "deep", "long number"),
        *("twice", "NaN", "Infinity"),
    ],
)
async def test_a_body_that_is_not_json_is_told_where(
    app: FastAPI, content: bytes, place: str
) -> None:
    message = await body_message(app, content)
    assert message.startswith("is not valid JSON: ")
    assert place in message


@pytest.mark.parametrize("content", [b"[]", b'"text"', b"1", b"null"])
async def test_json_that_is_no_object_is_refused_as_one(app: FastAPI, content: bytes) -> None:
    assert await body_message(app, content) == "must be a JSON object"


async def test_every_wrong_field_is_named(app: FastAPI) -> None:
    response = await posted(app, b'{"txt": 1}')
    assert response.status_code == 422
    assert {error["field"] for error in response.json()["errors"]} == {"text", "txt"}


async def test_a_wrong_body_is_refused_before_a_wrong_header(app: FastAPI) -> None:
    response = await posted(app, b"{}", **{"X-Request-Timeout-Ms": "soon"})
    assert [error["field"] for error in response.json()["errors"]] == ["text"]
    response = await posted(app, b'{"text": ""}', **{"X-Request-Timeout-Ms": "soon"})
    assert [error["field"] for error in response.json()["errors"]] == ["X-Request-Timeout-Ms"]


async def test_a_client_that_leaves_within_its_body_is_an_outcome_of_its_own(app: FastAPI) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    handle = next(r for r in router.routes if isinstance(r, JsonRoute)).get_route_handler()
    leaving: Request = request(app, {"Content-Type": JSON}, receive=receive)
    with pytest.raises(ClientGoneError):
        await handle(leaving)
