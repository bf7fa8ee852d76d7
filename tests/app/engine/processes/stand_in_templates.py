"""A keeper whose engines are threads, and whose clock moves when a test says so."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from typing import cast

from app.clock import Clock
from app.engine.plan import EnginePlan
from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.handover import READY
from app.engine.processes.keeper import Keeper
from app.engine.processes.messages import Ready
from app.engine.processes.templates import NoTemplateError, Templates
from tests.app.engine.stand_in_engines import LIMIT_S, StandInEngine, wait_until


class NotedOrphans:
    """Keeps what is added; nothing ends."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.reaps = 0

    def __bool__(self) -> bool:
        return bool(self.pids)

    def add(self, pid: int) -> None:
        self.pids.append(pid)

    def reap(self) -> None:
        self.reaps += 1


class StandInTemplates:
    """Starts engines that are threads."""

    def __init__(self, engines: int) -> None:
        self.loaded = Ready("about the weights", EnginePlan(engines, 1))
        self.refusal: Exception | None = None
        self.controls: list[Connection] = []
        self.orphans = NotedOrphans()
        self.engines: list[StandInEngine] = []
        self.gone = False
        self.refused = 0
        """Engines that could not be started."""
        self.mishap: Exception | None = None
        self.looks = 0
        self.ends = 0
        self.may_end = threading.Event()
        self.may_end.set()

    def start(self) -> Ready:
        if self.refusal is not None:
            raise self.refusal
        return self.loaded

    def fork_engine(self, number: int) -> EngineProcess:
        if self.gone:
            self.refused += 1
            raise NoTemplateError("nothing to start engines from")
        self.engines.append(StandInEngine(number))
        return self.engines[-1].process

    def look_after(self) -> None:
        self.looks += 1
        self.controls = [each for each in self.controls if not each.poll()]
        if self.mishap is not None:
            mishap, self.mishap = self.mishap, None
            raise mishap

    def end(self) -> None:
        self.may_end.wait(LIMIT_S)
        self.ends += 1


class Kept:
    """A keeper, and what it has told."""

    def __init__(self, engines: int, clock: Clock | None = None) -> None:
        self.now = 1_000.0
        self.templates = StandInTemplates(engines)
        self.ready: list[EngineProcess] = []
        self.lost: list[EngineProcess] = []
        self.restarted: list[int] = []
        self.keeper = Keeper(
            cast("Templates", self.templates),
            self.ready.append,
            self.lost.append,
            self.restarted.append,
            clock or (lambda: self.now),
        )

    def start(self) -> Kept:
        self.keeper.start()
        wait_until(lambda: self.started == self.templates.loaded.plan.engines)
        return self

    @property
    def started(self) -> int:
        return len(self.templates.engines)

    @property
    def newest(self) -> StandInEngine:
        return self.templates.engines[-1]

    def look(self) -> None:
        """Return when the keeper has checked every engine, and started those that are due."""
        for _ in range(2):
            before = self.templates.looks
            self.keeper.wake()
            wait_until(lambda: self.templates.looks > before)  # noqa: B023 - waited for here

    def make_ready(self) -> StandInEngine:
        self.newest.say(READY)
        wait_until(lambda: self.newest.process in self.ready)
        return self.newest

    def end_newest(self) -> StandInEngine:
        ended = self.newest
        ended.end()
        wait_until(lambda: ended.process in self.lost)
        return ended
