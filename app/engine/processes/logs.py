"""What the other processes log appears in the front's log, with the front's handlers and format.

All of them write to one pipe, a line a record. The system keeps a line in one piece that is no
longer than ``PIPE_BUF``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import threading

_MOST_BYTES = select.PIPE_BUF
_REST_BYTES = 512
"""Of a line, for all but the message."""
_WIDEST = 12
"""Bytes of a character in JSON, at most."""


class PipeHandler(logging.Handler):
    """Writes records to the pipe. Where nobody reads fast enough, records are lost, never time."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self._pipe = pipe
        os.set_blocking(pipe, False)

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "name": record.name[:100],
            "levelno": record.levelno,
            "levelname": record.levelname,
            "created": record.created,
            "process": record.process,
            "msg": self._shortened(self.format(record)),
        }
        with contextlib.suppress(OSError):
            os.write(self._pipe, json.dumps(fields).encode() + b"\n")

    def _shortened(self, message: str) -> str:
        room = _MOST_BYTES - _REST_BYTES
        message = message[:room]
        while (excess := len(json.dumps(message)) - room) > 0:
            message = message[: -1 - excess // _WIDEST]
        return message


def log_to(pipe: int, level: int) -> None:
    """Send every record of this process from a level on to the front."""
    root = logging.getLogger()
    root.handlers = [PipeHandler(pipe)]
    root.setLevel(level)


def log_from(pipe: int) -> None:
    """Hand records from the pipe to the loggers of this process, until its writers are gone."""

    def read() -> None:
        with os.fdopen(pipe, encoding="utf-8") as lines:
            for line in lines:
                record = logging.makeLogRecord(json.loads(line))
                logger = logging.getLogger(record.name)
                if logger.isEnabledFor(record.levelno):
                    logger.handle(record)

    threading.Thread(target=read, name="xcopa-engine-logs", daemon=True).start()
