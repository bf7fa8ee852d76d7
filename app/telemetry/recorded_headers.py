"""Headers that an operator wants on the spans of requests; keys are hidden.

``OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST``, ``_SERVER_RESPONSE`` and
``_SANITIZE_FIELDS``, as OpenTelemetry's libraries for Python read them. ``app.process`` sets the
last one where the environment does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.instrumentation.asgi import collect_custom_headers_attributes
from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    SanitizeValue,
    get_custom_headers,
    normalise_request_header_name,
    normalise_response_header_name,
)

Recorded = Mapping[str, list[str]]


class RecordedHeaders:
    """Reads the variables once."""

    def __init__(self) -> None:
        hidden = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS)
        self._hiding = SanitizeValue(hidden)
        self._asked = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST)
        self._told = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE)

    def of_request(self, scope: Mapping[str, Any]) -> Recorded:
        """Return attributes for the headers of a request."""
        if not self._asked:
            return {}
        return self._of(scope, self._asked, normalise_request_header_name)

    def of_response(self, start: Mapping[str, Any]) -> Recorded:
        """Return attributes for the headers of the message that begins an answer."""
        if not self._told:
            return {}
        return self._of(start, self._told, normalise_response_header_name)

    def _of(self, message: Mapping[str, Any], wanted: list[str], name: Any) -> Recorded:
        found = collect_custom_headers_attributes(dict(message), self._hiding, wanted, name)
        return cast("Recorded", found)
