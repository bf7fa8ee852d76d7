"""Engines that end are noticed and replaced: how soon, how often, and until when.

The engines are threads, and the clock moves when a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

import pytest

from app.clock import Clock
from app.engine.plan import EnginePlan
from app.engine.processes import keeper
from app.engine.processes.handover import READY
from app.engine.processes.keeper import START_LIMIT_S, STARTS
from app.engine.processes.messages import Ready
from app.errors import StartError
from tests.app.engine.processes.stand_in_templates import Kept
from tests.app.engine.stand_in_engines import LIMIT_S, wait_until

Keep = Callable[..., Kept]


@pytest.fixture
def keep() -> Iterator[Keep]:
    made: list[Kept] = []

    def kept(engines: int = 1, clock: Clock | None = None) -> Kept:
        made.append(Kept(engines, clock))
        return made[-1]

    yield kept
    for each in made:
        if each.keeper._thread.ident is not None:
            each.keeper.stop(LIMIT_S)
        each.keeper._awake.close()
        each.keeper._alarm.close()
        for engine in each.templates.engines:
            engine.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """For how long the keeper sleeps where nothing happens; None is for ever."""
    asked: list[float | None] = []

    def noted(sources: Sequence[Connection], pause: float | None) -> Sequence[object]:
        asked.append(pause)
        return wait(sources, pause)

    monkeypatch.setattr(keeper, "wait", noted)
    return asked


def test_as_many_engines_start_as_the_template_says_and_each_is_told_when_it_is_ready(
    keep: Keep,
) -> None:
    kept = keep(2)
    assert kept.keeper.start() == Ready("about the weights", EnginePlan(2, 1))
    wait_until(lambda: kept.started == 2)
    first, second = kept.templates.engines
    assert [each.process.number for each in (first, second)] == [0, 1]
    second.say(READY)
    wait_until(lambda: bool(kept.ready))
    first.say(READY)
    wait_until(lambda: len(kept.ready) == 2)
    assert kept.ready == [second.process, first.process]
    kept.look()
    assert (len(kept.ready), kept.started, kept.lost, kept.restarted) == (2, 2, [], [])
    assert not kept.keeper.gives_up


def test_an_engine_that_ends_is_noticed_and_replaced_without_anyone_asking(keep: Keep) -> None:
    kept = keep(2).start()
    kept.make_ready()
    kept.now += 1.0  # it has proved itself for so long
    ended = kept.end_newest()
    wait_until(lambda: kept.started == 3)
    assert kept.newest.process.number == ended.process.number == 1
    assert kept.restarted == [1]
    assert kept.templates.orphans.pids == [ended.process.pid]
    assert kept.make_ready().process is kept.ready[-1]
    assert kept.lost == [ended.process]


def test_an_engine_that_others_have_ended_is_replaced_when_the_keeper_is_woken(keep: Keep) -> None:
    kept = keep().start()
    kept.make_ready().process.kill()
    kept.look()
    assert kept.lost == [kept.templates.engines[0].process]


def test_each_engine_in_a_row_that_ends_quickly_is_replaced_later(
    keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    kept = keep().start()
    for count, pause in enumerate((0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0), start=1):
        pid = kept.make_ready().process.pid
        kept.now += 0.75
        kept.end_newest()
        assert caplog.messages[-1] == (
            f"engine 0 (process {pid}) is lost after 0.8 s: it ended; "
            f"the next one starts in {pause:.2f} s"
        )
        kept.now += pause - 0.01
        kept.look()
        assert kept.started == count
        kept.now += 0.02
        kept.look()
        assert kept.started == count + 1
    assert not kept.keeper.gives_up, "the place has had engines that were ready"


def test_an_engine_that_lived_long_enough_ends_the_row(keep: Keep) -> None:
    kept = keep().start()
    kept.make_ready()
    kept.end_newest()
    kept.now += 5.0
    kept.look()
    kept.now += 5.0  # what passes before it is ready does not count
    kept.make_ready()
    kept.now += 1.0
    kept.end_newest()
    wait_until(lambda: kept.started == 3)
    kept.make_ready()
    kept.end_newest()
    kept.now += 0.06
    kept.look()
    assert kept.started == 4, "the row is as long as at first"


def test_engines_that_are_never_ready_are_given_up_after_a_few(keep: Keep) -> None:
    kept = keep().start()
    for count in range(1, STARTS + 1):
        assert not kept.keeper.gives_up
        kept.end_newest()
        kept.now += 5.0
        kept.look()
        assert kept.started == 1 + count, "it still tries"
    assert kept.keeper.gives_up


def test_an_engine_has_two_minutes_to_be_ready(
    keep: Keep, caplog: pytest.LogCaptureFixture, pauses: list[float | None]
) -> None:
    kept = keep().start()
    kept.now += START_LIMIT_S
    kept.look()
    assert kept.lost == []
    assert pauses[-1] == START_LIMIT_S / 10, "nothing tells the keeper; it looks now and then"
    engine = kept.newest
    kept.now += 0.5
    kept.look()
    assert kept.lost == [engine.process]
    assert caplog.messages[-1] == (
        f"engine 0 (process {engine.process.pid}) is lost after 120.5 s: "
        "it was not ready within 120 s; the next one starts in 0.05 s"
    )
    engine.wait_for_end()


def test_an_engine_that_says_something_else_is_lost(
    keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    kept = keep().start()
    engine = kept.newest
    engine.say(b"hello")
    wait_until(lambda: kept.lost == [engine.process])
    assert kept.ready == []
    assert "engine 0 says something else than that it is ready" in caplog.messages[-1]
    engine.wait_for_end()


def test_the_keeper_sleeps_until_something_happens(keep: Keep, pauses: list[float | None]) -> None:
    kept = keep(2).start()
    for each in kept.templates.engines:
        each.say(READY)
    wait_until(lambda: len(kept.ready) == 2)
    kept.look()
    assert pauses[-1] is None
    kept.end_newest()
    kept.look()
    assert pauses[-1] == pytest.approx(0.05), "until the next engine is due"
    kept.now += 0.05
    kept.look()
    kept.make_ready()
    kept.look()
    assert pauses[-1] == 1.0, "a process that ends is to be taken off the list"
    assert kept.templates.orphans.reaps > 0


def test_without_a_template_nothing_is_started_and_the_engines_that_run_are_watched(
    keep: Keep, caplog: pytest.LogCaptureFixture, pauses: list[float | None]
) -> None:
    kept = keep(2).start()
    for each in kept.templates.engines:
        each.say(READY)
    wait_until(lambda: len(kept.ready) == 2)
    kept.templates.gone = True
    kept.now += 5.0
    kept.end_newest()
    wait_until(lambda: kept.keeper.gives_up)
    kept.look()
    assert caplog.messages[-1] == "nothing to start engines from"
    assert kept.templates.refused == 1
    assert kept.restarted == []
    kept.templates.orphans.pids.clear()
    kept.look()
    assert pauses[-1] is None, "nothing is due any more"
    left = kept.templates.engines[0]
    left.end()
    wait_until(lambda: left.process in kept.lost)


def test_a_template_that_ends_is_looked_after_at_once(keep: Keep) -> None:
    kept = keep()
    ours, theirs = Pipe()
    kept.templates.controls.append(ours)
    kept.start()
    kept.make_ready()
    before = kept.templates.looks
    theirs.close()
    wait_until(lambda: kept.templates.looks > before)
    ours.close()


def test_an_error_while_it_looks_is_told_and_the_keeper_goes_on(
    keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    kept = keep().start()
    kept.templates.mishap = RuntimeError("a mishap")
    kept.look()
    assert caplog.messages == ["an error while engines are looked after; it goes on"]
    kept.make_ready()


def test_what_cannot_be_loaded_is_raised_by_the_start_and_the_rest_is_ended(keep: Keep) -> None:
    kept = keep()
    kept.templates.refusal = StartError("no such model")
    with pytest.raises(StartError, match=r"^no such model$"):
        kept.keeper.start()
    kept.look()
    assert kept.started == 0
    assert not kept.keeper.gives_up
    kept.keeper.stop(LIMIT_S)
    assert kept.templates.ends == 1


def test_a_keeper_that_stops_ends_its_engines_and_its_templates(keep: Keep) -> None:
    kept = keep(2).start()
    kept.make_ready()
    kept.keeper.stop(LIMIT_S)
    assert kept.templates.ends == 1
    for each in kept.templates.engines:
        each.wait_for_end()
    assert kept.lost == [], "nobody is to replace them"
    kept.keeper.wake()
    kept.keeper.stop(LIMIT_S)


def test_a_keeper_that_stops_while_an_engine_is_missing_ends_the_others(keep: Keep) -> None:
    kept = keep(2).start()
    kept.end_newest()
    kept.keeper.stop(LIMIT_S)
    assert kept.templates.ends == 1
    kept.templates.engines[0].wait_for_end()


def test_processes_that_do_not_end_are_not_waited_for(keep: Keep) -> None:
    kept = keep().start()
    kept.templates.may_end.clear()
    kept.keeper.stop(0.01)
    assert kept.templates.ends == 0
    kept.templates.may_end.set()
    kept.keeper.stop(LIMIT_S)
    assert kept.templates.ends == 1
