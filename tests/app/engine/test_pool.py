"""Engines that are processes: their answers, their ends, and what becomes of the batch."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.engine.pool import EnginePool
from app.engine.pool_engines import BusyEngine, as_measured, engines_of, pool_of
from app.engine.pool_seats import PoolSeat, PoolSeats
from app.engine.processes.engine_process import EngineProcess
from app.engine.seats import EngineLostError, PassFailedError
from app.errors import StartError
from tests.app.engine import stand_in_weights as say
from tests.app.engine.stand_in_weights import Wanted, order
from tests.engines import ColdEngine

LIMIT_S = 30.0
"""What takes longer, hangs."""

MODELS = ("plus", "minus")
Start = Callable[..., EnginePool]


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split(")")[1]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def start() -> Iterator[Start]:
    pools: list[EnginePool] = []

    def started(wanted: Wanted | None = None) -> EnginePool:
        pool = EnginePool(order(wanted))
        pools.append(pool)
        pool.start()
        engines_of(pool, MODELS)
        return pool

    yield started
    for pool in pools:
        pool.stop()


def seat_of(pool: EnginePool) -> PoolSeat:
    seat = PoolSeats(pool).take()
    assert seat is not None
    return seat


def test_each_model_answers_in_the_order_of_the_rows(start: Start) -> None:
    engines = engines_of(start(), MODELS)
    rows = [(1, 2, 3), (4,), (5, 6)]
    assert engines["plus"].logits(rows) == [6.0, 4.0, 11.0]
    assert engines["minus"].logits(rows) == [-6.0, -4.0, -11.0]
    assert engines["plus"].logits([]) == []
    engines["plus"].warm_up()


def test_the_start_tells_what_the_factory_says_and_that_no_thread_runs_in_the_template() -> None:
    pool = EnginePool(order())
    try:
        about = pool.start()
        [template, spare] = pool.templates.pids
        assert about == {"of": "the stand-in", "pid": template, "nice": os.nice(0)}
        for pid in (template, spare):
            assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
        assert pool.moving == pool.most == 2
    finally:
        pool.stop()


def test_a_seat_is_an_engine_and_there_are_no_more_than_engines(start: Start) -> None:
    pool = start()
    first, second = seat_of(pool), seat_of(pool)
    assert pool.take() is None
    pids = {seat.logits("plus", [(0, say.PID)])[0] for seat in (first, second)}
    assert pids == set(pool.pids.values())
    second.leave()
    assert seat_of(pool).logits("plus", [(7,)]) == [7.0]


def test_rows_are_shared_out_over_engines_that_are_idle_where_they_may(start: Start) -> None:
    pool = start()
    seat = seat_of(pool)
    assert seat.logits("plus", [(0, say.ROWS)] * 4) == [4.0] * 4
    assert not seat.split
    assert seat.logits("plus", [(0, say.ROWS)] * 4, spread=True) == [2.0] * 4
    assert seat.split
    assert seat.logits("plus", [(0, say.ROWS)], spread=True) == [1.0]
    assert not seat.split, "one row cannot be shared out"
    other = seat_of(pool)
    assert seat.logits("plus", [(0, say.ROWS)] * 4, spread=True) == [4.0] * 4
    other.leave()


def test_a_borrowed_engine_is_given_back_as_soon_as_its_own_rows_are_done(start: Start) -> None:
    pool, told = start(), threading.Event()
    pool.watch(told.set)
    seat = seat_of(pool)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(
            seat.logits, "plus", [(0, say.HOLD, 300, *[0] * 9), (5,)], spread=True
        )
        assert told.wait(LIMIT_S)
        assert not running.done()
        other = seat_of(pool)
        assert other.logits("plus", [(6,)]) == [6.0]
        assert running.result(LIMIT_S) == [say.HOLD + 300, 5.0]


def test_what_a_pass_raises_comes_back_with_its_trace_and_the_engine_goes_on(start: Start) -> None:
    pool = start()
    before, seat = pool.pids, seat_of(pool)
    with pytest.raises(PassFailedError, match=r"(?s)stand_in_weights.*ValueError: as the row says"):
        seat.logits("plus", [(0, say.RAISE), (1,)], spread=True)
    assert seat.logits("plus", [(1,)]) == [1.0]
    assert pool.pids == before


def test_an_engine_that_can_answer_nothing_any_more_ends_in_place_of_failing_every_batch(
    start: Start,
) -> None:
    pool = start(Wanted(engines=1))
    before, seat = pool.pids, seat_of(pool)
    with pytest.raises(EngineLostError):
        seat.logits("plus", [(0, say.BREAK)])
    assert seat.logits("plus", [(0, 5)]) == [5.0]
    assert pool.pids != before


@pytest.mark.parametrize("end", [say.KILL, say.CRASH, say.EXIT])
def test_an_engine_that_ends_in_a_pass_fails_it_and_is_replaced(start: Start, end: int) -> None:
    pool, restarted = start(), list[int]()
    pool.report(restarted.append, lambda *_: None)
    before, seat = pool.pids, seat_of(pool)
    [pid] = seat.logits("plus", [(0, say.PID)])
    with pytest.raises(EngineLostError, match=f"process {pid:.0f}"):
        seat.logits("plus", [(0, end)])
    assert seat.logits("plus", [(1, 2)]) == [3.0], "the same batch may be run again"
    wait_until(lambda: pool.moving == 2)
    [lost] = [number for number, each in before.items() if each == pid]
    assert restarted == [lost]
    assert pool.pids[lost] != pid
    assert pool.pids[1 - lost] == before[1 - lost]
    wait_until(lambda: not lives(int(pid)))


def test_an_engine_that_is_lent_and_ends_costs_the_pass_and_not_the_seat(start: Start) -> None:
    pool = start()
    seat = seat_of(pool)
    [own] = seat.logits("plus", [(0, say.PID)])
    with pytest.raises(EngineLostError):
        seat.logits("plus", [(0, 1, 1), (0, say.KILL)], spread=True)
    assert seat.logits("plus", [(0, say.PID)]) == [own]


def test_an_engine_that_ends_while_it_is_idle_is_replaced_before_anyone_asks_it(
    start: Start,
) -> None:
    pool = start()
    for pid in pool.pids.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not pool.pids)
    wait_until(lambda: pool.moving == 2)
    assert engines_of(pool, MODELS)["plus"].logits([(3,), (4,)]) == [3.0, 4.0]


def test_a_pass_that_is_ended_from_outside_is_lost_also_when_its_process_is_stopped(
    start: Start,
) -> None:
    pool = start()
    seat = seat_of(pool)
    assert not seat.end(), "no pass runs"
    [pid] = seat.logits("plus", [(0, say.PID)])
    os.kill(int(pid), signal.SIGSTOP)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(seat.logits, "plus", [(1,)])
        wait_until(seat.end)
        with pytest.raises(EngineLostError):
            running.result(LIMIT_S)
        assert threads.submit(seat.logits, "plus", [(8,)]).result(LIMIT_S) == [8.0]
    wait_until(lambda: not lives(int(pid)))


def test_an_answer_that_nobody_waited_for_is_never_taken_for_another_ones(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something ends the wait that is no failure of an engine, as the end of a thread would."""
    pool = start()
    seat, before = seat_of(pool), pool.pids
    with monkeypatch.context() as patch:
        patch.setattr(EngineProcess, "answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            seat.logits("plus", [(1,), (1,)], spread=True)
    assert seat.logits("plus", [(2,), (3,)], spread=True) == [2.0, 3.0]
    wait_until(lambda: pool.moving == 2)
    assert not {*before.values()} & {*pool.pids.values()}


def interrupt(_: object) -> None:
    raise KeyboardInterrupt


def test_rows_that_cannot_be_handed_over_cost_no_engine(start: Start) -> None:
    pool = start()
    seat = seat_of(pool)
    with pytest.raises(OverflowError):
        seat.logits("plus", [(1 << 40,), (1,)], spread=True)
    assert seat.logits("plus", [(1,), (2,)], spread=True) == [1.0, 2.0]
    assert seat.split


def test_ending_a_pass_spares_an_engine_that_has_been_given_back(start: Start) -> None:
    pool, told = start(), threading.Event()
    pool.watch(told.set)
    seat = seat_of(pool)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(
            seat.logits, "plus", [(0, say.STICK, *[0] * 9), (0, 5)], spread=True
        )
        assert told.wait(LIMIT_S)
        other = seat_of(pool)
        [pid] = other.logits("plus", [(0, say.PID)])
        assert seat.end()
        with pytest.raises(EngineLostError):
            running.result(LIMIT_S)
        assert other.logits("plus", [(0, say.PID)]) == [pid]


def test_an_engine_that_ends_while_it_is_measured_does_not_stop_the_start(start: Start) -> None:
    pool = start()
    engines = engines_of(pool, MODELS)
    with ThreadPoolExecutor() as threads:
        for measured in (engines["plus"], as_measured(engines["plus"], "plus")):
            running = threads.submit(measured.logits, [(0, say.HOLD, 300)] * 2)
            wait_until(lambda: not pool._idle)
            os.kill(pool.pids[0], signal.SIGKILL)
            os.kill(pool.pids[1], signal.SIGKILL)
            assert running.result(LIMIT_S) == [say.HOLD + 300] * 2
            wait_until(lambda: pool.moving == 2)


def test_a_batch_that_is_repeated_gets_an_engine_before_new_ones(start: Start) -> None:
    pool = start(Wanted(engines=1))
    seat = seat_of(pool)
    with pytest.raises(EngineLostError):
        seat.logits("plus", [(0, say.KILL)])
    with ThreadPoolExecutor() as threads:
        repeated = threads.submit(seat.logits, "plus", [(0, say.HOLD, 50)])
        assert repeated.result(LIMIT_S) == [say.HOLD + 50]
    assert pool.take() is None
    seat.leave()
    assert pool.take() is not None


def test_memory_that_an_engine_does_not_get_fails_the_pass_or_the_engine_and_no_more(
    start: Start,
) -> None:
    pool = start(Wanted(engines=1))
    seat = seat_of(pool)
    with pytest.raises((PassFailedError, EngineLostError)):
        seat.logits("plus", [(0, say.EAT, 1 << 20)])
    wait_until(lambda: answered(seat) == [9.0])


def answered(seat: PoolSeat) -> list[float]:
    try:
        return seat.logits("plus", [(9,)])
    except (PassFailedError, EngineLostError):
        return []


def test_a_pool_that_stops_leaves_no_process_and_tells_who_waits(start: Start) -> None:
    pool = start()
    seats = [seat_of(pool), seat_of(pool)]
    pids = [*pool.pids.values(), *pool.templates.pids]
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(engines_of(pool, MODELS)["plus"].logits, [(1,)])
        stuck = threads.submit(seats[0].logits, "plus", [(0, say.STICK)])
        time.sleep(0.01)
        pool.stop()
        for each in (waiting, stuck):
            with pytest.raises(EngineLostError):
                each.result(LIMIT_S)
    wait_until(lambda: not any(map(lives, pids)))


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        (Wanted(refusal="XCOPA_MODELS__DIRECT: no"), StartError, "^XCOPA_MODELS__DIRECT: no$"),
        (Wanted(defect="strange"), RuntimeError, r"(?s)loads the models.*ValueError: strange"),
    ],
)
def test_what_cannot_be_loaded_is_told_as_it_was_meant(
    wanted: Wanted, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        EnginePool(order(wanted)).start()


def test_a_template_that_is_killed_while_it_loads_stops_the_start() -> None:
    pool = EnginePool(order(Wanted(seconds=3600)))
    with ThreadPoolExecutor() as threads:
        starting = threads.submit(pool.start)
        wait_until(lambda: bool(pool.templates.pids))
        os.kill(pool.templates.pids[0], signal.SIGKILL)
        with pytest.raises(StartError, match="signal 9"):
            starting.result(LIMIT_S)


def test_engines_that_end_at_the_start_are_replaced(start: Start, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).touch()
    assert engines_of(start(Wanted(deaths=str(tmp_path))), MODELS)["plus"].logits([(1,)]) == [1.0]


def test_engines_that_never_get_ready_stop_the_start(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    with pytest.raises(StartError, match="XCOPA_ENGINES=0"):
        EnginePool(order(Wanted(deaths=str(tmp_path)))).start()


def test_an_engine_is_measured_while_its_neighbours_run_the_same(start: Start) -> None:
    pool = start()
    engines = engines_of(pool, MODELS)
    passes: list[int] = []
    pool.report(lambda _: None, lambda number, _: passes.append(number))
    measured = as_measured(engines["minus"], "minus")
    assert isinstance(measured, BusyEngine)
    measured.warm_up()
    assert measured.logits([(1,), (2,)]) == [-1.0, -2.0]
    assert sorted(passes) == [0, 1]
    here = ColdEngine()
    assert as_measured(here, "minus") is here  # type: ignore[arg-type, comparison-overlap]


def test_models_of_one_pool_are_known_as_such(start: Start) -> None:
    pool = start()
    engines = engines_of(pool, MODELS)
    assert pool_of(engines.values()) is pool
    assert pool_of([*engines.values(), ColdEngine()]) is None  # type: ignore[list-item]
    assert pool_of([]) is None


def test_it_is_known_for_how_long_there_has_been_no_engine(start: Start) -> None:
    pool = start(Wanted(engines=1))
    assert pool.seconds_without_engine == 0.0
    [template, spare] = pool.templates.pids
    os.kill(template, signal.SIGSTOP)
    os.kill(pool.pids[0], signal.SIGKILL)
    wait_until(lambda: not pool.pids)
    before = pool.seconds_without_engine
    assert 0.0 <= before < LIMIT_S
    wait_until(lambda: pool.seconds_without_engine > before)
    for pid in (spare, template):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pool.seconds_without_engine == math.inf)


def test_an_engine_that_is_replaced_ends_the_time_without_one(start: Start) -> None:
    pool = start(Wanted(engines=1))
    [lost] = pool.pids.values()
    os.kill(lost, signal.SIGKILL)
    wait_until(lambda: lost not in pool.pids.values() and pool.moving == 1)
    assert pool.seconds_without_engine == 0.0
