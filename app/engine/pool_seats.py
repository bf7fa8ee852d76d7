"""A batch on the engines of a pool.

A thread that runs batches takes a seat, which is an engine. Where nothing else waits, engines that
are idle take some of its rows. An engine that ends in the midst of it fails the pass, and the
batch may be run again on another.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import cast

from app.engine.engine import Row
from app.engine.lanes import shares
from app.engine.pool import EnginePool
from app.engine.processes.engine_process import EngineProcess
from app.engine.seats import EngineLostError, PassFailedError


class PoolSeats:
    """The engines of a pool as a ``Seats``."""

    def __init__(self, pool: EnginePool) -> None:
        self._pool = pool
        self.most = pool.most

    @property
    def moving(self) -> int:
        """See ``Seats``."""
        return self._pool.moving

    @property
    def busy(self) -> int:
        """See ``Seats``."""
        return self._pool.busy

    @property
    def seconds_without_engine(self) -> float:
        """See ``Seats``."""
        return self._pool.seconds_without_engine

    def take(self) -> PoolSeat | None:
        """See ``Seats``."""
        engine = self._pool.take()
        return None if engine is None else PoolSeat(self._pool, engine)

    def watch(self, on_free: Callable[[], None]) -> None:
        """See ``Seats``."""
        self._pool.watch(on_free)


class PoolSeat:
    """An engine that is held for one batch; a ``Seat``."""

    def __init__(self, pool: EnginePool, engine: EngineProcess) -> None:
        self.split = False
        self._pool = pool
        self._engine: EngineProcess | None = engine
        self._asked: dict[Connection, EngineProcess] = {}
        """The engines that have not answered yet, by their channels."""

    def logits(self, model: str, rows: Sequence[Row], *, spread: bool = False) -> list[float]:
        """See ``Seat``."""
        if self._engine is None or self._engine.lost:
            self._engine = self._pool.acquire()
        others = self._pool.borrow(len(rows) - 1) if spread else []
        team = (self._engine, *others)
        self.split = len(team) > 1
        parts = shares([len(row) for row in rows], len(team))
        work = {
            engine: [rows[index] for index in part]
            for engine, part in zip(team, parts, strict=True)
        }
        answers = self._run(self._pool.model_number(model), work)
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
        started = time.monotonic()
        held = set(work)
        try:
            for engine, rows in work.items():
                with self._failing_into(failures, engine):
                    engine.ask(model, rows)
                    self._asked[engine.channel] = engine
            while self._asked:
                for channel in _answered(self._asked):
                    engine = self._asked[channel]
                    with self._failing_into(failures, engine):
                        answers[engine] = engine.answer()
                    del self._asked[channel]
                    held.discard(engine)
                    self._give_back(engine)
                    self._pool.on_pass(engine.number, time.monotonic() - started)
        finally:
            self._let_go(held)
        try:
            if failures:
                raise failures[-1]
        finally:
            failures.clear()  # or the list, this frame and the failure would keep each other
        return answers

    @contextlib.contextmanager
    def _failing_into(self, failures: list[Exception], engine: EngineProcess) -> Iterator[None]:
        try:
            yield
        except PassFailedError as error:
            failures.append(error)
        except EngineLostError as error:
            failures.append(error)
            self._pool.lose(engine)

    def _let_go(self, held: Collection[EngineProcess]) -> None:
        """Give back what is left when something that is no failure has ended the wait.

        What an engine answers to this batch must never be taken for the answer to another, so one
        that was asked is ended.
        """
        for engine in held:
            if engine.channel in self._asked:
                self._pool.lose(engine)
            self._give_back(engine)
        self._asked.clear()

    def _give_back(self, engine: EngineProcess) -> None:
        if engine is not self._engine:
            self._pool.free(engine, for_others=True)

    def end(self) -> bool:
        """See ``Seat``."""
        asked = list(self._asked.values())
        for engine in asked:
            engine.kill()
        return bool(asked)

    def leave(self) -> None:
        """See ``Seat``."""
        if self._engine is not None:
            self._pool.free(self._engine, for_others=False)


def _answered(asked: Mapping[Connection, EngineProcess]) -> Sequence[Connection]:
    """Return who has answered, when at least one has; a single one is waited for as it is read."""
    if len(asked) == 1:
        return list(asked)
    return cast("list[Connection]", wait(list(asked)))
