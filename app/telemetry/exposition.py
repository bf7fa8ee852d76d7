"""Which of two formats a scraper gets: OpenMetrics, which has exemplars, or Prometheus' text.

Whatever it sends as ``Accept``, it gets one of them: who asks for metrics wants metrics. The
client library takes the first format that the header names, whatever its weight, fails on versions
that are no numbers, and promises every later version of OpenMetrics that somebody asks for.
"""

from __future__ import annotations

import re

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

_OPENMETRICS_TYPE = "application/openmetrics-text"
_TEXT_TYPES = ("text/plain", "text/*", "*/*")
_VERSION = re.compile(r"(?:0\.0\.1|1\.\d{1,3}(?:\.\d{1,3})?)")
_WEIGHT = re.compile(r"[01](?:\.\d{0,3})?")


def wants_openmetrics(accept: str) -> bool:
    """Return whether an ``Accept`` header (RFC 9110, section 12.5.1) prefers OpenMetrics to text.

    Where it likes both as much, it gets OpenMetrics.
    """
    ranges = [_media_range(each) for each in accept.split(",")]
    wanted = max((weight for kind, weight in ranges if kind == _OPENMETRICS_TYPE), default=0.0)
    text = next(
        (
            max(weight for kind, weight in ranges if kind == each)
            for each in _TEXT_TYPES
            if any(kind == each for kind, _ in ranges)
        ),
        0.0,
    )
    return wanted > 0 and wanted >= text


def _media_range(text: str) -> tuple[str, float]:
    """Return a media type, in lower case, and its weight; 0 where we cannot write its version."""
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    named = dict(each.partition("=")[::2] for each in parameters)
    weight = named.get("q", "1").strip()
    if not _WEIGHT.fullmatch(weight):
        weight = "1"
    version = named.get("version", "1.0.0").strip().strip('"')
    if kind == _OPENMETRICS_TYPE and not _VERSION.fullmatch(version):
        return kind, 0.0
    return kind, float(weight)
