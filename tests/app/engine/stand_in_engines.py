"""Engines whose processes are threads of this one, and a keeper that starts none by itself."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from app.engine.engine import Row
from app.engine.plan import EnginePlan
from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.handover import pack_failure, pack_logits, unpack_batch
from app.engine.processes.messages import Ready
from app.engine.processes.templates import Templates

LIMIT_S = 10.0
"""What takes longer, hangs."""

_PIDS = itertools.count((1 << 22) + 1)
"""Linux gives no process such a number, so nothing real is ever ended."""

Answer = Callable[[int, int, Sequence[Row]], bytes | None]
"""Takes the turn, the model's number and the rows; returns a frame, or None to end."""


def add_up(turn: int, model: int, rows: Sequence[Row]) -> bytes:
    """Answer with the sum of each row; the second model's answers are negative."""
    return pack_logits(turn, [float(sum(row)) * (-1 if model else 1) for row in rows])


def fail(turn: int, model: int, rows: Sequence[Row]) -> bytes:
    """Say that the pass raised."""
    return pack_failure(turn, f"no pass of {len(rows)} rows")


def end(turn: int, model: int, rows: Sequence[Row]) -> None:
    """End in the midst of the pass."""


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


class Gate:
    """Answers as another does, but not before it is opened."""

    def __init__(self, answer: Answer = add_up) -> None:
        self._answer = answer
        self.reached = threading.Event()
        self._opened = threading.Event()

    def __call__(self, turn: int, model: int, rows: Sequence[Row]) -> bytes | None:
        self.reached.set()
        self._opened.wait(LIMIT_S)
        return self._answer(turn, model, rows)

    def open(self) -> None:
        self._opened.set()


class StandInEngine:
    """Both ends of an engine: the front's hold on it, and the thread that runs its batches."""

    def __init__(self, number: int = 0, answer: Answer = add_up) -> None:
        channel, self._channel = Pipe()
        life, self._life = Pipe(duplex=False)
        self.process = EngineProcess(number, next(_PIDS), channel, life)
        self.ran: list[tuple[int, list[list[int]]]] = []
        """The model's number and the rows of each batch."""
        self._answer = answer
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def say(self, frame: bytes) -> None:
        """Send something that no batch has asked for."""
        self._channel.send_bytes(frame)

    def end(self) -> None:
        """End as a process does that is killed."""
        shut(self._channel)
        self._thread.join(LIMIT_S)

    def wait_for_end(self) -> None:
        """Return when the front has ended the engine, or the engine itself."""
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self.end()
        self.process.channel.close()
        self.process.life.close()

    def _live(self) -> None:
        try:
            while True:
                turn, model, rows = unpack_batch(self._channel.recv_bytes())
                self.ran.append((model, [list(row) for row in rows]))
                frame = self._answer(turn, model, rows)
                if frame is None:
                    return
                self._channel.send_bytes(frame)
        except (EOFError, OSError):
            return
        finally:
            self._life.close()
            self._channel.close()


def shut(channel: Connection) -> None:
    """End a channel for both of its ends, also while a thread reads it."""
    try:
        end = socket.socket(fileno=os.dup(channel.fileno()))
    except OSError:  # closed
        return
    with end:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other end is closed
            return


class StandInKeeper:
    """Tells the pool of engines when a test says so."""

    def __init__(
        self,
        templates: Templates,
        on_ready: Callable[[EngineProcess], None],
        on_lost: Callable[[EngineProcess], None],
        on_restart: Callable[[int], None],
    ) -> None:
        self.templates = templates
        self.on_ready = on_ready
        self.on_lost = on_lost
        self.on_restart = on_restart
        self.gives_up = False
        self.plan = EnginePlan(0, 1)
        self.at_start: Callable[[], None] = lambda: None
        self.spares: list[EngineProcess] = []
        """One is ready each time that an engine is to be replaced."""
        self.woken = 0
        self.stops: list[float | None] = []

    def start(self) -> Ready:
        self.at_start()
        return Ready("about the weights", self.plan)

    def wake(self) -> None:
        self.woken += 1
        if self.spares:
            self.on_ready(self.spares.pop())

    def stop(self, timeout: float | None = None) -> None:
        self.stops.append(timeout)
