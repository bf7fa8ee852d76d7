"""Who gets the engines of a pool, who is told, and what is known of those that are there.

What processes do to a pool is in ``test_pool.py``.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.engine.plan import EnginePlan
from app.engine.pool import EnginePool
from app.engine.processes.engine_process import EngineProcess
from app.engine.seats import EngineLostError
from app.errors import StartError
from tests.app.engine.conftest import Bench
from tests.app.engine.stand_in_engines import LIMIT_S, add_up, wait_until
from tests.app.engine.stand_in_weights import order


def taken(pool: EnginePool) -> EngineProcess:
    engine = pool.take()
    assert engine is not None
    return engine


def test_a_pool_that_has_not_started_has_no_engine_and_no_model(bench: Bench) -> None:
    pool = EnginePool(order())
    assert pool.plan == EnginePlan(0, 0)
    assert (pool.most, pool.moving, pool.pids, pool.take()) == (0, 0, {}, None)
    with pytest.raises(ValueError, match="not in tuple"):
        pool.model_number("plus")
    pool.templates.end()


def test_the_keeper_starts_engines_from_what_the_pool_was_ordered(bench: Bench) -> None:
    assert bench.keeper.templates is bench.pool.templates
    assert bench.pool.templates._order == order()


def test_an_engine_is_taken_once_until_it_is_given_back(bench: Bench) -> None:
    bench.fill(add_up, add_up)
    first, second = taken(bench.pool), taken(bench.pool)
    assert first is not second
    assert bench.pool.take() is None
    assert bench.pool.borrow(1) == []
    bench.pool.free(first, for_others=False)
    assert bench.pool.take() is first


def test_no_more_engines_are_lent_than_are_idle_or_asked_for(bench: Bench) -> None:
    bench.fill(add_up, add_up, add_up)
    assert bench.pool.borrow(0) == []
    assert bench.pool.borrow(-1) == []
    assert len(bench.pool.borrow(2)) == 2
    assert len(bench.pool.borrow(2)) == 1
    assert bench.pool.borrow(2) == []


def test_a_batch_that_is_repeated_gets_an_engine_before_new_ones(bench: Bench) -> None:
    [engine] = bench.fill(add_up)
    held = taken(bench.pool)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(bench.pool.acquire)
        wait_until(lambda: bench.pool._repeats == 1)
        with bench.pool._changed:  # before the one who waits can look
            bench.pool.free(held, for_others=False)
            assert bench.pool.take() is None
            assert bench.pool.borrow(1) == []
        assert waiting.result(LIMIT_S) is engine.process
    bench.pool.free(held, for_others=False)
    assert bench.pool.take() is held, "nobody waits any more"


def test_each_batch_that_is_repeated_gets_an_engine_before_new_ones(bench: Bench) -> None:
    engines = bench.fill(add_up, add_up)
    held = [taken(bench.pool) for _ in engines]
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(bench.pool.acquire) for _ in engines]
        wait_until(lambda: bench.pool._repeats == len(engines))
        with bench.pool._changed:
            for each in held:
                bench.pool.free(each, for_others=False)
            assert bench.pool.take() is None
        assert {each.result(LIMIT_S) for each in waiting} == set(held)


def test_new_batches_get_what_repeated_ones_leave(bench: Bench) -> None:
    engines = bench.fill(add_up, add_up, add_up)
    held = [taken(bench.pool) for _ in engines]
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(bench.pool.acquire)
        wait_until(lambda: bench.pool._repeats == 1)
        with bench.pool._changed:
            for each in held:
                bench.pool.free(each, for_others=False)
            lent = bench.pool.borrow(3)
            assert len(lent) == 2
            bench.pool.free(lent[0], for_others=False)
            assert bench.pool.take() is lent[0]
        assert waiting.result(LIMIT_S) not in lent


def test_who_waits_for_an_engine_is_told_when_the_pool_stops(bench: Bench) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(bench.pool.acquire)
        wait_until(lambda: bench.pool._repeats == 1)
        bench.pool.stop()
        with pytest.raises(EngineLostError, match=r"^no engine runs any more$"):
            waiting.result(LIMIT_S)
    assert bench.keeper.stops == [10.0], "processes that do not end are not waited for"
    assert bench.pool._repeats == 0


def test_an_engine_that_is_idle_is_given_even_when_the_pool_has_stopped(bench: Bench) -> None:
    [engine] = bench.fill(add_up)
    bench.pool.stop()
    assert bench.pool.acquire() is engine.process


def test_who_waits_gets_an_engine_that_is_new(bench: Bench) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(bench.pool.acquire)
        wait_until(lambda: bench.pool._repeats == 1)
        engine = bench.engine().process
        bench.keeper.on_ready(engine)
        assert waiting.result(LIMIT_S) is engine


def test_the_one_who_watches_is_told_of_new_engines_and_of_those_that_others_give_back(
    bench: Bench,
) -> None:
    bench.fill(add_up)  # while nobody watches yet
    told: list[int] = []
    bench.pool.watch(lambda: told.append(bench.pool.moving))
    bench.keeper.on_ready(bench.engine().process)
    assert told == [2]
    engine = taken(bench.pool)
    bench.pool.free(engine, for_others=False)
    assert told == [2]
    engine = taken(bench.pool)
    bench.pool.free(engine, for_others=True)
    assert told == [2, 2]


def test_an_engine_that_was_lost_while_it_was_held_is_not_given_to_others(bench: Bench) -> None:
    bench.fill(add_up)
    told: list[None] = []
    bench.pool.watch(lambda: told.append(None))
    engine = taken(bench.pool)
    bench.keeper.on_lost(engine)
    bench.pool.free(engine, for_others=True)
    assert bench.pool.take() is None
    assert not told


def test_an_engine_that_is_lost_while_it_is_idle_is_given_to_nobody(bench: Bench) -> None:
    gone, left = bench.fill(add_up, add_up)
    bench.keeper.on_lost(gone.process)
    assert gone.process.lost
    assert bench.pool.pids == {1: left.process.pid}
    assert bench.pool.borrow(2) == [left.process]
    assert bench.pool.moving == 1
    assert bench.pool.most == 2


def test_an_engine_that_does_not_answer_is_ended_and_the_keeper_looks_at_once(bench: Bench) -> None:
    [engine] = bench.fill(add_up)
    bench.pool.lose(taken(bench.pool))
    engine.wait_for_end()
    assert engine.process.lost
    assert bench.keeper.woken == 1
    assert bench.pool.pids == {}
    bench.keeper.on_lost(engine.process)  # the keeper notices it too
    assert bench.pool.moving == 0


def test_the_time_without_an_engine_runs_from_the_loss_of_the_last_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("app.engine.pool.time.monotonic", lambda: now)
    assert bench.pool.seconds_without_engine == math.inf, "there never was one"
    first, last = bench.fill(add_up, add_up)
    assert bench.pool.seconds_without_engine == 0.0
    bench.keeper.on_lost(first.process)
    now = 200.0
    assert bench.pool.seconds_without_engine == 0.0
    bench.keeper.on_lost(last.process)
    now = 203.0
    assert bench.pool.seconds_without_engine == 3.0
    bench.keeper.on_lost(last.process)  # told twice
    assert bench.pool.seconds_without_engine == 3.0
    bench.keeper.gives_up = True
    assert bench.pool.seconds_without_engine == math.inf, "there will be none"


def test_who_asks_for_reports_is_told_of_replacements_and_passes(bench: Bench) -> None:
    bench.keeper.on_restart(0)
    bench.pool.on_pass(0, 0.5)  # nobody has asked yet
    restarts, passes = list[int](), list[tuple[int, float]]()
    bench.pool.report(restarts.append, lambda number, seconds: passes.append((number, seconds)))
    bench.keeper.on_restart(1)
    bench.pool.on_pass(2, 0.25)
    assert (restarts, passes) == ([1], [(2, 0.25)])


def test_models_are_numbered_as_the_factory_makes_their_engines(bench: Bench) -> None:
    bench.pool.number_models(["b", "a"])
    assert [bench.pool.model_number(model) for model in "ab"] == [1, 0]


def test_the_start_waits_for_every_engine_and_tells_what_the_factory_says(bench: Bench) -> None:
    bench.keeper.plan = EnginePlan(2, 3)
    with ThreadPoolExecutor() as threads:
        starting = threads.submit(bench.pool.start)
        wait_until(lambda: bench.pool.most == 2)
        bench.keeper.on_ready(bench.engine().process)
        bench.keeper.on_ready(bench.engine().process)
        assert starting.result(LIMIT_S) == "about the weights"
    assert bench.pool.plan == EnginePlan(2, 3)
    assert bench.keeper.stops == []


def test_a_start_for_which_one_engine_is_missing_is_not_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.engine.pool._LOOK_S", 0.001)
    bench.keeper.plan = EnginePlan(2, 1)
    bench.keeper.on_ready(bench.engine().process)
    with ThreadPoolExecutor() as threads:
        starting = threads.submit(bench.pool.start)
        wait_until(lambda: bench.pool.most == 2)
        bench.keeper.gives_up = True  # nobody tells the pool; it looks
        says = (
            "the processes of engines end before they are ready; the log says how. "
            "XCOPA_ENGINES=0 runs the models in the process of the service"
        )
        with pytest.raises(StartError, match=f"^{says}$"):
            starting.result(LIMIT_S)
    assert bench.keeper.stops == [10.0], "a start that fails leaves no process"


def test_what_cannot_be_loaded_stops_the_pool(bench: Bench) -> None:
    def refuse() -> None:
        raise StartError("no such model")

    bench.keeper.at_start = refuse
    with pytest.raises(StartError, match=r"^no such model$"):
        bench.pool.start()
    assert bench.keeper.stops == [10.0]
