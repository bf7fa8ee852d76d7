"""What is left of engines that have ended: no descriptor, no process, no object."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.engine.pool import EnginePool
from app.engine.pool_engines import engines_of
from app.engine.pool_seats import PoolSeat, PoolSeats
from app.engine.processes import keeper
from app.engine.processes.engine_process import EngineProcess
from app.engine.seats import EngineLostError
from tests.app.engine import stand_in_weights as say
from tests.app.engine.stand_in_weights import order

LIMIT_S = 60.0
"""What takes longer, hangs."""

KILLS = 100


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.002)


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def held_by(pool: EnginePool) -> dict[str, int]:
    """Count what the pool holds of the machine, here and in its templates."""
    [template, spare] = pool.templates.pids
    return {
        "descriptors here": descriptors(os.getpid()),
        "descriptors of the template": descriptors(template),
        "descriptors of the spare": descriptors(spare),
        "processes": len(psutil.Process().children(recursive=True)),
        "engines": sum(type(each) is EngineProcess for each in gc.get_objects()),
    }


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[EnginePool]:
    """Two engines; places do not wait for the next one, however soon the last one ended."""
    monkeypatch.setattr(keeper, "QUICK_S", -1.0)
    made = EnginePool(order())
    made.start()
    engines_of(made, ("plus", "minus"))
    # What is left must not wait for the collector, which seldom runs in a service.
    gc.collect()
    gc.disable()
    yield made
    gc.enable()
    made.stop()


def seat_of(pool: EnginePool) -> PoolSeat:
    seat = PoolSeats(pool).take()
    assert seat is not None
    return seat


def test_engines_that_are_killed_a_hundred_times_leave_nothing(pool: EnginePool) -> None:
    before = held_by(pool)
    for turn in range(KILLS):
        [pid] = [pid for number, pid in pool.pids.items() if number == turn % 2]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(pool.pids) == 2 and pid not in pool.pids.values())  # noqa: B023
    wait_until(lambda: held_by(pool) == before)


def test_engines_that_end_in_a_pass_leave_nothing(pool: EnginePool) -> None:
    seat = seat_of(pool)
    before = held_by(pool)
    for _ in range(KILLS // 5):
        with pytest.raises(EngineLostError):
            seat.logits("plus", [(0, say.KILL), (0, say.KILL)], spread=True)
        wait_until(lambda: pool.moving == 2)
    assert seat.logits("plus", [(1, 2)]) == [3.0]
    wait_until(lambda: held_by(pool) == before)
