"""``docs/reference/http.md`` names every route, problem type and header of the code."""

from __future__ import annotations

import httpx
import pytest

from app.api.problem import TYPE_PREFIX
from app.main import create_app
from app.settings import Settings
from tests.docs.http_page import (
    PAGE,
    ProblemType,
    classes_of_problems,
    headers_in_code,
    http_problems,
    named_headers,
    named_problems,
    rows,
    section,
)

pytestmark = pytest.mark.anyio

REQUEST, RESPONSE = "Request headers", "Response headers"
OF_LIBRARIES = {"traceparent", "tracestate", "traceresponse"}
"""Headers of traces: a library reads two of them, and one is sent only where traces are on."""

REQUESTS = [
    ("GET", "/livez", {}, b""),
    ("GET", "/docs", {}, b""),
    ("GET", "/nowhere", {}, b""),
    ("GET", "/predict/xcopa", {}, b""),
    ("POST", "/predict/xcopa", {"content-type": "text/plain"}, b"{}"),
    ("POST", "/predict/xcopa", {"content-type": "application/json"}, b"{}"),
    ("POST", "/predict/xcopa", {"content-type": "application/json"}, b"{" * 100),
    ("POST", "/predict/xcopa", {"content-length": "9999"}, b"x" * 9999),
]
"""One of each kind that is answered before the models are loaded."""


@pytest.fixture
async def answers() -> list[httpx.Response]:
    transport = httpx.ASGITransport(create_app(Settings(max_body_bytes=1000)))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return [
            await client.request(method, path, headers=headers, content=body)
            for method, path, headers, body in REQUESTS
        ]


async def test_every_problem_type_is_in_the_table(answers: list[httpx.Response]) -> None:
    made = http_problems()
    known = classes_of_problems() | set(made) | {seen for each in answers for seen in _type(each)}
    missing = [
        f"{each.row}  <- {made.get(each, 'app/errors.py')}" for each in sorted(known - NAMED)
    ]
    assert not missing, (
        f"{PAGE.name} lacks problem types. Add these rows to the table in its section 'Problems', "
        "and say when the problem occurs and what a client should do:\n" + "\n".join(missing)
    )
    gone = [each.row for each in sorted(NAMED - known)]
    assert not gone, f"{PAGE.name} has problem types that the code does not have: {gone}"


NAMED = named_problems()


def _type(answer: httpx.Response) -> list[ProblemType]:
    if "problem" not in answer.headers["content-type"]:
        return []
    body = answer.json()
    slug = body["type"].removeprefix(TYPE_PREFIX)
    return [ProblemType(slug, body["title"], body["status"])]


def test_the_page_says_how_a_type_begins() -> None:
    assert f"`{TYPE_PREFIX}" in section("Problems")


def test_a_problem_says_when_it_occurs() -> None:
    assert [row for row in rows("Problems") if len(row) != 5 or not row[3]] == []
    assert "WHAT TO DO" not in section("Problems")


def test_every_header_of_the_code_is_in_a_table() -> None:
    known = named_headers(REQUEST) | named_headers(RESPONSE)
    missing = [
        f"{name} ({place})" for name, place in headers_in_code().items() if name not in known
    ]
    assert not missing, (
        f"{PAGE.name} lacks headers. Add a row to its section '{REQUEST}' if the service reads it, "
        f"to '{RESPONSE}' if the service sends it: {', '.join(sorted(missing))}"
    )


async def test_every_header_of_an_answer_is_in_the_table(answers: list[httpx.Response]) -> None:
    sent = {name.lower(): answer.url.path for answer in answers for name in answer.headers}
    missing = [f"{name} ({sent[name]})" for name in sent if name not in named_headers(RESPONSE)]
    assert not missing, (
        f"{PAGE.name} lacks headers of answers. Add a row to its section '{RESPONSE}' for each: "
        f"{', '.join(sorted(missing))}"
    )


async def test_a_header_of_the_page_is_one_that_is_read_or_sent(
    answers: list[httpx.Response],
) -> None:
    sent = {name.lower() for answer in answers for name in answer.headers}
    known = set(headers_in_code()) | sent | OF_LIBRARIES
    assert (named_headers(REQUEST) | named_headers(RESPONSE)) - known == set()


def test_every_route_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    paths = create_app(Settings()).openapi()["paths"]
    routes = [f"`{method.upper()} {path}`" for path, item in paths.items() for method in item]
    missing = [route for route in routes if route not in page]
    assert not missing, f"{PAGE.name} lacks routes; describe {', '.join(missing)}"
