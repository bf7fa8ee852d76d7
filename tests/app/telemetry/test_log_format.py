"""A line is one line, whatever stands in it, and quotes nobody who did not ask for that."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.telemetry.log_format import (
    LEFT_OUT,
    RecordFields,
    as_json,
    current_request,
    fields,
    for_people,
    traceback_of,
)

SENT = "what a caller sent"
FORGED = '\n2026-01-01T00:00:00.000+00:00 INFO app.requests: request status=200\r\x1b[2K"}'


@pytest.fixture(autouse=True)
def _no_request() -> Iterator[None]:
    token = current_request.set(None)
    yield
    current_request.reset(token)


def record_fields(record: logging.LogRecord, *, texts: bool = False) -> dict[str, Any]:
    event: dict[str, Any] = {"event": record.getMessage(), "_record": record}
    if record.exc_info:
        event["exc_info"] = record.exc_info
    return dict(RecordFields(texts=texts)(None, record.levelname.lower(), event))


def a_record(name: str = "app.runtime", **changes: Any) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": name, "levelname": "INFO", "msg": "ready", "created": 1.5, **changes}
    )


def raised() -> BaseException:
    """An exception that came of another one; both quote."""
    try:
        try:
            raise KeyError(SENT)
        except KeyError as error:
            raise ValueError(f"{SENT} is no number") from error
    except ValueError as error:
        error.add_note(SENT)
        return error


# Fields -----------------------------------------------------------------------------------------


def test_a_record_has_its_own_time_its_level_and_its_logger_first() -> None:
    made = record_fields(a_record(process=os.getpid()))
    del made["_record"]
    assert list(made.items()) == [
        ("timestamp", "1970-01-01T00:00:01.500+00:00"),
        ("level", "info"),
        ("logger", "app.runtime"),
        ("event", "ready"),
    ]


def test_a_record_of_another_process_names_it() -> None:
    assert record_fields(a_record(process=os.getpid() + 1))["process"] == os.getpid() + 1


def test_a_line_within_a_request_has_its_ids() -> None:
    current_request.set({"request_id": "abc", "trace_id": "def"})
    made = fields("info", "app.requests", {"event": "request", "status": 200})
    assert (made["request_id"], made["trace_id"], made["status"]) == ("abc", "def", 200)


# Exceptions -------------------------------------------------------------------------------------


def test_an_exception_is_written_with_what_it_says() -> None:
    error = raised()
    made = record_fields(a_record(exc_info=(type(error), error, error.__traceback__)))
    assert f"ValueError: {SENT} is no number" in made["exception"]
    assert "exc_info" not in made


@pytest.mark.parametrize("name", ["app.api.middleware", "asyncio", "uvicorn.error"])
def test_an_exception_of_a_request_is_written_without_what_it_says(name: str) -> None:
    if name.startswith("app"):
        current_request.set({"request_id": "abc"})
    error = raised()
    record = a_record(name, exc_info=(type(error), error, error.__traceback__))
    made = record_fields(record)["exception"]
    assert SENT not in made
    assert f"ValueError: {LEFT_OUT}" in made
    assert f"KeyError: {LEFT_OUT}" in made
    assert "in raised" in made, "where it was raised is no secret"
    assert SENT in record_fields(record, texts=True)["exception"]


def test_exceptions_in_a_circle_end() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert traceback_of(first, messages=False).count(LEFT_OUT) == 2


def test_a_context_that_was_set_aside_stays_so() -> None:
    error = ValueError("a")
    error.__context__, error.__suppress_context__ = KeyError("b"), True
    assert traceback_of(error, messages=False) == f"ValueError: {LEFT_OUT}"


# How it looks -----------------------------------------------------------------------------------


def test_json_is_one_line_from_which_everything_can_be_read_back() -> None:
    made = {"event": FORGED, "path": FORGED, "exception": "a\nb", "bytes": 3}
    line = as_json(None, "info", made)
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line) == made


def test_what_json_cannot_hold_is_written_all_the_same() -> None:
    line = as_json(None, "info", {"event": "a file \udcff", "error": ValueError("x"), "set": {1}})
    said = json.loads(line)
    assert said["event"] == "a file \udcff"
    assert said["error"] == "ValueError('x')"


def test_people_read_what_happened_and_then_the_rest() -> None:
    made = fields("warning", "app.requests", {"event": "request", "status": 429, "key": "a b"}, 1.5)
    assert for_people(None, "", made) == (
        '1970-01-01T00:00:01.500+00:00 WARNING app.requests: request status=429 key="a b"'
    )


def test_no_text_can_look_like_a_line_of_its_own() -> None:
    made = fields("info", "app", {"event": f"x{FORGED}", "path": FORGED, "exception": f"x{FORGED}"})
    first, *others = for_people(None, "", made).split("\n")
    assert first.endswith("app: x")
    assert others
    assert all(other.startswith("    ") for other in others)
    assert "\x1b" not in "".join(others)
    assert "\r" not in "".join(others)


def test_a_value_cannot_look_like_another_field() -> None:
    made = fields("info", "app", {"event": "x", "path": "/a status=200", "other": ""}, 1.5)
    assert for_people(None, "", made).endswith(' path="/a status=200" other=""')
