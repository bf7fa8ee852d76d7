"""Joining, refusing, waiting and leaving, on a worker whose thread never runs."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import OverloadedError, UnavailableError
from app.serving.admission import Limits
from app.serving.cache import AnswerCache, answer_key
from app.serving.inflight import InFlight, InFlightItem, Waiter
from app.serving.scheduler import Scheduler
from app.serving.work import Caller, ModelProfile, Outcome, Result, ServiceCurve, Ticket
from app.serving.worker import Worker
from app.telemetry.metrics import Metrics
from tests.app.serving.scheduling import FakeClock

ANN = Caller("ann")

ROWS = ((0, 5, 2), (0, 6, 7, 2))
KEY = answer_key("m r", ROWS)
LATER = 1_000.0

pytestmark = pytest.mark.anyio


class Bench:
    """Items in flight, with what they stand on in reach; a token takes a second."""

    def __init__(self, cache_bytes: int = 0, queue_seconds: float = 100.0) -> None:
        self.clock = FakeClock()
        profile = ModelProfile(100, ServiceCurve(0.0, 1.0))
        self.scheduler: Scheduler[InFlightItem] = Scheduler(
            {"m": profile}, Limits(queue_seconds), self.clock
        )
        self.worker: Worker[InFlightItem] = Worker(
            self.scheduler, {}, on_results=lambda results: None, clock=self.clock
        )
        self.items = InFlight(self.worker, {"m": "r"}, cache_bytes, Metrics(["m"]), self.clock)

    @property
    def cache(self) -> AnswerCache[InFlightItem]:
        assert self.items._cache is not None
        return self.items._cache

    def join(self, waiter: Waiter | None = None) -> InFlightItem:
        waiter = waiter or Waiter(asyncio.get_running_loop())
        [item] = self.items.join([("m", ROWS)], waiter, ANN, LATER)
        return item

    def finish(self, logits: tuple[float, ...]) -> dict[Ticket[InFlightItem], Result[InFlightItem]]:
        """Have the engine answer a batch; the results are still to be handed over."""
        batch = self.scheduler.seal()
        assert batch is not None
        self.scheduler.finish(batch)
        return dict.fromkeys(batch.tickets, Result(logits, None, self.clock(), batch))


async def test_a_new_item_is_queued_with_its_tokens_and_deadline() -> None:
    bench = Bench()
    ticket = bench.join().ticket
    assert ticket is not None
    assert (ticket.tokens, ticket.deadline, ticket.caller) == (7, LATER, ANN)
    assert bench.worker.waiting("m") == (1, 7)


async def test_a_call_that_is_refused_leaves_nothing_under_way() -> None:
    bench = Bench(cache_bytes=10_000)
    bench.scheduler.halted = True
    with pytest.raises(UnavailableError):
        bench.join()
    assert bench.cache.under_way(KEY) is None
    bench.scheduler.halted = False
    assert bench.cache.under_way(KEY) is None
    assert bench.join() is bench.cache.under_way(KEY)


async def test_while_calls_are_refused_the_next_one_is_refused_before_it_is_tokenised() -> None:
    bench = Bench(queue_seconds=10)
    bench.items.refuse_early({"m": 100}, ANN, LATER)  # nobody was refused, so nobody looks
    bench.join()
    with pytest.raises(OverloadedError):
        bench.join()
    with pytest.raises(OverloadedError):
        bench.items.refuse_early({"m": 5}, ANN, LATER)
    bench.finish((1.0, 2.0))
    bench.items.refuse_early({"m": 5}, ANN, LATER)
    bench.scheduler.halted = True
    bench.items.refuse_early({"m": 5}, ANN, LATER)  # a call got in, so nobody looks again


async def test_the_early_refusal_knows_the_deadline() -> None:
    bench = Bench()
    bench.join()
    assert bench.scheduler.seal() is not None  # it runs for 7 seconds
    bench.items._refusing = True
    with pytest.raises(OverloadedError):
        bench.items.refuse_early({"m": 1}, ANN, bench.clock() + 3)
    bench.items.refuse_early({"m": 1}, ANN, LATER)


async def test_many_calls_in_one_turn_of_the_loop_wake_the_worker_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, woken = Bench(), list[None]()
    monkeypatch.setattr(bench.worker, "wake", lambda: woken.append(None))
    for _ in range(3):
        bench.join()
    await asyncio.sleep(0)
    assert len(woken) == 1
    bench.join()
    await asyncio.sleep(0)
    assert len(woken) == 2


async def test_with_a_cache_nobody_is_refused_before_the_cache_is_asked() -> None:
    bench = Bench(cache_bytes=10_000)
    bench.scheduler.halted = True
    with pytest.raises(UnavailableError):
        bench.join()
    bench.items.refuse_early({"m": 5}, ANN, LATER)


async def test_what_the_engine_finished_just_before_the_deadline_is_still_answered() -> None:
    bench, loop = Bench(), asyncio.get_running_loop()
    waiter = Waiter(loop)
    item = bench.join(waiter)
    results = bench.finish((1.0, 2.0))
    bench.clock.now = LATER + 1
    loop.call_later(0.02, bench.items._resolve, results)
    await bench.items.wait(waiter, [item], LATER)
    assert item.result is not None
    assert item.result.logits == (1.0, 2.0)


async def test_what_waits_at_the_deadline_is_ended_and_not_waited_for() -> None:
    bench = Bench(cache_bytes=10_000)
    waiter = Waiter(asyncio.get_running_loop())
    item = bench.join(waiter)
    bench.clock.now = LATER + 1
    await bench.items.wait(waiter, [item], LATER)
    assert item.ticket is not None
    assert (item.result, item.ticket.outcome) == (None, Outcome.EXPIRED)
    assert bench.cache.under_way(KEY) is None


async def test_an_item_that_somebody_else_waits_for_is_not_cancelled() -> None:
    bench, loop = Bench(cache_bytes=10_000), asyncio.get_running_loop()
    first, second = Waiter(loop), Waiter(loop)
    item = bench.join(first)
    assert bench.join(second) is item
    assert item.ticket is not None
    bench.items.cancel(first, [item])
    assert item.ticket.outcome is None
    bench.items.cancel(second, [item])
    assert item.ticket.outcome is Outcome.CANCELLED
    assert bench.worker.waiting("m") == (0, 0)


async def test_an_item_ends_once() -> None:
    bench = Bench()
    item = bench.join()
    bench.items._resolve(bench.finish((1.0, 2.0)))
    first = item.result
    item.resolve(Result(None, RuntimeError("late"), 0.0))
    assert item.result is first
    assert item.ended == "answered"


async def test_giving_up_answers_whoever_waits_with_when_to_come_back() -> None:
    bench = Bench(cache_bytes=10_000)
    item = bench.join()
    bench.items.give_up()
    assert item.result is not None
    assert isinstance(item.result.error, UnavailableError)
    assert item.result.error.headers == {"Retry-After": "5"}
    assert item.ended == "failed"
    assert bench.cache.under_way(KEY) is None
