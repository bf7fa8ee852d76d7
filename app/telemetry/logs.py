"""The log: one line a record, in one format, whoever writes it.

The service's own records and those of libraries come through ``logging``; the line of a request
comes through structlog alone, which costs a third. Both end in the same renderer. Lines that are
written while a request is served have its ids (``about_request``).

Decision: docs/decisions/0040-structured-logs.md
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict

from app.telemetry.log_format import RecordFields, as_json, current_request, fields, for_people
from app.telemetry.log_writer import Count, LineWriter

Form = Literal["json", "console"]
Renderer = Callable[[object, str, EventDict], str]

REQUESTS = "app.requests"
"""The logger of the lines that requests leave."""


def about_request(ids: Mapping[str, str]) -> None:
    """Have each line of this task, and of the tasks that it makes, carry the ids of a request."""
    current_request.set(ids)


def configure(level: str, form: Form, *, texts: bool = False, service: bool = False) -> None:
    """Set up the log of the process, on standard error.

    Args:
        level: lowest severity that is logged.
        form: how a line looks.
        texts: see ``RecordFields``.
        service: write on a thread of its own (``log_writer``), and log also what libraries and
            threads would print.
    """
    renderer: Renderer = as_json if form == "json" else for_people
    handler = LineHandler(renderer, _writer(renderer) if service else None)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[RecordFields(texts=texts)],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, LineHandler)]
    root.addHandler(handler)
    root.setLevel(level.upper())
    if service:
        _log_the_rest(level, handler, renderer)


def _log_the_rest(level: str, handler: LineHandler, renderer: Renderer) -> None:
    """Log what does not come through ``logging``: lines of requests, warnings, lost threads."""
    structlog.configure(
        processors=[_request_fields, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: LineLogger(handler),
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)
    threading.excepthook = _on_thread_error


def requests_log() -> Any:
    """Return the logger of the lines that requests leave.

    In a process whose log was not set up here, such as that of another framework, they are
    records of ``logging``.
    """
    if structlog.is_configured():
        return structlog.get_logger().bind()
    return structlog.wrap_logger(
        logging.getLogger(REQUESTS),
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()


def report_drops(count: Count) -> None:
    """Tell somebody how many lines are dropped because nobody reads them."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler) and handler.writer is not None:
            handler.writer.report(count)


class LineHandler(logging.Handler):
    """Hands lines to a writer; without one it writes them itself."""

    def __init__(self, renderer: Renderer, writer: LineWriter | None = None) -> None:
        super().__init__()
        self.writer = writer
        self._renderer = renderer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.put(self.format(record))
        except Exception:
            self.handleError(record)

    def put(self, line: str) -> None:
        """Write a line, which has no end of line yet."""
        if self.writer is not None:
            self.writer.write(line.encode("utf-8", "backslashreplace") + b"\n")
            return
        # Whoever read it may have gone.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - of ``logging``
        """Name the record that is lost; ``logging`` would print what it was to say."""
        text = f"a record of {record.name}, line {record.lineno}, cannot be written"
        self.put(self._renderer(None, "", fields("error", __name__, {"event": text})))

    def flush(self) -> None:
        """Wait a while until all lines are written."""
        if self.writer is not None:
            self.writer.flush()


class LineLogger:
    """What structlog hands finished lines to."""

    def __init__(self, handler: LineHandler) -> None:
        self.debug = self.info = self.warning = self.error = handler.put


def _request_fields(_: object, level: str, event: EventDict) -> EventDict:
    return fields(level, REQUESTS, event)


def _writer(renderer: Renderer) -> LineWriter | None:
    """Return what writes to standard error, unless what stands in for it is no file."""
    try:
        # None where it was closed: its number may be another file's by now.
        descriptor = -1 if sys.stderr is None else sys.stderr.fileno()
    except (OSError, ValueError):
        return None

    def notice(count: int) -> bytes:
        text = f"{count} lines of the log were dropped: they were not read in time"
        return renderer(None, "", fields("warning", __name__, {"event": text})).encode() + b"\n"

    return LineWriter(descriptor, notice)


def _on_thread_error(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is SystemExit or failed.exc_value is None:
        return
    name = failed.thread.name if failed.thread else "?"
    logging.getLogger("threading").error("the thread %s ended", name, exc_info=failed.exc_value)
