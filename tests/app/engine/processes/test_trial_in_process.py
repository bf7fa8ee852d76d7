"""What is measured of a plan, and when measuring ends; the processes are threads.

What real processes do is in ``test_trial.py``.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from app.engine.engine import Row
from app.engine.plan import EnginePlan, MeasuredPlan
from app.engine.processes import trial
from app.engine.processes.trial import FULL, LONE, measure_plans
from tests.app.engine.stand_in_engines import LIMIT_S
from tests.engines import ColdEngine

TICK_S = 1 / 16
"""What the clock of the one who measures gains each time that it is read."""


class Members:
    """Forks that are threads. Each has a clock of its own, which only its passes move on."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.ended: list[tuple[int, int]] = []
        self.waited_for: list[int] = []
        self._pids = itertools.count((1 << 22) + 200_000)
        self.time = threading.local()

    def fork(self, work: partial[None]) -> int:
        channel, plan, number, *others = work.args
        own = Connection(os.dup(channel.fileno()))

        def live() -> None:
            with own:
                try:
                    work.func(own, plan, number, *others)
                except ProcessLookupError:  # as if the process had ended
                    return

        thread = threading.Thread(target=live, name=f"{plan} number {number}", daemon=True)
        self.threads.append(thread)
        thread.start()
        return next(self._pids)

    def clock(self) -> float:
        now: float = getattr(self.time, "now", 0.0)
        if threading.current_thread() not in self.threads:
            self.time.now = now + TICK_S
        return now

    def work_for(self, seconds: float) -> None:
        self.time.now = getattr(self.time, "now", 0.0) + seconds


class NotingEngine(ColdEngine):
    """Takes as long as a test says."""

    def __init__(self, members: Members, seconds: Callable[[str, int], float]) -> None:
        self._members = members
        self._seconds = seconds
        self.ran: list[tuple[str, list[int]]] = []
        """Who ran a batch, and the lengths of its rows."""

    def logits(self, rows: Sequence[Row]) -> list[float]:
        name = threading.current_thread().name
        self.ran.append((name, [len(row) for row in rows]))
        self._members.work_for(self._seconds(name, len(rows)))
        return [0.0] * len(rows)


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    made = Members()
    monkeypatch.setattr(trial, "fork", made.fork)
    monkeypatch.setattr(trial, "bind", lambda plan, number: None)
    monkeypatch.setattr(trial, "use_threads", lambda threads: None)
    monkeypatch.setattr(os, "kill", lambda pid, number: made.ended.append((pid, number)))
    monkeypatch.setattr(os, "waitpid", lambda pid, _: made.waited_for.append(pid))
    yield made
    for each in made.threads:
        each.join(LIMIT_S)


def test_the_rates_of_busy_engines_are_added_up(members: Members) -> None:
    engine = NotingEngine(members, lambda name, _: 0.25 if "number 1" in name else 0.125)
    [found] = measure_plans([EnginePlan(2, 3)], engine, members.clock)
    assert found == MeasuredPlan(2, 3, sum(FULL) / 0.25 + sum(FULL) / 0.125, TICK_S)


def test_the_figures_of_a_plan_are_the_medians_of_its_rounds(members: Members) -> None:
    passes = itertools.count()
    seconds = [1.0, 1.0, 8.0, 0.5, 0.25, 8.0, 1 / 16, 2.0]  # the first one warms up

    def taken(_: str, rows: int) -> float:
        return seconds[next(passes)] if rows == len(FULL) else 0.0

    [found] = measure_plans([EnginePlan(1, 1)], NotingEngine(members, taken), members.clock)
    assert found.tokens_per_second == sum(FULL) / 1.0


def test_each_round_runs_full_batches_and_a_lone_item_whose_rows_are_shared_out(
    members: Members,
) -> None:
    engine = NotingEngine(members, lambda *_: 0.125)
    measure_plans([EnginePlan(2, 1)], engine, members.clock)
    passes = 1 + trial.ROUNDS
    for number, lone in enumerate(sorted(LONE, reverse=True)):
        own = [rows for name, rows in engine.ran if name == f"2 x 1 number {number}"]
        assert own == [list(FULL), [lone]] * passes


def test_engines_that_get_no_row_of_a_lone_item_rest(members: Members) -> None:
    engine = NotingEngine(members, lambda *_: 0.125)
    measure_plans([EnginePlan(3, 1)], engine, members.clock)
    last = [rows for name, rows in engine.ran if name == "3 x 1 number 2"]
    assert last == [list(FULL)] * (1 + trial.ROUNDS)


@pytest.mark.parametrize(("budget", "rounds"), [(0.0, 1), (2 * TICK_S, 1), (3 * TICK_S, 2)])
def test_no_round_begins_when_the_time_is_over(
    members: Members, monkeypatch: pytest.MonkeyPatch, budget: float, rounds: int
) -> None:
    """The clock is read once before, twice in a round, and once between rounds."""
    monkeypatch.setattr(trial, "BUDGET_S", budget)
    engine = NotingEngine(members, lambda *_: 0.125)
    measure_plans([EnginePlan(1, 1)], engine, members.clock)
    full = [rows for _, rows in engine.ran if rows == list(FULL)]
    assert len(full) == 1 + rounds


def test_a_plan_whose_member_ends_is_left_out_and_the_others_are_measured(
    members: Members, caplog: pytest.LogCaptureFixture
) -> None:
    def end(name: str, _: int) -> float:
        if name.startswith("2 x 1 number 1"):
            raise ProcessLookupError
        return 0.125

    plans = [EnginePlan(2, 1), EnginePlan(1, 2)]
    found = measure_plans(plans, NotingEngine(members, end), members.clock)
    assert [str(each) for each in found] == ["1 x 2"]
    [message] = caplog.messages
    assert message.startswith("engines of 2 x 1 cannot be measured, so they are not used: ")


def test_a_member_that_does_not_answer_leaves_its_plan_out(
    members: Members, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def hang(*_: object) -> float:
        over.wait(LIMIT_S)
        return 0.0

    monkeypatch.setattr(trial, "ANSWER_LIMIT_S", 0.01)
    assert measure_plans([EnginePlan(1, 1)], NotingEngine(members, hang), members.clock) == ()
    over.set()
    assert caplog.messages == [
        "engines of 1 x 1 cannot be measured, so they are not used: "
        "TimeoutError('no answer within 0 s')"
    ]


def test_every_member_is_killed_and_waited_for(members: Members) -> None:
    measure_plans(
        [EnginePlan(2, 1), EnginePlan(1, 2)], NotingEngine(members, lambda *_: 0.1), members.clock
    )
    assert len(members.ended) == 3
    assert {number for _, number in members.ended} == {signal.SIGKILL}
    assert members.waited_for == [pid for pid, _ in members.ended]
    for each in members.threads:
        each.join(LIMIT_S)
        assert not each.is_alive(), "its channel is closed too"


def test_a_member_is_bound_and_gets_its_threads_before_it_runs_anything(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(trial, "bind", lambda plan, number: told.append((plan, number)))
    monkeypatch.setattr(trial, "use_threads", told.append)
    ours, theirs = Pipe()
    ours.send((4, 2))
    ours.send((1,))
    engine = NotingEngine(members, lambda *_: told.append("a pass") or 0.125)  # type: ignore[func-returns-value]
    plan = EnginePlan(5, 3)
    thread = threading.Thread(
        target=trial._be_member, args=(theirs, plan, 4, engine, members.clock), daemon=True
    )
    members.threads.append(thread)
    thread.start()
    for _ in range(2):
        assert ours.poll(LIMIT_S)
        assert ours.recv() == 0.125
    ours.close()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    theirs.close()
    assert told == [(plan, 4), 3, "a pass", "a pass"]
    assert [rows for _, rows in engine.ran] == [[4, 2], [1]]
