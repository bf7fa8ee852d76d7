"""The process that engines are forked from: it holds the weights and computes nothing.

Memory that is written before a fork and not after it is shared by the processes on both sides. So
all engines use one copy of the weights, also of those that a library has put into a layout of its
own, and a new engine is there as soon as the system has copied the tables of its pages. That needs
no shared memory segment, no file and no right to write anywhere.

A library's threads do not survive a fork, and what they held stays held. So nothing here starts
one: factories compute with one thread, and monitors of progress bars are off.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any, NoReturn, cast

from app.engine.processes import child
from app.engine.processes.lifeline import (
    end_with_front,
    end_with_parent,
    go_first,
    ignore_terminal,
)
from app.engine.processes.logs import log_to
from app.engine.processes.messages import (
    EngineWanted,
    Failed,
    Forked,
    Order,
    Ready,
    Refused,
    SharedWeights,
    SpareWanted,
)
from app.errors import StartError

log = logging.getLogger(__name__)

_NICE = 10
"""A tenth of the processor, where others want all of it: they hardly wait, and it does not starve.
The weight of 0 is 1,024 and that of 10 is 110 (sched(7))."""


def main() -> NoReturn:
    """Serve one front; the descriptors that it passes are the arguments of the program."""
    control, lifeline, logs = (int(argument) for argument in sys.argv[1:4])
    end_with_parent(at_once=True)
    ignore_terminal()
    connection = Connection(control)
    with contextlib.suppress(EOFError, OSError):  # the front is gone
        weights = _load(connection, logs)
        if weights is not None:
            # From here on it reads the end of the channel, and ends its engines.
            end_with_parent(at_once=False)
            Template(connection, weights, lifeline).serve()
    os._exit(0)


def _load(control: Connection, logs: int) -> SharedWeights | None:
    order = cast("Order", control.recv())
    log_to(logs, order.log_level)
    _forbid_monitors()
    try:
        weights = _behind_others(order) if order.beside else _made(order)
        weights.warm_up()
    except StartError as error:
        control.send(Refused(str(error)))
        return None
    except Exception:
        control.send(Failed(traceback.format_exc()))
        return None
    _warn_of_threads()
    # A collection would write to the pages of every object that it looks at.
    gc.collect()
    gc.freeze()
    control.send(Ready(weights.about, weights.plan))
    return weights


def _made(order: Order) -> SharedWeights:
    return _factory(order.factory)(order.argument)


def _behind_others(order: Order) -> SharedWeights:
    """Load on a thread that gives way to processes that have other work.

    It ends with that: a process that lowers its own priority may not raise it again, and its forks
    would have the low one.
    """
    with ThreadPoolExecutor(1, initializer=_give_way) as loading:
        return loading.submit(_made, order).result()


def _give_way() -> None:
    # nice(2): on Linux it is an attribute of the thread.
    os.nice(_NICE)


def _factory(name: str) -> Callable[[Any], SharedWeights]:
    module, _, function = name.partition(":")
    found: Callable[[Any], SharedWeights] = getattr(importlib.import_module(module), function)
    return found


def _forbid_monitors() -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module("tqdm").tqdm.monitor_interval = 0


def _warn_of_threads() -> None:
    tasks = Path("/proc/self/task")
    if tasks.is_dir() and (count := len(list(tasks.iterdir()))) > 1:
        log.warning("%d threads run where engines are forked; one was expected", count)


class Template:
    """Forks what the front asks for, reaps what ends, and ends with the front."""

    def __init__(self, control: Connection, weights: SharedWeights, lifeline: int) -> None:
        self._control = control
        self._weights = weights
        self._lifeline = lifeline
        self._children: set[int] = set()
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)

    def serve(self) -> None:
        """Return when the front has gone."""
        # Without a handler of its own the signal would not be written to the pipe.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._writer)
        try:
            while True:
                ready = wait([self._control, self._reader])
                self._reap()
                if self._control in ready:
                    self._obey(self._control.recv())
        except (EOFError, OSError):
            # One that is stopped (SIGSTOP) would not notice by itself.
            for pid in self._children:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.remove(pid)
                log.info("process %d ended: %s", pid, _how(os.waitstatus_to_exitcode(status)))

    def _obey(self, wanted: object) -> None:
        match wanted:
            case EngineWanted():
                channel, life = (recv_handle(self._control) for _ in range(2))
                self._fork(lambda: self._be_engine(wanted, channel), channel, life)
            case SpareWanted():
                control = recv_handle(self._control)
                self._fork(lambda: self._be_template(control), control)

    def _fork(self, live: Callable[[], None], *descriptors: int) -> None:
        pid = os.fork()
        if pid == 0:
            _live(self._forget, live)
        self._children.add(pid)
        for each in descriptors:
            os.close(each)
        self._control.send(Forked(pid))

    def _forget(self) -> None:
        """Let go, in a new process, of what belongs to its parent."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        os.close(self._reader)
        os.close(self._writer)

    def _be_engine(self, wanted: EngineWanted, channel: int) -> None:
        end_with_front(self._lifeline)
        go_first()
        engines = self._weights.engines(wanted.number)
        child.run(Connection(channel), engines)

    def _be_template(self, control: int) -> None:
        Template(Connection(control), self._weights, self._lifeline).serve()


def _live(*stages: Callable[[], None]) -> NoReturn:
    """Be a process until its last stage is over; never return to what the parent was doing."""
    try:
        for stage in stages:
            stage()
    except BaseException:
        log.exception("process %d ends", os.getpid())
        os._exit(1)
    os._exit(0)


def _how(status: int) -> str:
    if status >= 0:
        return f"with status {status}"
    with contextlib.suppress(ValueError):
        return f"by {signal.Signals(-status).name}"
    return f"by signal {-status}"
