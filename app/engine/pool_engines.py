"""The models of a pool for whoever has rows and takes no seats: to warm up, and to measure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.engine.engine import Engine, Row
from app.engine.pool import EnginePool
from app.engine.pool_seats import PoolSeat
from app.engine.seats import EngineLostError

TRIES = 3
"""An engine may end for a reason that has nothing to do with the rows."""


class PoolEngine:
    """One model of a pool; an ``Engine``."""

    def __init__(self, pool: EnginePool, model: str) -> None:
        self.pool = pool
        self._model = model

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Wait for an engine, and run the rows on all that are idle."""
        return _insist(lambda: self._logits(rows)) if rows else []

    def _logits(self, rows: Sequence[Row]) -> list[float]:
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
        return _insist(lambda: self._logits(rows))

    def _logits(self, rows: Sequence[Row]) -> list[float]:
        seats = [PoolSeat(self._pool, self._pool.acquire()) for _ in range(self._pool.most)]
        with ThreadPoolExecutor(len(seats)) as threads:
            running = [threads.submit(seat.logits, self._model, rows) for seat in seats]
        for seat in seats:
            seat.leave()
        return running[0].result()

    def warm_up(self) -> None:
        """Nothing to do; see ``PoolEngine``."""


def _insist(run: Callable[[], list[float]]) -> list[float]:
    for _ in range(TRIES - 1):
        with contextlib.suppress(EngineLostError):
            return run()
    return run()


def engines_of(pool: EnginePool, models: Sequence[str]) -> dict[str, PoolEngine]:
    """Return an engine for each model, in the order in which the factory makes them."""
    pool.number_models(models)
    return {model: PoolEngine(pool, model) for model in models}


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
