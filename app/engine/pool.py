"""The engines: processes that run batches, watched and replaced.

A thread that runs batches takes a seat, which is an engine; where nothing else waits, engines that
are idle take some of its rows. An engine that ends in the midst of it fails the pass, and the
batch may be run again on another.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import cast

from app.engine.engine import Engine, Row
from app.engine.lanes import shares
from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.keeper import Keeper
from app.engine.processes.messages import Order
from app.engine.processes.templates import Templates
from app.engine.seats import EngineLostError, PassFailedError
from app.errors import StartError

_LOOK_S = 1.0
_STOP_LIMIT_S = 10.0


class EnginePool:
    """A number of engines that share their weights; is a ``Seats``.

    Args:
        order: what the engines run, and how many there are.
    """

    def __init__(self, order: Order) -> None:
        self.most = 0
        self.templates = Templates(order)
        self._keeper = Keeper(
            self.templates,
            on_ready=self._add,
            on_lost=self._drop,
            on_restart=self._replaced,
        )
        self._changed = threading.Condition()
        self._living: set[EngineProcess] = set()
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
            self.most = loaded.plan.engines
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
        self._keeper.stop(_STOP_LIMIT_S)

    def engines(self, models: Sequence[str]) -> dict[str, PoolEngine]:
        """Return an engine for each model, in the order in which the factory makes them."""
        self._models = tuple(models)
        return {model: PoolEngine(self, model) for model in models}

    # Seats -------------------------------------------------------------------------------

    @property
    def moving(self) -> int:
        """How many engines are there, at work or idle."""
        return len(self._living)

    def watch(self, on_free: Callable[[], None]) -> None:
        """See ``Seats``."""
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

    def take(self) -> PoolSeat | None:
        """Return a seat, unless every engine is at work or wanted for a batch that is repeated."""
        with self._changed:
            if len(self._idle) <= self._repeats:
                return None
            return PoolSeat(self, self._idle.pop())

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
            self._living.discard(engine)
            if engine in self._idle:
                self._idle.remove(engine)
            self._changed.notify_all()


class PoolSeat:
    """An engine that is held for one batch; a ``Seat``."""

    def __init__(self, pool: EnginePool, engine: EngineProcess) -> None:
        self.split = False
        self._pool = pool
        self._engine: EngineProcess | None = engine
        self._at_work: tuple[EngineProcess, ...] = ()

    def logits(self, model: str, rows: Sequence[Row], *, spread: bool = False) -> list[float]:
        """See ``Seat``."""
        if self._engine is None:
            self._engine = self._pool.acquire()
        others = self._pool.borrow(len(rows) - 1) if spread else []
        team = (self._engine, *others)
        self.split = len(team) > 1
        parts = shares([len(row) for row in rows], len(team))
        number = self._pool.model_number(model)
        self._at_work = team
        try:
            answers = self._run(
                number,
                {
                    engine: [rows[index] for index in part]
                    for engine, part in zip(team, parts, strict=True)
                },
            )
        finally:
            self._at_work = ()
        logits = [0.0] * len(rows)
        for engine, part in zip(team, parts, strict=True):
            for index, logit in zip(part, answers[engine], strict=True):
                logits[index] = logit
        return logits

    def _run(
        self, model: int, work: Mapping[EngineProcess, Sequence[Row]]
    ) -> dict[EngineProcess, Sequence[float]]:
        """Have each engine run its rows; raise the last failure when all have ended."""
        answers: dict[EngineProcess, Sequence[float]] = {}
        failures: list[Exception] = []
        asked: dict[Connection, EngineProcess] = {}
        started = time.monotonic()
        try:
            for engine, rows in work.items():
                with self._failing_into(failures, engine):
                    engine.ask(model, rows)
                    asked[engine.channel] = engine
            while asked:
                for channel in _answered(asked):
                    engine = asked[channel]
                    with self._failing_into(failures, engine):
                        answers[engine] = engine.answer()
                    del asked[channel]
                    self._pool.on_pass(engine.number, time.monotonic() - started)
                    if engine is not self._engine:
                        self._pool.free(engine, for_others=True)
        finally:
            # Something that is no failure has ended the wait. What an engine answers to this
            # batch must never be taken for the answer to another.
            for engine in asked.values():
                self._lose(engine)
        if failures:
            raise failures[-1]
        return answers

    @contextlib.contextmanager
    def _failing_into(self, failures: list[Exception], engine: EngineProcess) -> Iterator[None]:
        try:
            yield
        except PassFailedError as error:
            failures.append(error)
        except EngineLostError as error:
            failures.append(error)
            self._lose(engine)

    def _lose(self, engine: EngineProcess) -> None:
        self._pool.lose(engine)
        if engine is self._engine:
            self._engine = None

    def end(self) -> bool:
        """See ``Seat``."""
        at_work = self._at_work
        for engine in at_work:
            engine.kill()
        return bool(at_work)

    def leave(self) -> None:
        """See ``Seat``."""
        if self._engine is not None:
            self._pool.free(self._engine, for_others=False)


class PoolEngine:
    """One model of a pool, for whoever has rows and no seat; an ``Engine``."""

    def __init__(self, pool: EnginePool, model: str) -> None:
        self.pool = pool
        self._model = model

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Wait for an engine, and run the rows on all that are idle."""
        if not rows:
            return []
        seat = PoolSeat(self.pool, self.pool.acquire())
        try:
            return seat.logits(self._model, rows, spread=True)
        finally:
            seat.leave()

    def warm_up(self) -> None:
        """Nothing to do: an engine is warm before it says that it is ready."""


class BusyEngine:
    """One engine of a pool as it is when all of its neighbours are busy too, to measure it.

    Every engine runs the rows; who asks waits for all of them.
    """

    def __init__(self, pool: EnginePool, model: str) -> None:
        self._pool = pool
        self._model = model

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Return one logit for each row."""
        seats = [PoolSeat(self._pool, self._pool.acquire()) for _ in range(self._pool.most)]
        answers: list[list[float]] = []
        threads = [
            threading.Thread(target=lambda s=seat: answers.append(s.logits(self._model, rows)))
            for seat in seats
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for seat in seats:
            seat.leave()
        if not answers:
            raise EngineLostError("every engine ended while it was measured")
        return answers[0]

    def warm_up(self) -> None:
        """Nothing to do; see ``PoolEngine``."""


def pool_of(engines: Iterable[Engine]) -> EnginePool | None:
    """Return the pool whose engines these are, or None when they run in this process."""
    pools = {engine.pool if isinstance(engine, PoolEngine) else None for engine in engines}
    return pools.pop() if len(pools) == 1 else None


@contextlib.contextmanager
def stopping_on_failure(engines: Iterable[Engine]) -> Iterator[None]:
    """Stop the pool of these engines, if they have one, should the block raise."""
    try:
        yield
    except BaseException:
        if (pool := pool_of(engines)) is not None:
            pool.stop()
        raise


def as_measured(engine: Engine, model: str) -> Engine:
    """Return what a batch on an engine is to be measured with."""
    return BusyEngine(engine.pool, model) if isinstance(engine, PoolEngine) else engine


def _answered(asked: Mapping[Connection, EngineProcess]) -> Sequence[Connection]:
    """Return who has answered, when at least one has; a single one is waited for as it is read."""
    if len(asked) == 1:
        return list(asked)
    return cast("list[Connection]", wait(list(asked)))


def _nobody(*_: object) -> None:
    """Nobody watches yet."""
