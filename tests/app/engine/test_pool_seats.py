"""A batch on one or several engines: how it is shared out, what fails it, who gets them back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.engine.engine import Row
from app.engine.pool_seats import PoolSeat, PoolSeats
from app.engine.processes.handover import pack_failure, pack_logits
from app.engine.seats import EngineLostError, PassFailedError
from tests.app.engine.conftest import Bench
from tests.app.engine.stand_in_engines import LIMIT_S, Gate, add_up, end, fail, wait_until


def seat_of(bench: Bench) -> PoolSeat:
    seat = PoolSeats(bench.pool).take()
    assert seat is not None
    return seat


def idle(bench: Bench) -> int:
    """Count the engines that a lone call would get, and give them back."""
    found = bench.pool.borrow(100)
    for each in found:
        bench.pool.free(each, for_others=False)
    return len(found)


def test_the_seats_are_those_of_the_pool(bench: Bench) -> None:
    bench.fill(add_up, add_up)
    seats = PoolSeats(bench.pool)
    assert (seats.most, seats.moving, seats.seconds_without_engine) == (2, 2, 0.0)
    assert seats.take() is not None
    assert seats.take() is not None
    assert seats.take() is None
    bench.keeper.on_lost(bench.engines[0].process)
    assert (seats.most, seats.moving) == (2, 1)


def test_who_waits_for_a_seat_is_told_of_an_engine_that_others_had_borrowed(bench: Bench) -> None:
    bench.fill(add_up, add_up)
    seats, told = PoolSeats(bench.pool), list[None]()
    seats.watch(lambda: told.append(None))
    seat = seats.take()
    assert seat is not None
    seat.logits("plus", [(1,), (2,)], spread=True)
    assert len(told) == 1, "of the borrowed engine, and not of the seat's own"
    assert idle(bench) == 1
    seat.leave()
    assert len(told) == 1, "who leaves a seat takes the next one itself"
    assert idle(bench) == 2


def test_rows_go_to_the_model_that_is_named_in_the_order_that_is_given(bench: Bench) -> None:
    [engine] = bench.fill(add_up)
    seat = seat_of(bench)
    assert seat.logits("minus", [(1,), (2, 3, 4), (5, 6)]) == [-1.0, -9.0, -11.0]
    [(model, rows)] = engine.ran
    assert model == 1
    assert sorted(rows) == [[1], [2, 3, 4], [5, 6]]
    assert not seat.split


def test_a_batch_is_spread_over_no_more_engines_than_it_has_rows(bench: Bench) -> None:
    engines = bench.fill(add_up, add_up, add_up)
    seat = seat_of(bench)
    assert seat.split is False, "no pass has run"
    assert seat.logits("plus", [(1,), (2, 3)], spread=True) == [1.0, 5.0]
    assert seat.split
    assert [len(each.ran) for each in engines] == [0, 1, 1]
    assert seat.logits("plus", [(1,), (2, 3)]) == [1.0, 5.0]
    assert not seat.split
    assert [len(each.ran) for each in engines] == [0, 1, 2]


def test_the_longest_rows_of_a_batch_do_not_meet_on_one_engine(bench: Bench) -> None:
    engines = bench.fill(add_up, add_up)
    lengths = (9, 1, 8, 2)
    logits = seat_of(bench).logits("plus", [(1,) * length for length in lengths], spread=True)
    assert logits == [float(length) for length in lengths]
    tokens = [sum(len(row) for _, rows in each.ran for row in rows) for each in engines]
    assert tokens == [10, 10]


def test_each_pass_is_reported_with_its_engine_and_its_seconds(bench: Bench) -> None:
    bench.fill(add_up, add_up)
    passes: dict[int, float] = {}
    bench.pool.report(lambda _: None, lambda number, seconds: passes.update({number: seconds}))
    before = time.monotonic()
    seat_of(bench).logits("plus", [(1,), (2,)], spread=True)
    longest = time.monotonic() - before
    assert sorted(passes) == [0, 1]
    assert all(0.0 <= seconds <= longest for seconds in passes.values())


def test_an_engine_is_given_back_while_another_still_runs_its_share(bench: Bench) -> None:
    own = Gate()
    bench.fill(add_up, own)
    seat = seat_of(bench)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(seat.logits, "plus", [(1, 1), (2,)], spread=True)
        assert own.reached.wait(LIMIT_S)
        assert bench.pool.acquire().number == 0
        assert not running.done()
        own.open()
        assert running.result(LIMIT_S) == [2.0, 2.0]


def test_an_engine_that_ends_in_a_pass_fails_it_and_is_dropped(bench: Bench) -> None:
    [engine] = bench.fill(end)
    seat = seat_of(bench)
    says = rf"^engine 0 \(process {engine.process.pid}\) ended during a pass$"
    with pytest.raises(EngineLostError, match=says):
        seat.logits("plus", [(1,)])
    assert engine.process.lost
    assert bench.pool.moving == 0
    assert bench.keeper.woken == 1


def test_a_batch_that_is_run_again_waits_for_another_engine(bench: Bench) -> None:
    bench.fill(end)
    seat = seat_of(bench)
    bench.keeper.spares = [bench.engine().process]
    with pytest.raises(EngineLostError):
        seat.logits("plus", [(4,)])
    assert seat.logits("plus", [(4,)]) == [4.0]
    assert idle(bench) == 0, "the new engine is the seat's"
    seat.leave()
    assert idle(bench) == 1


def test_an_engine_that_ended_before_it_was_asked_fails_the_pass_and_no_other(bench: Bench) -> None:
    other, own = bench.fill(add_up, add_up)
    seat = seat_of(bench)
    own.end()
    with pytest.raises(EngineLostError, match="engine 1 "):
        seat.logits("plus", [(1,), (2,)], spread=True)
    assert own.process.lost
    assert len(other.ran) == 1
    assert not other.process.lost
    assert idle(bench) == 1


def test_an_engine_that_answers_an_earlier_batch_is_lost(bench: Bench) -> None:
    [engine] = bench.fill(lambda turn, model, rows: pack_logits(turn - 1, [1.0]))
    with pytest.raises(EngineLostError, match=r"^engine 0 answers turn 0, not 1$"):
        seat_of(bench).logits("plus", [(1,)])
    assert engine.process.lost
    engine.wait_for_end()


def test_an_engine_that_answers_for_fewer_rows_gives_no_logits(bench: Bench) -> None:
    bench.fill(lambda turn, model, rows: pack_logits(turn, [1.0] * (len(rows) - 1)))
    with pytest.raises(ValueError, match="is shorter"):
        seat_of(bench).logits("plus", [(1,), (2,)])


def test_a_pass_that_raises_costs_no_engine(bench: Bench) -> None:
    other, own = bench.fill(fail, add_up)
    seat = seat_of(bench)
    with pytest.raises(PassFailedError, match=r"^no pass of 1 rows$"):
        seat.logits("plus", [(1,), (2,)], spread=True)
    assert not other.process.lost
    assert bench.pool.moving == 2
    assert bench.keeper.woken == 0
    assert seat.logits("plus", [(3,)]) == [3.0], "the seat still has its own engine"
    assert len(own.ran) == 2


def test_the_failure_that_came_last_is_told_when_all_engines_are_done(bench: Bench) -> None:
    """Engines that had begun would else answer when nobody waits."""
    late = Gate(lambda turn, model, rows: pack_failure(turn, "late"))
    early = Gate(lambda turn, model, rows: pack_failure(turn, "early"))
    bench.fill(late, early)
    failed: list[int] = []

    def open_late(number: int, _: float) -> None:
        failed.append(number)
        late.open()

    bench.pool.report(lambda _: None, open_late)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(seat_of(bench).logits, "plus", [(1,), (2,)], spread=True)
        assert late.reached.wait(LIMIT_S)
        assert early.reached.wait(LIMIT_S)
        early.open()
        with pytest.raises(PassFailedError, match=r"^late$"):
            running.result(LIMIT_S)
    assert failed == [1, 0]


def test_a_pass_that_is_ended_from_outside_loses_its_engine(bench: Bench) -> None:
    gate = Gate(end)
    [engine] = bench.fill(gate)
    seat = seat_of(bench)
    assert seat.end() is False, "no pass runs"
    with ThreadPoolExecutor() as threads:
        running = threads.submit(seat.logits, "plus", [(1,)])
        wait_until(seat.end)
        with pytest.raises(EngineLostError):
            running.result(LIMIT_S)
        gate.open()
    assert engine.process.lost
    assert seat.end() is False, "it is over"


def test_a_wait_that_is_interrupted_loses_the_engines_that_still_owe_an_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    owing, own = bench.fill(gate, add_up)
    seat = seat_of(bench)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    bench.pool.report(lambda _: None, interrupt)  # when the first has answered
    with pytest.raises(KeyboardInterrupt):
        seat.logits("plus", [(1,), (2,)], spread=True)
    gate.open()
    owing.wait_for_end()
    assert owing.process.lost
    assert not own.process.lost
    assert seat.end() is False, "no answer is waited for any more"
    bench.pool.report(lambda _: None, lambda *_: None)
    assert seat.logits("plus", [(5,)]) == [5.0]


def test_rows_that_cannot_be_written_down_cost_no_engine(bench: Bench) -> None:
    bench.fill(add_up, add_up)
    seat = seat_of(bench)
    too_large: Sequence[Row] = [(1 << 40,), (1,)]
    with pytest.raises(OverflowError):
        seat.logits("plus", too_large, spread=True)
    assert bench.pool.moving == 2
    assert idle(bench) == 1
