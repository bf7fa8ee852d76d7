"""Records cross the pipe whole, or shortened, and never hold up who logs."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Iterator

import pytest

from app.engine.processes.logs import PipeHandler, log_from

LIMIT_S = 30


class Heard(logging.Handler):
    """Keeps the records of one logger, and waits for them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._came = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._came:
            self.records.append(record)
            self._came.notify_all()

    def wait(self, count: int) -> list[logging.LogRecord]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.records) >= count, LIMIT_S)
            return self.records


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, logger = Heard(), logging.getLogger("a.child")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def record(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("a.child", level, "", 1, message, arguments, None)


def test_a_record_arrives_with_its_level_its_process_and_its_words(heard: Heard) -> None:
    reader, writer = os.pipe()
    log_from(reader)
    sent = record("%d of %s\nand more", 3, "ж")
    PipeHandler(writer).handle(sent)
    [arrived] = heard.wait(1)
    assert arrived.getMessage() == "3 of ж\nand more"
    assert (arrived.levelname, arrived.process) == ("WARNING", os.getpid())
    assert arrived.created == sent.created
    os.close(writer)


def test_a_record_below_the_level_of_its_logger_here_is_dropped(heard: Heard) -> None:
    reader, writer = os.pipe()
    log_from(reader)
    handler = PipeHandler(writer)
    handler.handle(record("too fine", level=logging.DEBUG))
    handler.handle(record("enough", level=logging.ERROR))
    assert [each.getMessage() for each in heard.wait(1)] == ["enough"]
    os.close(writer)


@pytest.mark.parametrize("letter", ["x", "ж", "\n", "\U0001f600"])
def test_a_long_message_is_cut_so_that_its_line_stays_in_one_piece(letter: str) -> None:
    reader, writer = os.pipe()
    PipeHandler(writer).handle(record(letter * 100_000))
    line = os.read(reader, 1 << 20)
    assert line.endswith(b"}\n")
    assert select.PIPE_BUF // 2 < len(line) <= select.PIPE_BUF
    os.close(reader)
    os.close(writer)


def test_who_logs_does_not_wait_for_who_reads() -> None:
    reader, writer = os.pipe()
    handler = PipeHandler(writer)
    for _ in range(1_000):
        handler.handle(record("x" * 1_000))
    os.close(reader)
    handler.handle(record("nobody is there any more"))
    os.close(writer)
