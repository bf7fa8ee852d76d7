"""The worker on engines that are real processes: what is left of those that end."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.engine.engine import Row
from app.engine.pool import EnginePool
from app.engine.pool_engines import engines_of
from app.engine.pool_seats import PoolSeats
from app.engine.processes import keeper
from app.engine.processes.engine_process import EngineProcess
from app.engine.seats import EngineLostError
from app.serving.admission import Limits
from app.serving.scheduler import Scheduler
from app.serving.work import ModelProfile, ServiceCurve, Ticket
from app.serving.worker import Worker
from tests.app.engine import stand_in_weights as say
from tests.app.engine.stand_in_weights import order

LIMIT_S = 60.0
"""What takes longer, hangs."""


@dataclass(frozen=True, eq=False)
class Work:
    rows: tuple[Row, ...]


class Office:
    """A worker on two engines, and how each item has ended."""

    def __init__(self, pool: EnginePool) -> None:
        profile = ModelProfile(1_000, ServiceCurve(0.0, 1e-6))
        self._ended = threading.Condition()
        self._results: dict[Ticket[Work], Any] = {}
        self.worker: Worker[Work] = Worker(
            Scheduler({"plus": profile}, Limits(1_000), time.monotonic, 2),
            PoolSeats(pool),
            self._note,
            time.monotonic,
        )
        self.worker.start()

    def _note(self, results: Mapping[Ticket[Work], Any]) -> None:
        with self._ended:
            self._results |= results
            self._ended.notify_all()

    def ask(self, *rows: Row) -> list[Any]:
        """Return the logits of each item, or what failed it."""
        tickets = [Ticket("plus", len(row), Work((row,))) for row in rows]
        self.worker.submit(tickets)
        self.worker.wake()
        with self._ended:
            assert self._ended.wait_for(lambda: set(tickets) <= set(self._results), LIMIT_S)
            results = [self._results[ticket] for ticket in tickets]
        return [result.error or result.logits for result in results]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[EnginePool]:
    monkeypatch.setattr(keeper, "QUICK_S", -1.0)
    made = EnginePool(order())
    made.start()
    engines_of(made, ("plus", "minus"))
    yield made
    made.stop()


def wait_until_as(before: tuple[int, int]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while held() != before:
        assert time.monotonic() < give_up, (held(), before)
        time.sleep(0.01)


def held() -> tuple[int, int]:
    """Count open descriptors, and what the service knows of engines."""
    descriptors = len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))
    return descriptors, sum(type(each) is EngineProcess for each in gc.get_objects())


def test_items_that_end_engines_leave_no_descriptor_open(
    pool: EnginePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even while their failures are kept, and without the collector, which seldom runs."""
    monkeypatch.setattr("app.serving.worker.log.disabled", True)  # pytest keeps what is logged
    office = Office(pool)
    try:
        assert office.ask((1, 2)) == [(3.0,)]
        gc.collect()
        gc.disable()
        before = held()
        for _ in range(3):
            failed, *good = office.ask((0, say.KILL), (0, 1), (0, 2))
            assert isinstance(failed, EngineLostError)
            assert good == [(1.0,), (2.0,)]
        wait_until_as(before)
    finally:
        gc.enable()
        office.worker.stop(LIMIT_S)
