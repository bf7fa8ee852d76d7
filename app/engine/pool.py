"""The engines: processes that run batches, watched and replaced; which are idle, and for whom."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from app.engine.plan import EnginePlan
from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.keeper import Keeper
from app.engine.processes.messages import Order
from app.engine.processes.templates import Templates
from app.engine.seats import EngineLostError
from app.errors import StartError

_LOOK_S = 1.0
STOP_LIMIT_S = 10.0
"""Seconds that the exit waits for the processes of a pool to end."""


class EnginePool:
    """A number of engines that share their weights.

    Args:
        order: what the engines run, and how many there are.
    """

    def __init__(self, order: Order) -> None:
        self.plan = EnginePlan(0, 0)
        """Of the template, once it has loaded."""
        self.templates = Templates(order)
        self._keeper = Keeper(
            self.templates,
            on_ready=self._add,
            on_lost=self._drop,
            on_restart=self._replaced,
        )
        self._changed = threading.Condition()
        self._living: set[EngineProcess] = set()
        self._none_since = -math.inf
        """When the last engine was lost."""
        self._idle: list[EngineProcess] = []
        self._repeats = 0
        """Batches that wait for an engine to be run again."""
        self._stopped = False
        self._models: tuple[str, ...] = ()
        self._on_free: Callable[[], None] = _nobody
        self._on_restart: Callable[[int], None] = _nobody
        self.on_pass: Callable[[int, float], None] = _nobody

    def start(self) -> object:
        """Load, start every engine, and return what the factory says about the weights.

        Raises:
            StartError: what the order names cannot be loaded, or engines end at once.
        """
        try:
            loaded = self._keeper.start()
            self.plan = loaded.plan
            self._wait_for_all()
        except Exception:
            self.stop()
            raise
        return loaded.about

    def _wait_for_all(self) -> None:
        with self._changed:
            while len(self._living) < self.most:
                if self._keeper.gives_up:
                    raise StartError(
                        "the processes of engines end before they are ready; the log says how. "
                        "XCOPA_ENGINES=0 runs the models in the process of the service"
                    )
                self._changed.wait(_LOOK_S)

    def stop(self) -> None:
        """End every engine."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._keeper.stop(STOP_LIMIT_S)

    def release(self) -> None:
        """Let go of the engines, after ``stop``: their descriptors go with the last reference."""
        with self._changed:
            self._living.clear()
            self._idle.clear()

    def number_models(self, models: Sequence[str]) -> None:
        """Name the models in the order in which the factory makes their engines."""
        self._models = tuple(models)

    # Engines to run on -------------------------------------------------------------------

    @property
    def most(self) -> int:
        """How many engines there are when none is being replaced."""
        return self.plan.engines

    @property
    def moving(self) -> int:
        """How many engines there are, at work or idle."""
        return len(self._living)

    @property
    def busy(self) -> int:
        """How many of them are at work."""
        with self._changed:
            return len(self._living) - len(self._idle)

    @property
    def seconds_without_engine(self) -> float:
        """For how long there has been none; infinite where none can be started any more."""
        if self._living:
            return 0.0
        return math.inf if self._keeper.gives_up else time.monotonic() - self._none_since

    def watch(self, on_free: Callable[[], None]) -> None:
        """Have a function called when an engine is free that its last user gave to others."""
        self._on_free = on_free

    def report(
        self, on_restart: Callable[[int], None], on_pass: Callable[[int, float], None]
    ) -> None:
        """Have functions called with the number of an engine.

        Args:
            on_restart: when it is replaced.
            on_pass: when it has answered, with the seconds that it took.
        """
        self._on_restart, self.on_pass = on_restart, on_pass

    @property
    def pids(self) -> dict[int, int]:
        """The process of each engine, by its number."""
        with self._changed:
            return {engine.number: engine.pid for engine in self._living}

    def take(self) -> EngineProcess | None:
        """Return an engine, unless all are at work or wanted for batches that are repeated."""
        with self._changed:
            return None if len(self._idle) <= self._repeats else self._idle.pop()

    def acquire(self) -> EngineProcess:
        """Wait for an engine, before all who take seats.

        Raises:
            EngineLostError: the pool has stopped.
        """
        with self._changed:
            self._repeats += 1
            try:
                self._changed.wait_for(lambda: self._idle or self._stopped)
                if not self._idle:
                    raise EngineLostError("no engine runs any more")
                return self._idle.pop()
            finally:
                self._repeats -= 1

    def borrow(self, most: int) -> list[EngineProcess]:
        """Return up to so many engines that are idle."""
        with self._changed:
            count = max(0, min(most, len(self._idle) - self._repeats))
            return [self._idle.pop() for _ in range(count)]

    def free(self, engine: EngineProcess, *, for_others: bool) -> None:
        """Take an engine back.

        Args:
            engine: idle, or lost meanwhile.
            for_others: whether others are to be told that it is free.
        """
        with self._changed:
            if engine.lost:
                return
            self._idle.append(engine)
            self._changed.notify_all()
        if for_others:
            self._on_free()

    def lose(self, engine: EngineProcess) -> None:
        """Note that an engine does not answer; the keeper replaces it."""
        self._drop(engine)
        engine.kill()
        self._keeper.wake()

    def model_number(self, model: str) -> int:
        return self._models.index(model)

    # Called by the keeper ----------------------------------------------------------------

    def _add(self, engine: EngineProcess) -> None:
        with self._changed:
            self._living.add(engine)
            self._idle.append(engine)
            self._changed.notify_all()
        self._on_free()

    def _replaced(self, number: int) -> None:
        self._on_restart(number)

    def _drop(self, engine: EngineProcess) -> None:
        with self._changed:
            engine.lost = True
            if self._living == {engine}:
                self._none_since = time.monotonic()
            self._living.discard(engine)
            if engine in self._idle:
                self._idle.remove(engine)
            self._changed.notify_all()


def _nobody(*_: object) -> None:
    """Nobody watches yet."""
