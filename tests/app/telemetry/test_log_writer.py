"""Lines are written in order by a thread; who does not read them loses lines, and holds nobody."""

from __future__ import annotations

import fcntl
import os
import select
import threading
from collections.abc import Iterator

import pytest

from app.telemetry.log_writer import LineWriter

FULL = 4_096
"""Bytes of the smallest pipe."""

HANG_S = 30


class Pipe:
    """A pipe that is full after 4 KiB, and a writer before it."""

    def __init__(self, most_bytes: int) -> None:
        self.reader, self._writing = os.pipe()
        fcntl.fcntl(self._writing, fcntl.F_SETPIPE_SZ, FULL)
        self.writer = LineWriter(self._writing, notice, most_bytes)

    def read(self) -> bytes:
        return read(self.reader)

    def read_until(self, end: bytes) -> bytes:
        got = b""
        while end not in got:
            got += self.read()
        return got


def read(descriptor: int) -> bytes:
    ready, _, _ = select.select([descriptor], [], [], HANG_S)
    assert ready, "nothing comes"
    return os.read(descriptor, 65_536)


def notice(count: int) -> bytes:
    return b"%d are missing\n" % count


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe(most_bytes=10_000)
    yield made
    os.close(made.reader)


def line(number: int, size: int = 1_000) -> bytes:
    return str(number).encode().rjust(size - 1) + b"\n"


def test_lines_arrive_whole_and_in_order(pipe: Pipe) -> None:
    lines = [line(number) for number in range(3)]
    for each in lines:
        pipe.writer.write(each)
    pipe.writer.flush()
    assert pipe.read() == b"".join(lines)


def test_a_pipe_that_nobody_reads_holds_up_no_writer_and_loses_what_is_too_much(
    pipe: Pipe,
) -> None:
    dropped: list[int] = []
    pipe.writer.report(dropped.append)
    for number in range(100):
        pipe.writer.write(line(number))
    assert sum(dropped) >= 100 - (FULL + 10_000) // 1_000
    written = pipe.read_until(b"are missing")
    kept = [int(each) for each in written.split(b"\n") if each.strip().isdigit()]
    assert kept == list(range(len(kept))), "the first ones, in order"
    assert len(kept) + sum(dropped) == 100
    assert b"%d are missing" % sum(dropped) in written


def test_it_goes_on_when_somebody_reads_again(pipe: Pipe) -> None:
    for number in range(100):
        pipe.writer.write(line(number))
    pipe.read_until(b"are missing")
    pipe.writer.write(b"again\n")
    assert pipe.read_until(b"again") == b"again\n"


def test_the_end_does_not_wait_for_who_does_not_read(pipe: Pipe) -> None:
    for number in range(10):
        pipe.writer.write(line(number))
    pipe.writer.flush(0.01)


def test_lines_for_a_reader_who_has_gone_are_counted(pipe: Pipe) -> None:
    reader, writing = os.pipe()
    os.close(reader)
    writer = LineWriter(writing, notice)
    writer.write(b"one\n")
    writer.flush()
    dropped: list[int] = []
    writer.report(dropped.append)
    assert dropped == [1], "those of before are told too"
    writer.write(b"two\n")
    writer.flush()
    assert dropped == [1, 1]
    os.close(writing)


def test_a_descriptor_that_others_have_made_fail_instead_of_wait_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, FULL)
    os.set_blocking(writing, False)
    refused, write = threading.Event(), os.write

    def noting(descriptor: int, data: bytes) -> int:
        try:
            return write(descriptor, data)
        except BlockingIOError:
            refused.set()
            raise

    monkeypatch.setattr(os, "write", noting)
    writer = LineWriter(writing, notice)
    lines = [line(number) for number in range(20)]
    for each in lines:
        writer.write(each)
    assert refused.wait(HANG_S)
    got = b""
    while len(got) < 20_000:
        got += read(reader)
    assert got == b"".join(lines)
    writer.flush()
    os.close(reader)
    os.close(writing)


def test_lines_that_others_must_not_cut_apart_are_written_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pipe keeps together what is no longer than ``PIPE_BUF``."""
    pieces: list[bytes] = []

    def taking(_: int, data: bytes) -> int:
        pieces.append(data)
        return len(data)

    monkeypatch.setattr(os, "write", taking)
    writer = LineWriter(-1, notice)
    lines = [line(number, size) for number, size in enumerate((1_500, 1_500, 1_500, 9_000, 10))]
    for each in lines:
        writer.write(each)
    writer.flush(HANG_S)
    assert b"".join(pieces) == b"".join(lines)
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert all(len(piece) <= select.PIPE_BUF or piece in lines for piece in pieces)
