"""What a worker reports of a batch, without its thread and on a clock that an engine turns."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from app.engine.engine import Row
from app.serving.admission import Limits
from app.serving.scheduler import Scheduler
from app.serving.work import Batch, Caller, ModelProfile, Result, ServiceCurve, Ticket
from app.serving.worker import NonFiniteLogitsError, Worker, WorkerDiedError
from tests.engines import ColdEngine

ANN = Caller("ann")

PROFILE = ModelProfile(10_000, ServiceCurve(0.0, 1e-6))
POISON: Row = (666,)


@dataclass(frozen=True, eq=False)
class Work:
    rows: tuple[Row, ...]


def ticket(*rows: Row, model: str = "m") -> Ticket[Work]:
    return Ticket(model, sum(map(len, rows)), Work(rows))


class Bench(ColdEngine):
    """An engine, the worker that it serves, and what that reports; a run takes half a second."""

    def __init__(self) -> None:
        self.now = 10.0
        self.batches: list[int] = []
        self.results: dict[Ticket[Work], Result[Work]] = {}
        scheduler: Scheduler[Work] = Scheduler(
            dict.fromkeys("mn", PROFILE), Limits(1_000), lambda: self.now
        )
        self.worker = Worker(
            scheduler, dict.fromkeys("mn", self), self.results.update, lambda: self.now
        )

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.now += 0.5
        self.batches.append(len(rows))
        if POISON in rows:
            raise RuntimeError("poisoned")
        return [float(row[0]) for row in rows]

    def seal(self, *tickets: Ticket[Work]) -> Batch[Work]:
        self.worker.submit(tickets, ANN)
        batch = self.worker._next_batch()
        assert batch is not None
        return batch

    def serve(self, *tickets: Ticket[Work]) -> Batch[Work]:
        batch = self.seal(*tickets)
        self.now += 0.25
        self.worker._serve(batch)
        return batch


def test_a_result_tells_its_batch_when_it_ended_and_how_long_the_engine_took() -> None:
    bench, asked = Bench(), ticket((1,), (2,))
    batch = bench.serve(asked)
    assert bench.results == {asked: Result((1.0, 2.0), None, 10.75, batch, 0.5, usual=True)}
    assert asked.caller == ANN
    assert bench.worker.at_work() == []


def test_a_failure_tells_the_same() -> None:
    bench, asked = Bench(), ticket(POISON)
    batch = bench.serve(asked)
    result = bench.results[asked]
    assert str(result.error) == "poisoned"
    assert result == Result(None, result.error, 10.75, batch, 0.5)


def test_a_batch_that_fails_is_run_by_halves() -> None:
    bench = Bench()
    bench.serve(*(ticket((n,)) for n in range(6)), ticket(POISON), ticket((7,)))
    assert bench.batches == [8, 4, 4, 2, 2, 1, 1]


def test_logits_that_are_no_numbers_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, asked = Bench(), ticket((1,), (2,))
    monkeypatch.setattr(bench, "logits", lambda _: [math.inf, 1.0])
    bench.serve(asked)
    error = bench.results[asked].error
    assert isinstance(error, NonFiniteLogitsError)
    assert str(error) == "logits (inf, 1.0)"


def test_an_answer_of_another_length_is_told_in_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, asked = Bench(), ticket((1,), (2,))
    monkeypatch.setattr(bench, "logits", lambda _: [1.0])
    bench.serve(asked)
    assert str(bench.results[asked].error) == "the engine answered 2 rows with 1 logits"


def test_items_that_wait_are_told_by_model() -> None:
    worker = Bench().worker
    worker.submit([ticket((1, 2)), ticket((3,), model="n"), ticket((4,), model="n")])
    assert (worker.waiting("m"), worker.waiting("n")) == ((1, 2), (2, 2))


def test_what_a_thread_that_died_held_fails_at_once_and_says_so() -> None:
    bench, asked = Bench(), ticket((1,))
    batch = bench.seal(asked)
    # The thread was never started, so it does not live.
    assert bench.worker.revive()
    result = bench.results[asked]
    assert isinstance(result.error, WorkerDiedError)
    assert str(result.error) == "the thread that ran the batch ended"
    assert result == Result(None, result.error, 10.0, batch, 0.0)
    assert bench.worker.at_work() == []
    bench.worker.stop()
    assert not bench.worker.revive(), "it was told to stop"


def test_stopping_gives_up_on_an_engine_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, entered, free = Bench(), threading.Event(), threading.Event()

    def stick(rows: Sequence[Row]) -> list[float]:
        entered.set()
        free.wait(10)
        return [0.0] * len(rows)

    monkeypatch.setattr(bench, "logits", stick)
    bench.worker.submit([ticket((1,))])
    bench.worker.start()
    assert entered.wait(10)
    bench.worker.stop(timeout=0.01)
    assert bench.worker.alive
    free.set()
    bench.worker.stop()
    assert not bench.worker.alive


def test_its_thread_has_a_name_and_does_not_hold_the_exit_of_python() -> None:
    """An engine that is stuck never ends; the process ends all the same."""
    before, bench = set(threading.enumerate()), Bench()
    bench.worker.start()
    [thread] = set(threading.enumerate()) - before
    assert (thread.name, thread.daemon) == ("xcopa-worker", True)
    bench.worker.stop()
