"""Writes the lines of the log on a thread of its own, so that no caller waits for who reads them.

A pipe that nobody reads, a terminal that is stopped, a disk that hangs: each makes ``write`` wait
for ever. On the event loop that would stop the service, so lines are dropped instead, and counted.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator

MOST_BYTES = 4 * 2**20
"""Of lines that wait to be written: some 10,000 requests."""

GATHER_S = 0.01
"""How long the thread lets lines gather. Waking it for each would cost more than to write them."""

CLOSE_S = 1.0
"""How long the end of the process waits for the last lines to be taken."""

Count = Callable[[int], None]
Notice = Callable[[int], bytes]
"""Makes the line that says how many are missing."""


class LineWriter:
    """A bounded queue of lines before a file descriptor. Any thread may write.

    Args:
        descriptor: of the file, pipe, socket or terminal; its flags are not changed, since other
            processes may share them.
        notice: see ``Notice``; that line stands where the others would have.
        most_bytes: how much may wait.
    """

    def __init__(self, descriptor: int, notice: Notice, most_bytes: int = MOST_BYTES) -> None:
        self._descriptor = descriptor
        self._notice = notice
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._held_bytes = 0
        """Of the lines that wait, and of those that are being written."""
        self._dropped = 0
        """Not counted yet."""
        self._missing = 0
        """Dropped since the last notice."""
        self._count: Count | None = None
        self._asleep = False
        self._wake = threading.Event()
        self._empty = threading.Condition(self._lock)
        threading.Thread(target=self._run, name="xcopa-log", daemon=True).start()

    def report(self, count: Count) -> None:
        """Tell somebody how many lines are dropped, also those of before."""
        with self._lock:
            self._count, dropped = count, self._dropped
            self._dropped = 0
        if dropped:
            count(dropped)

    def write(self, line: bytes) -> None:
        """Have a line written, with its end of line; drop it where too much waits."""
        with self._lock:
            full = self._held_bytes + len(line) > self._most_bytes
            if not full:
                self._lines.append(line)
                self._held_bytes += len(line)
            wake, self._asleep = self._asleep, False
            self._missing += full
        if full:
            self._drop(1)
        if wake:
            self._wake.set()

    def flush(self, seconds: float = CLOSE_S) -> None:
        """Wait until every line has been written, or for that long."""
        with self._empty:
            self._empty.wait_for(lambda: not self._held_bytes, seconds)

    def _run(self) -> None:
        while True:
            self._wait()
            time.sleep(GATHER_S)
            with self._lock:
                lines, self._lines = self._lines, []
                missing, self._missing = self._missing, 0
            for piece in _pieces(lines):
                self._put(piece)
                with self._empty:
                    self._held_bytes -= sum(map(len, piece))
                    if not self._held_bytes:
                        self._empty.notify_all()
            if missing:
                self._put([self._notice(missing)])

    def _wait(self) -> None:
        self._wake.clear()
        with self._lock:
            self._asleep = not self._lines
        if self._asleep:
            self._wake.wait()

    def _put(self, lines: list[bytes]) -> None:
        rest = b"".join(lines)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BlockingIOError:
            # Somebody who shares the descriptor has set it to fail instead of waiting.
            self._put_when_possible(lines, rest)
        except OSError:
            self._drop(len(lines))

    def _put_when_possible(self, lines: list[bytes], rest: bytes) -> None:
        try:
            while rest:
                select.select([], [self._descriptor], [])
                rest = rest[os.write(self._descriptor, rest) :]
        except (OSError, ValueError):
            self._drop(len(lines))

    def _drop(self, lines: int) -> None:
        with self._lock:
            count = self._count
            if count is None:
                self._dropped += lines
        if count is not None:
            count(lines)


def _pieces(lines: list[bytes]) -> Iterator[list[bytes]]:
    """Yield whole lines that a pipe takes in one piece, so that other writers cut none apart."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > select.PIPE_BUF:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield piece
