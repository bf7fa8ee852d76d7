"""A first template that is a thread: it obeys the front as the real one, and forks nothing."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle

from app.engine.plan import EnginePlan
from app.engine.processes.messages import EngineWanted, Forked, Order, Ready, SpareWanted
from tests.app.engine.stand_in_engines import LIMIT_S, shut

PIDS = itertools.count((1 << 22) + 100_000)
"""Linux gives no process such a number, so nothing real is ever ended."""


class Controlled:
    """One template, at the other end of its control channel."""

    def __init__(self, system: System, pid: int, control: Connection) -> None:
        self.pid = pid
        self.mute = False
        """Whether it takes what it is told, and does not answer."""
        self._system = system
        self._control = control
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """End as a process does that is killed."""
        shut(self._control)
        self.join(LIMIT_S)

    def join(self, timeout: float | None) -> None:
        self._thread.join(timeout)

    @property
    def lives(self) -> bool:
        return self._thread.is_alive()

    def _live(self) -> None:
        with self._control:
            try:
                while True:
                    self._obey(self._control.recv())
            except (EOFError, OSError):
                return

    def _obey(self, wanted: object) -> None:
        if isinstance(wanted, Order):
            self._system.orders.append(wanted)
            if self._system.answer is None:
                raise EOFError
            self._control.send(self._system.answer)
            return
        pid = next(PIDS)
        assert isinstance(wanted, EngineWanted | SpareWanted)
        if isinstance(wanted, SpareWanted):
            self._system.add(Controlled(self._system, pid, Connection(recv_handle(self._control))))
        else:
            ends = [Connection(recv_handle(self._control)) for _ in range(2)]
            self._system.engines.append((self.pid, wanted.number, pid, ends))
        if not self.mute:
            self._control.send(Forked(pid))


class System:
    """What starts the first template, and knows all that come of it."""

    def __init__(self) -> None:
        self.answer: object = Ready("about the weights", EnginePlan(2, 3))
        """To the order; None is the end of the process."""
        self.status = 0
        """Of the first process, when it has ended."""
        self.orders: list[Order] = []
        self.templates: list[Controlled] = []
        self.engines: list[tuple[int, int, int, list[Connection]]] = []
        """Of each: its template's process, its number, its own process, and its ends of pipes."""
        self.command: Sequence[str] = ()
        self.environment: Mapping[str, str] = {}
        self.killed: list[int] = []
        self.on_kill: Callable[[], object] = lambda: None
        self.stuck = False
        """Whether the first process ends only when it is killed."""
        self.descriptors: list[int] = []
        """The reading end of the lifeline and the writing end of the log, as it holds them."""

    def popen(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int],
        stdin: int,
        env: Mapping[str, str],
    ) -> StandInProcess:
        assert list(command[-3:]) == [str(each) for each in pass_fds]
        assert stdin == subprocess.DEVNULL
        self.command, self.environment = command, env
        control, *self.descriptors = (os.dup(each) for each in pass_fds)
        first = Controlled(self, next(PIDS), Connection(control))
        self.add(first)
        return StandInProcess(self, first)

    def add(self, template: Controlled) -> None:
        self.templates.append(template)
        template.start()

    def kill(self, pid: int, number: int) -> None:
        """Stand in for ``os.kill``."""
        self.killed.append(pid)
        self.on_kill()
        for each in self.templates:
            if each.pid == pid and each.lives:
                each.end()
                return
        raise ProcessLookupError

    def close(self) -> None:
        for each in self.templates:
            each.end()
        for *_, ends in self.engines:
            for end in ends:
                end.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


class StandInProcess:
    """What ``subprocess.Popen`` returns."""

    def __init__(self, system: System, template: Controlled) -> None:
        self.pid = template.pid
        self.waits: list[float | None] = []
        self._system = system
        self._template = template

    def wait(self, timeout: float | None = None) -> int:
        self.waits.append(timeout)
        self._template.join(LIMIT_S)
        if self._system.stuck:
            raise subprocess.TimeoutExpired(self._system.command, timeout or 0.0)
        return self._system.status

    def kill(self) -> None:
        self._system.killed.append(self.pid)
        self._system.stuck = False
