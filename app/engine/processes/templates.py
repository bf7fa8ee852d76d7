"""The front's hold on the processes that engines are forked from."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path

from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.logs import log_from
from app.engine.processes.messages import (
    EngineWanted,
    Failed,
    Forked,
    Order,
    Ready,
    Refused,
    SpareWanted,
)
from app.engine.processes.orphans import Orphans
from app.errors import StartError

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 20.0
"""A fork takes a tenth of a second. A template that does not answer within this is replaced."""

_END_LIMIT_S = 5.0

# The folder in which the front runs must not decide what is imported.
_PROGRAM = "import sys; del sys.path[0]; from app.engine.processes.template import main; main()"


class NoTemplateError(RuntimeError):
    """The template and its spare are gone: no engine can be started any more."""


class _TemplateLostError(RuntimeError):
    pass


@dataclass(frozen=True, eq=False)
class _Template:
    """One process to fork from."""

    pid: int
    control: Connection

    def fork(self, wanted: EngineWanted | SpareWanted, *ends: Connection) -> int:
        """Return the process id of the fork, which gets these ends of pipes."""
        try:
            self.control.send(wanted)
            for end in ends:
                send_handle(self.control, end.fileno(), self.pid)
            if self.control.poll(ANSWER_LIMIT_S):
                forked: Forked = self.control.recv()
                return forked.pid
        except (EOFError, OSError) as error:
            raise _TemplateLostError(str(error)) from error
        raise _TemplateLostError(f"no answer within {ANSWER_LIMIT_S:.0f} s")

    def end(self) -> None:
        """Kill it, if it lives; it may be stopped, and then only that helps."""
        self.control.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Templates:
    """A process that holds the weights, and a spare that shares its memory and takes its place.

    One thread starts it and uses it, until it ends: the system kills the first process when that
    thread does.

    Args:
        order: what to load.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._living: list[_Template] = []
        self.orphans = Orphans()
        """Engines and templates that have ended, or are about to."""
        self._first: subprocess.Popen[bytes] | None = None
        # The reading end of the lifeline belongs to the others.
        self._others_end, self._lifeline = os.pipe()

    @property
    def controls(self) -> Sequence[Connection]:
        """Readable when a template has ended."""
        return [each.control for each in self._living]

    @property
    def pids(self) -> Sequence[int]:
        """The template, then its spare."""
        return [each.pid for each in self._living]

    def start(self) -> Ready:
        """Start the first process, wait until it has loaded, and return what it says of that.

        Raises:
            StartError: it cannot load what the order names.
        """
        control = self._spawn()
        try:
            control.send(self._order)
            answer = control.recv()
        except (EOFError, OSError) as error:
            raise StartError(
                f"the process that loads the models ended ({self._status()}); if that is signal 9, "
                "the system was short of memory"
            ) from error
        match answer:
            case Ready():
                self._fork_spare()
                return answer
            case Refused(message):
                raise StartError(message)
            case Failed(trace):
                raise RuntimeError(f"in the process that loads the models: {trace}")
        raise AssertionError(answer)

    def _spawn(self) -> Connection:
        ours, theirs = Pipe()
        reader, writer = os.pipe()
        log_from(reader)
        passed = (theirs.fileno(), self._others_end, writer)
        self._first = subprocess.Popen(  # noqa: S603 - this interpreter, and numbers
            [sys.executable, "-c", _PROGRAM, *map(str, passed)],
            pass_fds=passed,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )
        theirs.close()
        os.close(writer)
        self._living.append(_Template(self._first.pid, ours))
        return ours

    def _status(self) -> str:
        assert self._first is not None
        try:
            status = self._first.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "no status"
        return f"signal {-status}" if status < 0 else f"status {status}"

    def fork_engine(self, number: int) -> EngineProcess:
        """Start an engine.

        Raises:
            NoTemplateError: there is no template left.
        """
        channel, their_channel = Pipe()
        life, their_life = Pipe(duplex=False)
        with their_channel, their_life:
            pid = self._fork(EngineWanted(number), their_channel, their_life)
        return EngineProcess(number, pid, channel, life)

    def _fork(self, wanted: EngineWanted, *ends: Connection) -> int:
        while self._living:
            try:
                return self._living[0].fork(wanted, *ends)
            except _TemplateLostError as error:
                self._lose(self._living[0], str(error))
        raise NoTemplateError("the process that engines are started from, and its spare, are gone")

    def look_after(self) -> None:
        """Replace the templates that have ended."""
        for each in [each for each in self._living if _has_ended(each.control)]:
            if each in self._living:  # else it was lost when it was to fork a spare
                self._lose(each, "it ended")

    def _lose(self, template: _Template, why: str) -> None:
        log.error("process %d, which engines are started from, is lost: %s", template.pid, why)
        template.end()
        self._living.remove(template)
        if self._first is not None and self._first.pid == template.pid:
            self._first.wait()
        else:
            self.orphans.add(template.pid)
        if self._living:
            self._fork_spare()
        else:
            log.critical("no engine can be replaced from now on; restart the service")

    def _fork_spare(self) -> None:
        ours, theirs = Pipe()
        template = self._living[0]
        with theirs:
            try:
                pid = template.fork(SpareWanted(), theirs)
            except _TemplateLostError as error:
                ours.close()
                self._lose(template, str(error))
                return
        self._living.append(_Template(pid, ours))

    def end(self) -> None:
        """End all processes, the engines too, and wait for the first template."""
        os.close(self._lifeline)
        os.close(self._others_end)
        for each in self._living:
            each.control.close()
            if self._first is None or each.pid != self._first.pid:
                self.orphans.add(each.pid)
        self._living = []
        if self._first is None:
            return
        try:
            self._first.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._first.kill()
            self._first.wait()


def _has_ended(control: Connection) -> bool:
    try:
        return control.poll()
    except OSError:
        return True


def _environment() -> dict[str, str]:
    """Return that of this process, with its import path, and without threads of a library."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
