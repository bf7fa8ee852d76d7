"""What changes for those who wait when several engines share the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from app.engine.engine import Row
from app.engine.seats import EngineLostError
from app.serving.admission import CallTooLargeError, Limits, QueueFullError
from app.serving.scheduler import Scheduler
from app.serving.work import ModelProfile, Outcome, Result, ServiceCurve, Ticket
from app.serving.worker import Worker
from tests.app.serving.scheduling import MODELS, FakeClock, admitted, item, sealed

LIMIT_S = 30
PROFILE = ModelProfile(100, ServiceCurve(0.0, 0.01))


def shared(engines: int, clock: FakeClock | None = None, queue: float = 10.0) -> Scheduler[str]:
    """A scheduler whose engines take a second for a hundred tokens each."""
    profiles = dict.fromkeys(MODELS, PROFILE)
    return Scheduler(profiles, Limits(queue), clock or FakeClock(), engines)


def test_what_waits_takes_as_many_engines_as_many_times_less() -> None:
    made = shared(4)
    admitted(made, [item(tokens=100) for _ in range(8)])
    assert made.waiting_seconds == pytest.approx(2.0)
    made.engines = 2
    assert made.waiting_seconds == pytest.approx(4.0)


def test_the_queue_holds_as_many_seconds_of_all_engines() -> None:
    made = shared(4, queue=1.0)
    sealed_first = admitted(made, [item(tokens=20)])
    assert sealed(made).tickets == tuple(sealed_first)
    admitted(made, [item(tokens=100) for _ in range(3)])
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=300)])


def test_a_call_may_need_as_much_as_all_engines_do_in_its_share_of_the_queue() -> None:
    made = shared(4, queue=1.0)
    made.submit([item(tokens=320)])  # four fifths of a second
    with pytest.raises(CallTooLargeError):
        made.submit([item(tokens=321)])


def test_a_batch_runs_on_one_engine_and_a_deadline_knows_that() -> None:
    """What waits is shared by the engines, but the last batch of a call takes its full time."""
    clock = FakeClock()
    made = shared(4, clock)
    admitted(made, [item(tokens=100)])
    sealed(made)
    with pytest.raises(QueueFullError, match="too late"):
        made.submit([item(tokens=100, deadline=clock.now + 1.4)])
    made.submit([item(tokens=100, deadline=clock.now + 2.0)])


def test_the_pace_is_learned_from_batches_that_one_engine_ran_in_one_pass() -> None:
    clock = FakeClock()
    made = shared(2, clock)
    for usual in (False, True):
        admitted(made, [item(tokens=100)])
        batch = sealed(made)
        clock.now += 2.0
        made.finish(batch, usual=usual)
        assert (made.backlog.pace > 1) is usual


# The worker on several seats -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Work:
    rows: tuple[Row, ...]


def ticket(*ids: int) -> Ticket[Work]:
    return Ticket("m", len(ids), Work((ids,)))


@dataclass(eq=False)
class Desk:
    """A seat, and what its engine is to do with each pass; True is to lose it."""

    owner: Desks
    split = False

    def logits(self, model: str, rows: Sequence[Row], *, spread: bool = False) -> list[float]:
        assert model == "m"
        return self.owner.run(rows, spread)

    def end(self) -> bool:
        self.owner.ended.set()
        return True

    def leave(self) -> None:
        self.owner.free.release()


@dataclass
class Desks:
    """Seats that note what is run on them."""

    most: int = 2
    passes: list[tuple[int, bool]] = field(default_factory=list)
    may_run: threading.Event = field(default_factory=threading.Event)
    lose: Callable[[Sequence[Row]], bool] = lambda _: False
    moving: int = 2
    ended: threading.Event = field(default_factory=threading.Event)
    seconds_without_engine = 0.0
    busy = 0

    def __post_init__(self) -> None:
        self.free = threading.Semaphore(self.most)

    def take(self) -> Desk | None:
        return Desk(self) if self.free.acquire(blocking=False) else None

    def watch(self, on_free: Callable[[], None]) -> None:
        self.on_free = on_free

    def run(self, rows: Sequence[Row], spread: bool) -> list[float]:
        self.passes.append((len(rows), spread))
        assert self.may_run.wait(LIMIT_S)
        if self.lose(rows):
            raise EngineLostError("lost")
        return [float(row[0]) for row in rows]


class Office:
    """A worker on desks, with what it reports."""

    def __init__(self, desks: Desks, budget: int = 4) -> None:
        self.desks = desks
        self.results: dict[Ticket[Work], Result[Work]] = {}
        profile = ModelProfile(budget, ServiceCurve(0.0, 1e-6))
        scheduler: Scheduler[Work] = Scheduler(
            {"m": profile}, Limits(1_000), time.monotonic, desks.most
        )
        self.scheduler = scheduler
        self.worker: Worker[Work] = Worker(scheduler, desks, self.note, time.monotonic)

    def note(self, results: Mapping[Ticket[Work], Result[Work]]) -> None:
        self.results.update(results)

    def ask(self, *tickets: Ticket[Work]) -> None:
        self.worker.submit(tickets)
        self.worker.wake()

    def wait(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < give_up
            time.sleep(0.001)

    def answers(self, tickets: Sequence[Ticket[Work]]) -> list[float | None]:
        self.wait(lambda: all(each in self.results for each in tickets))
        results = [self.results[each] for each in tickets]
        return [result.logits[0] if result.logits else None for result in results]


def test_every_engine_that_is_idle_gets_a_batch_and_only_the_last_one_may_be_spread() -> None:
    office = Office(Desks())
    office.worker.start()
    tickets = [ticket(number, 0) for number in range(6)]
    office.ask(*tickets)
    office.wait(lambda: len(office.desks.passes) == 2)
    assert office.desks.passes == [(2, False), (2, False)]
    assert len(office.worker.at_work()) == 2
    office.desks.may_run.set()
    assert office.answers(tickets) == [0, 1, 2, 3, 4, 5]
    assert office.desks.passes[2] == (2, True)
    assert office.worker.idle
    office.worker.stop()


def test_no_batch_is_sealed_before_an_engine_can_take_it() -> None:
    office = Office(Desks(), budget=100)
    office.worker.start()
    seats = [office.desks.take(), office.desks.take()]
    tickets = [ticket(number) for number in range(5)]
    for each in tickets:
        office.ask(each)
    assert office.worker.waiting("m")[0] == 5
    office.desks.may_run.set()
    for seat in seats:
        assert seat is not None
        seat.leave()
    office.desks.on_free()
    assert office.answers(tickets) == [0, 1, 2, 3, 4]
    assert office.desks.passes == [(5, True)]
    office.worker.stop()


def test_a_batch_whose_engine_ends_is_run_again_by_halves_and_its_time_teaches_nothing() -> None:
    lost = iter([True])
    office = Office(Desks(lose=lambda _: next(lost, False)), budget=100)
    office.desks.may_run.set()
    office.worker.start()
    tickets = [ticket(number) for number in range(4)]
    office.ask(*tickets)
    assert office.answers(tickets) == [0, 1, 2, 3]
    assert [rows for rows, _ in office.desks.passes] == [4, 2, 2]
    assert office.scheduler.backlog.pace == 1.0
    office.worker.stop()


def test_an_item_that_is_alone_with_two_ends_of_an_engine_fails_alone() -> None:
    office = Office(Desks(lose=lambda rows: any(row[0] == 2 for row in rows)), budget=100)
    office.desks.may_run.set()
    office.worker.start()
    tickets = [ticket(number) for number in range(4)]
    office.ask(*tickets)
    assert office.answers(tickets) == [0, 1, None, 3]
    assert [each.outcome for each in tickets][2] is Outcome.FAILED
    assert [rows for rows, _ in office.desks.passes] == [4, 2, 2, 1, 1, 1]
    office.worker.stop()


def test_an_item_whose_engine_ends_once_is_answered() -> None:
    lost = iter([True])
    office = Office(Desks(lose=lambda _: next(lost, False)))
    office.desks.may_run.set()
    office.worker.start()
    alone = ticket(7)
    office.ask(alone)
    assert office.answers([alone]) == [7]
    office.worker.stop()


def test_the_pass_of_a_batch_can_be_ended_while_it_runs_and_not_after() -> None:
    office = Office(Desks())
    office.worker.start()
    asked = ticket(1)
    office.ask(asked)
    office.wait(lambda: bool(office.worker.at_work()))
    [(batch, _)] = office.worker.at_work()
    assert office.worker.end_pass(batch)
    assert office.desks.ended.is_set()
    office.desks.may_run.set()
    assert office.answers([asked]) == [1]
    office.desks.ended.clear()
    assert office.worker.end_pass(batch), "there is nothing left to end"
    assert not office.desks.ended.is_set()
    office.worker.stop()


def test_the_scheduler_counts_the_engines_that_are_there_and_one_where_there_is_none() -> None:
    office = Office(Desks())
    for moving, counted in ((1, 1), (2, 2), (0, 1)):
        office.desks.moving = moving
        office.worker.count_engines()
        assert (office.worker.engines, office.scheduler.engines) == (moving, counted)
