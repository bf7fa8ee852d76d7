"""What OpenAPI, and so ``/docs``, says of routes beside their bodies: headers and problems."""

from __future__ import annotations

from typing import Any

from app.api.problem import MEDIA_TYPE, REQUEST_ID, TIMEOUT_HEADER, TYPE_PREFIX

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
_SERVER_TIMING = {
    "Server-Timing": {
        "description": "Milliseconds of `tokenise`, `queue` and `inference` (of several items the "
        "longest), and as `batch` why the batch was run when it was.",
        "schema": _TEXT,
        "example": 'tokenise;dur=0.210, queue;dur=0.095, inference;dur=8.412, batch;desc="drained"',
    }
}

REQUEST_HEADERS = f"""
| request header | meaning |
|---|---|
| `Content-Type` | `application/json`; anything else is 415 |
| `{TIMEOUT_HEADER}` | milliseconds after which nobody waits for the answer any more: a number \
above 0, cut to the service's own limit; then 504 |
| `{REQUEST_ID}` | comes back with the answer and stands in its body; made when there is none |
| `X-API-Key`, `Authorization` | whose turn the call takes; else its address's |

Every refusal is `{MEDIA_TYPE}` (RFC 9457): its `errors` name each field that is wrong, and \
what mends it.
"""

_ITEM_ERROR = {"field": "choice2", "message": "must not be blank"}
_PROBLEMS: dict[int, tuple[str, str, str, list[dict[str, str]]]] = {
    400: ("Bad request", "bad-request", "the body is not what its headers say", []),
    408: ("Request timeout", "request-timeout", "the request did not arrive in time", []),
    413: ("Payload too large", "payload-too-large", "items: 300 items; one call may bring 256", []),
    415: ("Unsupported media type", "unsupported-media-type", "send the body as JSON", []),
    422: ("Invalid request", "invalid-request", "choice2: must not be blank", [_ITEM_ERROR]),
    429: ("Overloaded", "overloaded", "the queue is full", []),
    431: ("Header fields too large", "header-fields-too-large", "send shorter headers", []),
    500: ("Internal error", "internal", "an error of ours; the service's log has the cause", []),
    503: ("Unavailable", "unavailable", "the models are loading", []),
    504: ("Deadline exceeded", "deadline-exceeded", "no answer within 50 ms", []),
}
_MEANINGS = {
    400: "The body is not what its headers say: damaged, or cut short",
    408: "The request did not arrive in time",
    413: "More than one call may ask for",
    415: "Not declared as JSON, or compressed in a way that is not read",
    422: "A field is wrong; `errors` names each",
    429: "The queue is full; see Retry-After",
    431: "The headers are too large",
    500: "The model failed on this item, or an error of ours",
    503: "Starting or shutting down; see Retry-After",
    504: "No answer within the deadline",
}
_RETRYABLE = (429, 503)


def _problem(status: int) -> dict[str, Any]:
    title, slug, detail, errors = _PROBLEMS[status]
    example = {
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "/predict/xcopa",
        "request_id": "0f8c1d",
        "errors": errors,
    }
    retry = _RETRY_AFTER if status in _RETRYABLE else {}
    return {
        "description": _MEANINGS[status],
        "headers": {**_REQUEST_ID, **retry},
        # With "model" FastAPI would say that it is application/json.
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }


ANSWERED: dict[int | str, dict[str, Any]] = {200: {"headers": {**_REQUEST_ID, **_SERVER_TIMING}}}
"""What goes with an answer."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    **ANSWERED,
    **{status: _problem(status) for status in _PROBLEMS},
}
"""What a route that asks a model may answer, beside the body of its answer."""

LOADING: dict[int | str, dict[str, Any]] = {503: _problem(503)}
"""What a route that tells of the models may answer while they load."""

METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus' text, or OpenMetrics where `Accept` asks for it.",
        "content": {
            kind: {"schema": _TEXT} for kind in ("text/plain", "application/openmetrics-text")
        },
    }
}
