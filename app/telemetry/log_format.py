"""How a line of the log looks: its fields, and JSON or a form for people."""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from structlog.typing import EventDict

LEFT_OUT = "(left out, as it may quote what was sent; XCOPA_LOG_TEXTS=true shows it)"

_MAY_QUOTE = ("asyncio", "uvicorn")
"""Loggers of libraries that report exceptions of requests, maybe outside of their tasks."""

_LONGEST_TRACEBACK = 16_384

current_request: ContextVar[Mapping[str, str] | None] = ContextVar("xcopa_request", default=None)
"""The ids of the request that this task serves."""


def fields(
    level: str, logger: str, event: Mapping[str, Any], created: float | None = None
) -> dict[str, Any]:
    """Return the fields of a line, what every line has first.

    Args:
        level: its severity.
        logger: who writes it.
        event: its text, as ``event``, and its own fields.
        created: seconds since the epoch; by default now.
    """
    when = datetime.now(UTC) if created is None else datetime.fromtimestamp(created, UTC)
    return {
        "timestamp": when.isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        # Its place; the value comes from the event.
        "event": "",
        **(current_request.get() or {}),
        **event,
    }


class RecordFields:
    """Makes the fields of records of ``logging``; a processor of structlog.

    Args:
        texts: whether exceptions of requests are written with their messages, which may quote
            what was sent.
    """

    def __init__(self, *, texts: bool) -> None:
        self._texts = texts

    def __call__(self, _: object, level: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event["_record"]
        exc_info = event.pop("exc_info", None)
        made = fields(level, record.name, event, record.created)
        if record.process not in (None, os.getpid()):
            made["process"] = record.process
        if exc_info and exc_info[1] is not None:
            quotes = current_request.get() is not None or record.name.startswith(_MAY_QUOTE)
            made["exception"] = traceback_of(exc_info[1], messages=self._texts or not quotes)
        return made


def traceback_of(error: BaseException, *, messages: bool) -> str:
    """Return where an exception was raised and what it says; a message may be left out."""
    if messages:
        return "".join(traceback.format_exception(error)).rstrip()[-_LONGEST_TRACEBACK:]
    parts: list[str] = []
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        places = "".join(traceback.format_tb(each.__traceback__))
        parts.append(f"{places}{type(each).__qualname__}: {LEFT_OUT}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\nIt came of:\n".join(parts)[-_LONGEST_TRACEBACK:]


def as_json(_: object, __: str, event: EventDict) -> str:
    """Render a line as an object in JSON, which has no end of line within."""
    try:
        return to_json(event, fallback=repr).decode()
    except (PydanticSerializationError, UnicodeError):
        # The name of a file may have bytes that are no UTF-8.
        return json.dumps(event, default=repr)


_BESIDE = ("timestamp", "level", "logger", "event", "exception")


def for_people(_: object, __: str, event: EventDict) -> str:
    """Render a line as what happened, with the rest as ``name=value`` after it.

    What follows an end of line is indented, so that no text can look like a line of its own.
    """
    rest = "".join(f" {name}={_value(event[name])}" for name in event if name not in _BESIDE)
    head = f"{event['timestamp']} {event['level'].upper()} {event['logger']}"
    line = f"{head}: {_printable(str(event['event']))}{rest}"
    return f"{line}\n    {_printable(event['exception'])}" if "exception" in event else line


def _value(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and text and not set(' "=') & set(text) else json.dumps(text)


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "\n    ".join("".join(map(_escaped, line)) for line in text.split("\n"))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
