"""The worker with engines that fail on purpose: a bad item fails alone, the loop lives on."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from app.engine.engine import Engine, Row
from app.serving.admission import HaltedError, Limits
from app.serving.scheduler import Scheduler
from app.serving.work import (
    ANYBODY,
    Batch,
    Caller,
    ModelProfile,
    Outcome,
    Result,
    ServiceCurve,
    Ticket,
)
from app.serving.worker import Worker, WorkerDiedError
from tests.engines import ColdEngine

ANN = Caller("ann")

POISON = 666
PROFILES = {"m": ModelProfile(10_000, ServiceCurve(0.0, 1e-6))}


@dataclass(frozen=True, eq=False)
class Work:
    rows: tuple[Row, ...]


class SumEngine(ColdEngine):
    """Answers each row with the sum of its tokens; refuses batches that hold the poison."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.may_run = threading.Event()
        self.may_run.set()

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.may_run.wait(10)
        self.batches.append(len(rows))
        if any(POISON in row for row in rows):
            raise RuntimeError("poisoned")
        return [float(sum(row)) for row in rows]


class Waking(Worker[Work]):
    """A worker that looks at the queue after each call, as the service has it do each turn."""

    def submit(self, call: Sequence[Ticket[Work]], caller: Caller = ANYBODY) -> None:
        super().submit(call, caller)
        self.wake()


class Recorder:
    """Collects results and waits for them."""

    def __init__(self) -> None:
        self.results: list[Result[Work]] = []
        self.tickets: list[Ticket[Work]] = []
        self._arrived = threading.Condition()

    def __call__(self, results: Mapping[Ticket[Work], Result[Work]]) -> None:
        with self._arrived:
            self.results += results.values()
            self.tickets += results
            self._arrived.notify_all()

    def wait_for(self, count: int) -> list[Result[Work]]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.results) >= count, timeout=10)
            return self.results


StartWorker = Callable[[Engine, Recorder], Worker[Work]]


@pytest.fixture
def start() -> Iterator[StartWorker]:
    workers: list[Worker[Work]] = []

    def started(engine: Engine, recorder: Recorder) -> Worker[Work]:
        scheduler: Scheduler[Work] = Scheduler(PROFILES, Limits(1_000), time.monotonic)
        worker = Waking(scheduler, {"m": engine}, recorder, time.monotonic)
        worker.start()
        workers.append(worker)
        return worker

    yield started
    for worker in workers:
        worker.stop()


def request(*rows: Row) -> Ticket[Work]:
    return Ticket("m", sum(map(len, rows)), Work(rows))


def test_an_item_gets_the_logits_of_its_own_rows(start: StartWorker) -> None:
    recorder = Recorder()
    start(SumEngine(), recorder).submit([request((1, 2), (3,)), request((4,), (5, 6))])
    assert [result.logits for result in recorder.wait_for(2)] == [(3.0, 3.0), (4.0, 11.0)]


def test_a_poisoned_item_fails_alone(start: StartWorker) -> None:
    recorder = Recorder()
    worker = start(SumEngine(), recorder)
    tickets = [request((n,), (POISON if n == 5 else 1,)) for n in range(8)]
    worker.submit(tickets)
    recorder.wait_for(8)
    outcomes = [ticket.outcome for ticket in tickets]
    assert outcomes == [Outcome.FAILED if n == 5 else Outcome.ANSWERED for n in range(8)]


def test_of_two_items_the_poisoned_one_fails_alone(start: StartWorker) -> None:
    recorder = Recorder()
    tickets = [request((POISON,)), request((1,))]
    start(SumEngine(), recorder).submit(tickets)
    recorder.wait_for(2)
    assert [ticket.outcome for ticket in tickets] == [Outcome.FAILED, Outcome.ANSWERED]


def test_an_item_that_waits_for_company_goes_when_its_time_is_over() -> None:
    """Nobody wakes the thread then: it knows when the next batch is due."""
    recorder = Recorder()
    scheduler: Scheduler[Work] = Scheduler(PROFILES, Limits(1_000, max_wait=0.05), time.monotonic)
    worker = Waking(scheduler, {"m": SumEngine()}, recorder, time.monotonic)
    worker.start()
    worker.submit([request((1,))])
    assert recorder.wait_for(1)[0].logits == (1.0,)
    worker.stop()


def test_batches_that_take_longer_than_was_calibrated_make_the_pace_slower(
    start: StartWorker,
) -> None:
    class Slow(SumEngine):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            time.sleep(0.005)
            return super().logits(rows)

    recorder = Recorder()
    worker = start(Slow(), recorder)
    for count in range(1, 6):
        worker.submit([request((count,))])
        recorder.wait_for(count)
    assert worker.pace > 1


def test_the_loop_lives_on_after_a_failed_batch(start: StartWorker) -> None:
    recorder = Recorder()
    worker = start(SumEngine(), recorder)
    worker.submit([request((POISON,))])
    recorder.wait_for(1)
    worker.submit([request((1,))])
    assert recorder.wait_for(2)[1].logits == (1.0,)


def test_an_answer_that_is_not_a_number_is_a_failure_of_that_item_alone(start: StartWorker) -> None:
    class Engine(SumEngine):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            return [math.nan if row == (1,) else 0.0 for row in rows]

    recorder = Recorder()
    start(Engine(), recorder).submit([request((1,)), request((2,))])
    bad, good = recorder.wait_for(2)
    assert bad.error is not None
    assert good.logits == (0.0,)


def test_an_engine_that_answers_too_few_rows_fails_the_batch_and_no_other(
    start: StartWorker,
) -> None:
    class Engine(SumEngine):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            return [0.0] if len(rows) > 1 else [1.0]

    recorder = Recorder()
    worker = start(Engine(), recorder)
    worker.submit([request((1,), (2,))])
    [failed] = recorder.wait_for(1)
    assert failed.error is not None
    worker.submit([request((3,))])
    assert recorder.wait_for(2)[1].logits == (1.0,)


def test_a_callback_that_raises_does_not_end_the_thread(start: StartWorker) -> None:
    class Raising(Recorder):
        def __call__(self, results: Mapping[Ticket[Work], Result[Work]]) -> None:
            super().__call__(results)
            raise ValueError("nobody listens")

    recorder = Raising()
    worker = start(SumEngine(), recorder)
    worker.submit([request((1,))])
    recorder.wait_for(1)
    worker.submit([request((2,))])
    recorder.wait_for(2)
    assert worker.idle


def test_what_waits_while_the_engine_is_busy_goes_as_one_batch(start: StartWorker) -> None:
    engine, recorder = SumEngine(), Recorder()
    engine.may_run.clear()
    worker = start(engine, recorder)
    worker.submit([request((1,))])
    while worker.waiting("m")[0]:
        time.sleep(0.001)
    for number in range(5):
        worker.submit([request((number,), (number,))])
    engine.may_run.set()
    recorder.wait_for(6)
    assert engine.batches == [1, 10]


def test_an_error_while_a_batch_is_composed_does_not_end_the_thread() -> None:
    class Stumbling(Scheduler[Work]):
        stumbled = False

        def seal(self) -> Batch[Work] | None:
            if not self.stumbled:
                self.stumbled = True
                raise OverflowError("a clock that is off")
            return super().seal()

    recorder = Recorder()
    scheduler = Stumbling(PROFILES, Limits(1_000), time.monotonic)
    worker = Waking(scheduler, {"m": SumEngine()}, recorder, time.monotonic)
    worker.start()
    worker.submit([request((1,))])
    assert recorder.wait_for(1)[0].logits == (1.0,)
    assert worker.alive
    worker.stop()
    assert not worker.alive


# Watched over ------------------------------------------------------------------------------


class DyingEngine(SumEngine):
    """Ends its thread at a poisoned batch, as no ``except Exception`` can prevent."""

    def logits(self, rows: Sequence[Row]) -> list[float]:
        if any(POISON in row for row in rows):
            raise SystemExit
        return super().logits(rows)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced_and_its_batch_fails(start: StartWorker) -> None:
    recorder = Recorder()
    worker = start(DyingEngine(), recorder)
    assert not worker.revive(), "it lives"
    ticket = request((POISON,))
    worker.submit([ticket])
    while worker.alive:
        time.sleep(0.001)
    waiting = request((7,))
    worker.submit([waiting])
    assert worker.revive()
    failed, answered = recorder.wait_for(2)
    assert (recorder.tickets[0], ticket.outcome) == (ticket, Outcome.FAILED)
    assert isinstance(failed.error, WorkerDiedError)
    assert (recorder.tickets[1], answered.logits) == (waiting, (7.0,))
    assert worker.idle


def test_a_halted_worker_holds_nothing_and_goes_on_when_it_is_resumed(start: StartWorker) -> None:
    engine, recorder = SumEngine(), Recorder()
    engine.may_run.clear()
    worker = start(engine, recorder)
    held = request((1,))
    worker.submit([held])
    while not worker.at_work():
        time.sleep(0.001)
    waiting = request((2,))
    worker.submit([waiting])
    assert set(worker.halt()) == {held, waiting}
    with pytest.raises(HaltedError):
        worker.submit([request((3,))])
    engine.may_run.set()
    recorder.wait_for(1)
    worker.resume()
    worker.submit([request((4,))])
    assert recorder.wait_for(2)[1].logits == (4.0,)
    assert engine.batches == [1, 1], "what was failed while it waited never ran"
    assert (held.outcome, waiting.outcome) == (Outcome.FAILED, Outcome.FAILED)


# Handed on to the scheduler ----------------------------------------------------------------


def test_a_call_is_checked_for_its_caller_and_its_deadline() -> None:
    class Checking(Scheduler[Work]):
        checked: tuple[object, ...] = ()

        def check(self, tokens: Mapping[str, int], caller: Caller, deadline: float | None) -> None:
            self.checked = (tokens, caller, deadline)

    scheduler = Checking(PROFILES, Limits(1_000), time.monotonic)
    Worker(scheduler, {"m": SumEngine()}, Recorder(), time.monotonic).check({"m": 3}, ANN, 7.0)
    assert scheduler.checked == ({"m": 3}, ANN, 7.0)


def test_only_an_item_that_has_not_ended_is_extended() -> None:
    scheduler: Scheduler[Work] = Scheduler(PROFILES, Limits(1_000), lambda: 0.0)
    worker = Worker(scheduler, {"m": SumEngine()}, Recorder(), lambda: 0.0)
    ticket = Ticket("m", 1, Work(((1,),)), 5.0)
    worker.submit([ticket])
    assert worker.extend(ticket, 9.0) is True
    assert ticket.deadline == 9.0
    worker.cancel([ticket])
    assert worker.extend(ticket, 11.0) is False
    assert (ticket.outcome, ticket.deadline) == (Outcome.CANCELLED, 9.0)


def test_what_waits_and_what_runs_can_be_asked() -> None:
    now = [10.0]
    scheduler: Scheduler[Work] = Scheduler(PROFILES, Limits(1_000), lambda: now[0])
    worker = Worker(scheduler, {"m": SumEngine()}, Recorder(), lambda: now[0])
    ticket = Ticket("m", 3, Work(((1, 2, 3),)), 12.0)
    worker.submit([ticket])
    assert worker.waiting("m") == (1, 3)
    assert worker.waiting_seconds() == pytest.approx(3e-6)
    assert worker.at_work() == []
    batch = worker._next_batch()
    assert batch is not None
    now[0] = 11.5
    assert worker.at_work() == [(batch, 1.5)]
    worker.expire([ticket])
    assert ticket.outcome is Outcome.EXPIRED
    assert not worker.idle
