"""The models of a pool for those who take no seats: every engine runs, and losses are repeated."""

from __future__ import annotations

import pytest

from app.engine.engine import Engine
from app.engine.pool_engines import (
    TRIES,
    BusyEngine,
    PoolEngine,
    as_measured,
    engines_of,
    pool_of,
    stopping_on_failure,
)
from app.engine.seats import EngineLostError, PassFailedError
from tests.app.engine.conftest import MODELS, Bench
from tests.app.engine.stand_in_engines import add_up, end, fail
from tests.engines import ColdEngine


class InProcess(ColdEngine):
    def logits(self, rows: object) -> list[float]:
        raise NotImplementedError


def test_rows_run_on_all_engines_that_are_idle_and_all_are_given_back(bench: Bench) -> None:
    engines = bench.fill(add_up, add_up, add_up)
    minus = PoolEngine(bench.pool, "minus")
    assert minus.logits([(1, 2), (3,), (4, 5, 6)]) == [-3.0, -3.0, -15.0]
    assert [len(each.ran) for each in engines] == [1, 1, 1]
    assert len(bench.pool.borrow(3)) == 3


def test_no_rows_need_no_engine(bench: Bench) -> None:
    assert PoolEngine(bench.pool, "plus").logits([]) == []


def test_an_engine_that_ends_is_not_the_end_of_the_rows(bench: Bench) -> None:
    lost = bench.fill(*[end] * (TRIES - 1))
    bench.keeper.spares = [bench.engine().process]
    bench.keeper.on_ready(bench.keeper.spares.pop())
    bench.pool._idle.reverse()  # those that end are taken first
    assert PoolEngine(bench.pool, "plus").logits([(2, 3)]) == [5.0]
    assert all(each.process.lost for each in lost)


@pytest.mark.parametrize("asks", [PoolEngine, BusyEngine])
def test_rows_that_end_every_engine_are_given_up(
    bench: Bench, asks: type[PoolEngine] | type[BusyEngine]
) -> None:
    bench.fill(end)
    bench.keeper.spares = [bench.engine(end).process for _ in range(TRIES)]
    with pytest.raises(EngineLostError):
        asks(bench.pool, "plus").logits([(1,)])
    assert sum(len(each.ran) for each in bench.engines) == TRIES


def test_rows_that_fail_are_not_run_again(bench: Bench) -> None:
    [engine] = bench.fill(fail)
    with pytest.raises(PassFailedError):
        PoolEngine(bench.pool, "plus").logits([(1,)])
    assert len(engine.ran) == 1
    assert bench.pool.take() is engine.process, "it is given back"


def test_an_engine_is_measured_while_each_of_its_neighbours_runs_all_rows(bench: Bench) -> None:
    engines = bench.fill(add_up, add_up, add_up)
    measured = as_measured(PoolEngine(bench.pool, "minus"), "plus")
    assert isinstance(measured, BusyEngine)
    assert measured.logits([(1,), (2, 3)]) == [1.0, 5.0]
    for each in engines:
        [(model, rows)] = each.ran
        assert (model, sorted(rows)) == (0, [[1], [2, 3]])
    assert len(bench.pool.borrow(3)) == 3, "all are given back"


def test_an_engine_of_this_process_is_measured_as_it_is() -> None:
    engine: Engine = InProcess()
    assert as_measured(engine, "plus") is engine


def test_engines_of_a_pool_know_their_pool_and_their_number(bench: Bench) -> None:
    bench.fill(add_up)
    engines = engines_of(bench.pool, MODELS[::-1])
    assert list(engines) == ["minus", "plus"]
    assert bench.pool.model_number("minus") == 0
    assert engines["minus"].logits([(4,)]) == [4.0], "the first that the factory makes"
    assert engines["plus"].logits([(4,)]) == [-4.0]
    assert pool_of(engines.values()) is bench.pool
    assert pool_of([*engines.values(), InProcess()]) is None
    assert pool_of([InProcess()]) is None
    assert pool_of([]) is None


def test_a_failure_stops_the_pool_and_a_success_leaves_it(bench: Bench) -> None:
    engines = engines_of(bench.pool, MODELS).values()
    with stopping_on_failure(engines):
        pass
    assert bench.keeper.stops == []
    with pytest.raises(KeyboardInterrupt), stopping_on_failure(engines):
        raise KeyboardInterrupt
    assert len(bench.keeper.stops) == 1


def test_a_failure_without_a_pool_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match=r"^no$"), stopping_on_failure([InProcess()]):
        raise ValueError("no")
