"""What OpenAPI, and so ``/docs``, says of routes beside their bodies: headers and problems."""

from __future__ import annotations

from typing import Any

from app.api.problem import MEDIA_TYPE, REQUEST_ID, TIMEOUT_HEADER, HttpError, problem
from app.errors import (
    BadBodyError,
    DeadlineExceededError,
    FieldError,
    InferenceError,
    InvalidRequestError,
    NoValidKeyError,
    OverloadedError,
    PayloadTooLargeError,
    RetryableError,
    ServiceError,
    UnavailableError,
    UnsupportedMediaError,
)

_TEXT = {"type": "string"}
_REQUEST_ID = {
    REQUEST_ID: {"description": "The request's own, or the one that it was given.", "schema": _TEXT}
}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which the same call may succeed.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_WWW_AUTHENTICATE = {
    "WWW-Authenticate": {
        "description": "How a key is sent, and whether one that was sent is wrong (RFC 6750).",
        "schema": _TEXT,
        "example": 'Bearer realm="xcopa", error="invalid_token"',
    }
}
_SERVER_TIMING = {
    "Server-Timing": {
        "description": "Milliseconds of each stage that the call has reached (of several items "
        "the longest) and in `total`, and as `batch` why the batch was run when it was.",
        "schema": _TEXT,
        "example": "admission;dur=0.310, tokenise;dur=0.210, queue;dur=0.095, inference;dur=8.412, "
        'total;dur=9.104, batch;desc="drained"',
    }
}

REQUEST_HEADERS = f"""
| request header | meaning |
|---|---|
| `Content-Type` | `application/json`, required |
| `{TIMEOUT_HEADER}` | deadline of the call, in milliseconds from its arrival: a number above 0. \
The service has a limit of its own, which is also the default |
| `{REQUEST_ID}` | an identifier; header and body of the answer have it too |
| `X-API-Key`, `Authorization` | who calls: an API key, as it is or after \
`Bearer`. The service may require it. Callers share the engine in turns |

Every refusal is `{MEDIA_TYPE}` (RFC 9457). Its `errors` name each field that is wrong, and say \
what to do.
"""

_EXAMPLES: dict[ServiceError, str] = {
    BadBodyError("the body ends in the middle of its gzip data"): "The request is damaged.",
    NoValidKeyError(
        "the API key is not known; check it for a character that was lost or added",
        error="invalid_token",
    ): "The service requires an API key, and this request has none that is valid.",
    HttpError(
        403, "Forbidden", "this service takes no calls from pages of https://example.org"
    ): "The API key was revoked, or a page of this origin may not call.",
    HttpError(
        408, "Request timeout", "the request did not arrive within 30 s"
    ): "The request did not arrive in time.",
    PayloadTooLargeError(
        "items: 300 items; one call may bring 256 at most"
    ): "More than one call may ask for.",
    UnsupportedMediaError(
        "send the body as JSON with the header 'Content-Type: application/json'"
    ): "Not declared as JSON, or compressed in a way that is not read.",
    InvalidRequestError(
        [FieldError("choice2", "must not be blank")]
    ): "A field is wrong; `errors` names each.",
    OverloadedError(
        "the queue is full", retry_after=2
    ): "The queue is full, or the API key has used up its tokens a second.",
    HttpError(
        431, "Request header fields too large", "the headers exceed 32,768 bytes"
    ): "The headers are too large.",
    InferenceError("the model failed on this item; the service's log has the cause"): (
        "The model failed on this item, or the service has a defect."
    ),
    UnavailableError("the models are loading", retry_after=2): "Loading, stopping, or stuck.",
    DeadlineExceededError("no answer within 50 ms"): "No answer before the deadline.",
}
"""One refusal of each status, and what the status means."""


def _described(error: ServiceError, meaning: str) -> dict[str, Any]:
    retry = _RETRY_AFTER if isinstance(error, RetryableError) else {}
    challenge = _WWW_AUTHENTICATE if isinstance(error, NoValidKeyError) else {}
    example = problem(error, "/predict/xcopa", "9f2ab80c51d7e634")
    return {
        "description": meaning,
        "headers": {**_REQUEST_ID, **_SERVER_TIMING, **retry, **challenge},
        # With "model" FastAPI would say that it is application/json.
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }


_REFUSALS: dict[int | str, dict[str, Any]] = {
    error.status: _described(error, text) for error, text in _EXAMPLES.items()
}

KEY_REFUSALS: dict[int, dict[str, Any]] = {status: _REFUSALS[status] for status in (401, 403)}
"""What a route that needs an API key may answer."""

ANSWERED: dict[int | str, dict[str, Any]] = {200: {"headers": {**_REQUEST_ID, **_SERVER_TIMING}}}
"""What goes with an answer."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    **ANSWERED,
    **_REFUSALS,
}
"""What a route that asks a model may answer, beside the body of its answer."""

LOADING: dict[int | str, dict[str, Any]] = {503: _REFUSALS[503]}
"""What a route that tells of the models may answer while they load."""

METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus' text, or OpenMetrics where `Accept` asks for it.",
        "content": {
            kind: {"schema": _TEXT} for kind in ("text/plain", "application/openmetrics-text")
        },
    }
}
