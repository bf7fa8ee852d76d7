"""Who is admitted: the room in the queue, shares of it, deadlines, draining and halting."""

from __future__ import annotations

import pytest

from app.serving.scheduler import (
    CallTooLargeError,
    DrainingError,
    HaltedError,
    Limits,
    QueueFullError,
)
from app.serving.work import ModelProfile, Outcome, ServiceCurve
from tests.app.serving.scheduling import FakeClock, item, names, run, scheduler, sealed


def test_the_queue_is_bounded_in_seconds_of_work_and_not_in_items() -> None:
    made = scheduler(queue=10)
    for _ in range(3):
        made.submit([item(tokens=200)], caller="few")
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=200)] * 2, caller="few")
    other = scheduler(queue=10)
    for _ in range(60):
        other.submit([item(tokens=10)], caller="many")


def test_a_list_of_64_items_counts_as_what_it_costs() -> None:
    made = scheduler(queue=10)
    with pytest.raises(CallTooLargeError, match=r"12\.8 s of work"):
        made.submit([item(tokens=20)] * 64)
    assert made.waiting_items() == 0


def test_a_call_is_admitted_whole_or_not_at_all() -> None:
    made = scheduler(queue=1)
    made.submit([item(tokens=60)])
    with pytest.raises(QueueFullError):
        made.submit([item(), item()])
    assert made.waiting_items() == 1


def test_one_caller_cannot_take_all_the_room() -> None:
    made = scheduler(queue=10)
    for _ in range(16):
        made.submit([item(tokens=50)], caller="bulk")
    assert made.waiting_seconds == pytest.approx(8.0)
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=50)], caller="bulk")
    made.submit([item(tokens=50)], caller="single")


def test_a_refusal_says_when_there_will_be_room() -> None:
    clock = FakeClock()
    made = scheduler(clock, queue=10)
    made.submit([item(tokens=100) for _ in range(8)])
    batch = sealed(made)
    clock.now += 0.4
    made.submit([item(tokens=100)])
    with pytest.raises(QueueFullError) as refused:
        made.submit([item(tokens=50)])
    # 0.6 s are left of the batch at work; after 0.5 s more, 7.5 s wait and its share is room.
    assert refused.value.retry_after == pytest.approx(0.6 + 0.5)
    clock.now += 0.6
    made.finish(batch)


def test_what_could_not_be_answered_in_time_is_refused_and_not_queued() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    made.submit([item(tokens=100) for _ in range(5)])
    made.submit([item("in time", tokens=100, deadline=clock.now + 8)])
    with pytest.raises(QueueFullError) as refused:
        made.submit([item("too late", tokens=100, deadline=clock.now + 8)])
    # Its answer is expected in 7 s, and it is let in where that is three quarters of its time.
    assert refused.value.retry_after == pytest.approx(1.0)


def test_an_idle_engine_lets_in_what_it_thinks_will_be_late() -> None:
    """It refused for ever: only batches that run can teach it that the machine is fast again."""
    clock = FakeClock()
    made = scheduler(clock)
    for _ in range(40):
        made.submit([item(tokens=100)])
        run(made, clock, slower=6.0)
    for _ in range(40):
        made.submit([item(tokens=100, deadline=clock.now + 7)])
        run(made, clock, slower=1.0)
    made.submit([item(tokens=100)])
    assert made.waiting_seconds == pytest.approx(1.0, rel=0.01)


def test_another_caller_is_not_refused_for_a_backlog_that_it_need_not_wait_for() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    made.submit([item(tokens=100) for _ in range(50)], caller="bulk")
    made.submit([item("single", tokens=100, deadline=clock.now + 3)], caller="single")


def test_a_deadline_that_not_even_an_idle_engine_could_meet_is_no_overload() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    made.submit([item(tokens=100, deadline=clock.now + 0.1)])


def test_estimates_follow_an_engine_that_has_become_slower() -> None:
    clock = FakeClock()
    made = scheduler(clock, queue=10)
    for _ in range(40):
        made.submit([item(tokens=100)])
        run(made, clock, slower=3.0)
    made.submit([item(tokens=100)])
    assert made.waiting_seconds == pytest.approx(3.0, rel=0.01)


def test_a_call_is_not_too_large_because_the_machine_is_slow_today() -> None:
    clock = FakeClock()
    made = scheduler(clock, queue=10)
    for _ in range(40):
        made.submit([item(tokens=100)])
        run(made, clock, slower=3.0)
    made.submit([item(tokens=700)])
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=700)])


def test_draining_refuses_new_calls_and_finishes_accepted_ones() -> None:
    made = scheduler()
    made.submit([item("accepted")])
    made.drain()
    with pytest.raises(DrainingError):
        made.submit([item()])
    batch = sealed(made)
    assert names(batch) == ["accepted"]
    assert not made.idle
    made.finish(batch)
    assert made.idle


def test_a_halted_engine_is_given_nothing_new_and_what_it_held_has_failed() -> None:
    made = scheduler(batch=20)
    tickets = made.submit([item("held"), item("waits")])
    batch = sealed(made)
    made.halted = True
    assert set(made.fail_all()) == set(tickets)
    with pytest.raises(HaltedError):
        made.submit([item()])
    made.finish(batch)
    assert {ticket.outcome for ticket in tickets} == {Outcome.FAILED}
    assert made.idle


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="queue_seconds"):
        Limits(0)
    with pytest.raises(ValueError, match="max_wait"):
        Limits(1, -1)
    with pytest.raises(ValueError, match="batch_tokens"):
        ModelProfile(0, ServiceCurve(0, 1))
    with pytest.raises(ValueError, match="a token more"):
        ServiceCurve(0, 0)
