"""Errors nobody foresaw leave as problems too, with the caller's id."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from app.api import problem
from app.api.middleware import DefectsMiddleware, RequestIdMiddleware
from app.errors import (
    MOST_FIELD_ERRORS,
    CallFailedError,
    DeadlineExceededError,
    FieldError,
    InvalidRequestError,
)


def test_an_unforeseen_error_is_a_problem_that_echoes_the_request_id() -> None:
    app = FastAPI()
    problem.install(app)
    app.add_middleware(DefectsMiddleware)
    app.add_middleware(RequestIdMiddleware)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/broken", headers={"X-Request-ID": "abc"})

    response = asyncio.run(ask())
    assert response.status_code == 500
    assert response.headers["content-type"] == problem.MEDIA_TYPE
    assert response.headers["x-request-id"] == response.json()["request_id"] == "abc"
    assert "secret" not in response.text


def test_a_body_of_nothing_but_errors_is_answered_with_a_few_of_them() -> None:
    errors = [FieldError(f"field{number}", "is not a field") for number in range(1000)]
    invalid = InvalidRequestError(errors)
    assert len(invalid.errors) == MOST_FIELD_ERRORS
    assert invalid.detail.endswith(f"and {1000 - MOST_FIELD_ERRORS} more")


def test_a_late_answer_says_how_http_allows_more_time_also_for_a_whole_call() -> None:
    late = DeadlineExceededError("no answer within 5 ms")
    for error in (late, CallFailedError(late, ())):
        detail = problem.problem(error, "/", "id")["detail"]
        assert detail == (
            "no answer within 5 ms; allow more time with X-Request-Timeout-Ms, or send less at once"
        )


def test_another_error_says_what_it_says() -> None:
    assert problem.detail_of(InvalidRequestError([FieldError("a", "is wrong")])) == "a: is wrong"


def test_a_long_path_is_not_repeated_at_length() -> None:
    error = InvalidRequestError([FieldError("a", "is wrong")])
    assert len(problem.problem(error, "/" * 30_000, "id")["instance"]) == 200
