"""Problem details (RFC 9457): every refusal explains itself, names the field and the fix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from app.api.record import record_of
from app.errors import (
    DeadlineExceededError,
    FieldError,
    InvalidRequestError,
    PayloadTooLargeError,
    ServiceError,
)

REQUEST_ID = "X-Request-ID"
MEDIA_TYPE = "application/problem+json"
_LONGEST_FIELD_NAME = 120
_LONGEST_INSTANCE = 200
TYPE_PREFIX = "urn:xcopa:problem:"
TIMEOUT_HEADER = "X-Request-Timeout-Ms"
"""The deadline of the call, in milliseconds from its arrival."""

_HINTS = {
    DeadlineExceededError.slug: f"; allow more time with {TIMEOUT_HEADER}, or send less at once",
}
"""What HTTP adds to a detail: how to mend it in HTTP's own terms."""


class HttpError(ServiceError):
    """An outcome of HTTP itself, such as 404 and 405."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.slug = title.lower().replace(" ", "-")


def problem(
    error: ServiceError,
    instance: str,
    request_id: str,
    errors: Sequence[FieldError] | None = None,
) -> dict[str, Any]:
    """Return the problem of an error, as a JSON object; ``errors`` stand in for its own."""
    fields = error.errors if errors is None else errors
    return {
        "type": TYPE_PREFIX + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": detail_of(error),
        "instance": instance[:_LONGEST_INSTANCE],
        "request_id": request_id,
        "errors": [{"field": each.field, "message": each.message} for each in fields],
    }


def detail_of(error: ServiceError) -> str:
    """Return what went wrong and, where HTTP has a way to mend it, that way."""
    return error.detail + _HINTS.get(error.slug, "")


OPEN_INFERENCE = re.compile(r"(^|/)v2(/|$)")
"""Paths whose clients read errors in the form of the Open Inference Protocol."""


class ProblemResponse(JSONResponse):
    """An answer that says why there is no other; the request's line in the log says it too."""

    def __init__(self, error: ServiceError, content: object, status: int, **more: Any) -> None:
        super().__init__(content, status, **more)
        self.error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record_of(scope).failed(self.error)
        await super().__call__(scope, receive, send)


def problem_response(
    error: ServiceError, instance: str, request_id: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    all_headers = {**error.headers, **(headers or {})}
    if OPEN_INFERENCE.search(instance):
        status = 400 if isinstance(error, InvalidRequestError) else error.status
        return ProblemResponse(error, {"error": detail_of(error)}, status, headers=all_headers)
    return ProblemResponse(
        error,
        problem(error, instance, request_id),
        error.status,
        headers=all_headers,
        media_type=MEDIA_TYPE,
    )


_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request; check its spelling or leave it out",
    "string_type": "must be a string",
    "string_unicode": "has a lone surrogate, which is no character; send valid Unicode",
    "list_type": "must be a list",
    "dict_type": "must be a JSON object",
    "too_short": "must not be empty",
}


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Turn pydantic's errors to fields in the terms of the caller, with what mends them."""
    return [FieldError(_field_name(error), _message(error)) for error in errors]


def _field_name(error: Mapping[str, Any]) -> str:
    parts = [str(part) for part in error["loc"] if part != "body"]
    if error["type"] == "json_invalid" or not parts:
        return "body"
    # A key of the caller's may be long, or hold a surrogate that no response could carry.
    return ".".join(parts).encode("utf-8", "replace").decode()[:_LONGEST_FIELD_NAME]


def _message(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    if kind == "json_invalid":
        return f"is not valid JSON: {error['ctx']['error']}"
    if kind == "literal_error":
        return f"must be {error['ctx']['expected']}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in ("model_attributes_type", "model_type"):
        return "must be a JSON object"
    if kind == "too_long" or (kind == "too_short" and error["ctx"]["actual_length"]):
        return _wrong_length(error["ctx"])
    return _MESSAGES.get(kind, str(error["msg"]))


def _wrong_length(context: Mapping[str, Any]) -> str:
    bound = "min_length" if "min_length" in context else "max_length"
    extreme = "at least" if bound == "min_length" else "at most"
    return f"has {context['actual_length']} entries; send {extreme} {context[bound]}"


def install(app: FastAPI) -> None:
    """Have every error that was foreseen leave as problem details."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_service_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return of_service_error(request, error)


def of_service_error(request: Request, error: ServiceError) -> JSONResponse:
    """Return the problem with which a request is answered."""
    return problem_response(error, request.scope["path"], request_id_of(request))


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    invalid = InvalidRequestError(field_errors(error.errors()))
    return problem_response(invalid, request.scope["path"], request_id_of(request))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return of_http_exception(request, error)


def of_http_exception(request: Request, error: HTTPException) -> JSONResponse:
    """Return the problem of an outcome of HTTP itself, as Starlette raises it."""
    path, request_id = request.scope["path"], request_id_of(request)
    if error.status_code == PayloadTooLargeError.status:
        too_large = PayloadTooLargeError(error.detail)
        return problem_response(too_large, path, request_id, error.headers)
    titles = {404: "Not found", 405: "Method not allowed"}
    details = {
        404: "there is nothing at this path (none ends in a slash); /docs lists what there is",
        405: f"{request.method} is not allowed here; /docs lists what is",
    }
    mapped = HttpError(
        error.status_code,
        titles.get(error.status_code, "HTTP error"),
        details.get(error.status_code, str(error.detail)),
    )
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"
    return problem_response(mapped, path, request_id, headers)


def request_id_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
