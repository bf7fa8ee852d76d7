"""The front's hold on one engine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from multiprocessing.connection import Connection

from app.engine.engine import Row
from app.engine.processes.handover import MOST_TURNS, READY, pack_batch, unpack_answer
from app.engine.seats import EngineLostError, PassFailedError


class EngineProcess:
    """A process that runs batches, one at a time.

    Args:
        number: of its place in the pool.
        pid: of the process.
        channel: batches one way, answers the other.
        life: never written to; its end means that the process has ended.
    """

    def __init__(self, number: int, pid: int, channel: Connection, life: Connection) -> None:
        self.number = number
        self.pid = pid
        self.channel = channel
        self.life = life
        self.lost = False
        self._turn = 0

    def hear_ready(self) -> None:
        """Take in that it is ready; call it when the channel is readable.

        Raises:
            EngineLostError: it has ended instead.
        """
        if self._receive() != READY:
            raise EngineLostError(f"engine {self.number} says something else than that it is ready")

    def ask(self, model: int, rows: Sequence[Row]) -> None:
        """Hand over a batch.

        Raises:
            EngineLostError: the process has ended.
        """
        self._turn = (self._turn + 1) % MOST_TURNS
        frame = pack_batch(self._turn, model, rows)
        with contextlib.suppress(OSError):
            self.channel.send_bytes(frame)
            return
        raise self._lost()

    def answer(self) -> Sequence[float]:
        """Wait for the logits of the batch.

        Raises:
            EngineLostError: the process has ended, or answers something else.
            PassFailedError: the pass raised.
        """
        turn, answer = unpack_answer(self._receive())
        if turn != self._turn:
            raise EngineLostError(f"engine {self.number} answers turn {turn}, not {self._turn}")
        if isinstance(answer, PassFailedError):
            raise answer
        return answer

    def _receive(self) -> bytes:
        with contextlib.suppress(EOFError, OSError):
            return self.channel.recv_bytes()
        raise self._lost()

    def _lost(self) -> EngineLostError:
        return EngineLostError(f"engine {self.number} (process {self.pid}) ended during a pass")

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        try:
            return self.life.poll()
        except OSError:
            return True

    def kill(self) -> None:
        """End the process, and the waiting for its answer, whatever state it is in."""
        if not self.ended:  # or its number may be another's by now
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
        self.hang_up()

    def hang_up(self) -> None:
        """End the channel: an engine that is idle ends, and nobody waits for one that is not.

        The descriptors are closed with the last reference, because a thread may be reading.
        """
        with contextlib.suppress(OSError), _as_socket(self.channel) as channel:
            channel.shutdown(socket.SHUT_RDWR)


def _as_socket(connection: Connection) -> socket.socket:
    return socket.socket(fileno=os.dup(connection.fileno()))
