"""The watchdog on a worker that does as it is told, and on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from app.serving.watchdog import PATIENCE, Watchdog
from app.serving.work import Batch, Reason, Ticket
from app.serving.worker import Worker

HELD = Ticket("m", 10, "held")


class StandIn:
    """Says how long its batch has run, and notes what it is told."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.expected = 0.0
        self.died = False
        self.told: list[str] = []
        self.engines = 1
        self.in_processes = False
        self.ended: list[Batch[str]] = []
        self.counted = 0

    def at_work(self) -> list[tuple[Batch[str], float]]:
        if self.seconds is None:
            return []
        return [(Batch("m", (HELD,), 10, 0.0, Reason.DRAINED, self.expected), self.seconds)]

    def end_pass(self, batch: Batch[str]) -> bool:
        self.ended.append(batch)
        return self.in_processes

    def count_engines(self) -> None:
        self.counted += 1

    def revive(self) -> bool:
        died, self.died = self.died, False
        return died

    def halt(self) -> list[Ticket[str]]:
        self.told.append("halt")
        return [HELD]

    def resume(self) -> None:
        self.told.append("resume")


class Watched:
    """A watchdog, its worker, and whom it has told what."""

    def __init__(self, least_bound: float = 5.0) -> None:
        self.worker = StandIn()
        self.stuck: list[Sequence[Ticket[Any]]] = []
        self.restarts = 0
        self.dog: Watchdog[Any] = Watchdog(
            cast("Worker[Any]", self.worker), least_bound, self.stuck.append, self.restarted
        )

    def restarted(self) -> None:
        self.restarts += 1

    def check(self, seconds: float | None, expected: float = 0.0) -> bool:
        self.worker.seconds, self.worker.expected = seconds, expected
        self.dog.check()
        return self.dog.stuck


def test_an_engine_is_stuck_beyond_the_bound_and_not_at_it() -> None:
    watched = Watched(least_bound=5.0)
    assert not watched.dog.stuck
    assert not watched.check(None)
    assert not watched.check(5.0)
    assert watched.check(5.1)


def test_a_batch_that_is_expected_to_take_long_may_take_many_times_as_long() -> None:
    watched = Watched(least_bound=5.0)
    assert not watched.check(PATIENCE, expected=1.0)
    assert watched.check(PATIENCE + 0.1, expected=1.0)
    assert PATIENCE == 20


def test_a_stuck_worker_is_halted_once_and_what_it_held_is_reported() -> None:
    watched = Watched()
    for seconds in (6.0, 7.0, 8.0):
        watched.check(seconds)
    assert watched.worker.told == ["halt"]
    assert watched.stuck == [[HELD]]


def test_an_engine_that_moves_again_is_resumed_once() -> None:
    watched = Watched()
    for seconds in (6.0, None, 1.0):
        watched.check(seconds)
    assert watched.worker.told == ["halt", "resume"]
    watched.check(6.0)
    assert watched.worker.told == ["halt", "resume", "halt"]


def test_an_engine_that_is_stuck_in_a_process_of_its_own_is_ended_and_nobody_is_halted() -> None:
    watched = Watched()
    watched.worker.in_processes = True
    assert not watched.check(5.0)
    assert watched.worker.ended == []
    assert not watched.check(6.0)
    assert [batch.tickets for batch in watched.worker.ended] == [(HELD,)]
    assert watched.worker.told == []


def test_a_worker_without_an_engine_is_halted_after_the_bound_until_there_is_one() -> None:
    watched = Watched(least_bound=5.0)  # it looks every half second
    watched.worker.engines = 0
    assert not any(watched.check(None) for _ in range(10))
    assert watched.check(None)
    assert watched.worker.told == ["halt"]
    watched.worker.engines = 1
    assert not watched.check(None)
    assert watched.worker.told == ["halt", "resume"]
    watched.worker.engines = 0
    assert not watched.check(None), "it begins to count again"


def test_the_scheduler_is_told_at_each_check_how_many_engines_there_are() -> None:
    watched = Watched()
    watched.check(None)
    watched.check(None)
    assert watched.worker.counted == 2


def test_a_thread_that_died_and_was_replaced_is_reported_once() -> None:
    watched = Watched()
    watched.worker.died = True
    watched.check(None)
    watched.check(None)
    assert (watched.restarts, watched.worker.told) == (1, [])


def test_the_log_says_once_that_an_engine_is_stuck_and_once_that_there_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched(least_bound=5.0)
    for seconds in (6.0, 7.0, 8.0, None):
        watched.check(seconds)
    watched.worker.engines = 0
    for _ in range(13):
        watched.check(None)
    said = [each.getMessage() for each in caplog.records if each.levelname == "CRITICAL"]
    assert said == [
        "an engine is stuck: 6.0 s on 10 tokens",
        "there has been no engine for 5.0 s",
    ]


def test_an_engine_that_is_there_again_for_a_moment_begins_the_count_from_nothing() -> None:
    watched = Watched(least_bound=5.0)  # it looks every half second
    for engines in (0, 1):
        watched.worker.engines = engines
        watched.check(None)
    watched.worker.engines = 0
    assert not any(watched.check(None) for _ in range(10))
    assert watched.check(None)


class Loop:
    """Keeps what it is to call later."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.later.append((seconds, call))

    def turn(self) -> None:
        _, call = self.later.pop()
        call()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


@pytest.mark.parametrize(("bound", "pause"), [(5.0, 0.5), (10.0, 1.0), (60.0, 1.0)])
def test_it_looks_ten_times_within_the_bound_and_each_second_at_least(
    loop: Loop, bound: float, pause: float
) -> None:
    Watched(bound).dog.start()
    assert [seconds for seconds, _ in loop.later] == [pause]


def test_it_looks_again_and_again_until_it_is_stopped(loop: Loop) -> None:
    watched = Watched()
    watched.dog.start()
    watched.worker.seconds = 6.0
    loop.turn()
    assert watched.dog.stuck
    watched.worker.seconds = None
    loop.turn()
    assert not watched.dog.stuck
    watched.dog.stop()
    watched.worker.seconds = 6.0
    loop.turn()
    assert not watched.dog.stuck
    assert loop.later == []


def test_a_look_that_fails_is_not_the_last_one(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    watched.dog.start()

    def fail() -> bool:
        raise OSError("no more threads")

    monkeypatch.setattr(watched.worker, "revive", fail)
    with pytest.raises(OSError, match="no more threads"):
        loop.turn()
    assert len(loop.later) == 1
