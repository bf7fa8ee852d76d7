"""Who is admitted: the room in the queue, shares of it, deadlines, draining and halting."""

from __future__ import annotations

import pytest

from app.serving.admission import (
    CallTooLargeError,
    DrainingError,
    HaltedError,
    Limits,
    QueueFullError,
    TooLateError,
)
from app.serving.work import Caller, ModelProfile, Outcome, ServiceCurve
from tests.app.serving.scheduling import (
    MODELS,
    FakeClock,
    admitted,
    item,
    names,
    run,
    scheduler,
    sealed,
)


def test_the_queue_is_bounded_in_seconds_of_work_and_not_in_items() -> None:
    made = scheduler(queue=10)
    for _ in range(3):
        made.submit([item(tokens=200)], caller=Caller("few"))
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=200) for _ in range(2)], caller=Caller("few"))
    other = scheduler(queue=10)
    for _ in range(60):
        other.submit([item(tokens=10)], caller=Caller("many"))


def test_a_list_of_64_items_counts_as_what_it_costs() -> None:
    made = scheduler(queue=10)
    with pytest.raises(CallTooLargeError, match=r"12\.8 s of work"):
        made.submit([item(tokens=20) for _ in range(64)])
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
        made.submit([item(tokens=50)], caller=Caller("bulk"))
    assert made.waiting_seconds == pytest.approx(8.0)
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=50)], caller=Caller("bulk"))
    made.submit([item(tokens=50)], caller=Caller("single"))


def test_a_caller_with_more_weight_may_hold_more_of_the_room() -> None:
    made = scheduler(queue=10)
    heavy = Caller("heavy", weight=4)
    for _ in range(18):
        made.submit([item(tokens=50)], caller=heavy)
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=50)], caller=heavy)


def test_a_refusal_says_when_there_will_be_room() -> None:
    clock = FakeClock()
    made = scheduler(clock, queue=10)
    made.submit([item(tokens=100) for _ in range(8)])
    batch = sealed(made)
    clock.now += 0.4
    made.submit([item(tokens=100)])
    with pytest.raises(
        QueueFullError, match=r"^8\.0 s of work wait; room .* in 0\.5 s$"
    ) as refused:
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
    with pytest.raises(TooLateError, match=r"^an answer is expected in 7\.00 s, too") as refused:
        made.submit([item("too late", tokens=100, deadline=clock.now + 8)])
    # Its answer is expected in 7 s, and it is let in where that is three quarters of its time.
    assert refused.value.retry_after == pytest.approx(1.0)


def test_deadlines_of_less_than_a_second_are_looked_at_like_any_other() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    made.submit([item(tokens=60)])
    with pytest.raises(TooLateError, match=r"^an answer is expected in 0\.70 s, too late"):
        made.submit([item(tokens=10, deadline=clock.now + 0.5)])


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
    made.submit([item(tokens=100) for _ in range(50)], caller=Caller("bulk"))
    made.submit([item("single", tokens=100, deadline=clock.now + 3)], caller=Caller("single"))


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
    with pytest.raises(DrainingError, match=r"^the service is shutting down$"):
        made.submit([item()])
    batch = sealed(made)
    assert names(batch) == ["accepted"]
    assert not made.idle
    made.finish(batch)
    assert made.idle


def test_a_halted_engine_is_given_nothing_new_and_what_it_held_has_failed() -> None:
    made = scheduler(batch=20)
    tickets = admitted(made, [item("held"), item("waits")])
    batch = sealed(made)
    made.halted = True
    assert set(made.fail_all()) == set(tickets)
    with pytest.raises(HaltedError, match=r"^the engine does not move$"):
        made.submit([item()])
    made.finish(batch)
    assert {ticket.outcome for ticket in tickets} == {Outcome.FAILED}
    assert made.idle


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^queue_seconds is above 0$"):
        Limits(0)
    with pytest.raises(ValueError, match=r"^max_wait is 0 at least$"):
        Limits(1, -1)
    with pytest.raises(ValueError, match=r"^batch_tokens must be at least 1$"):
        ModelProfile(0, ServiceCurve(0, 1))
    negative = "the fixed time must be at least 0 s, and the time per token above 0"
    with pytest.raises(ValueError, match=f"^{negative}$"):
        ServiceCurve(0, 0)


def test_one_call_cannot_take_a_whole_empty_queue() -> None:
    """It could take all of it, and the next caller found no room."""
    made = scheduler(queue=10)
    assert made.limits.call_seconds == 8
    with pytest.raises(CallTooLargeError, match=r"needs 8\.1 s of work; .* 8\.0 s at most"):
        made.submit([item(tokens=810)])
    made.submit([item(tokens=800)], caller=Caller("bulk"))
    made.submit([item(tokens=40)], caller=Caller("single"))


def test_one_caller_cannot_take_all_the_room_with_one_large_call() -> None:
    made = scheduler(queue=10)
    made.submit([item(tokens=650)], caller=Caller("bulk"))
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=200)], caller=Caller("bulk"))
    made.submit([item(tokens=200)], caller=Caller("other"))


def test_one_caller_cannot_take_all_the_room_by_asking_both_models() -> None:
    made = scheduler(queue=10)
    made.submit([item(tokens=400, model="direct")], caller=Caller("bulk"))
    made.submit([item(tokens=400, model="stilts")], caller=Caller("bulk"))
    for model in MODELS:
        with pytest.raises(QueueFullError):
            made.submit([item(tokens=50, model=model)], caller=Caller("bulk"))
    made.submit([item(tokens=50)], caller=Caller("single"))


def test_a_share_may_be_taken_to_its_last_second() -> None:
    # Powers of two, so that the sums are exact: 64 tokens take a second.
    made = scheduler(queue=10, per_token=1 / 64)
    made.submit([item(tokens=80)], caller=Caller("other"))
    made.submit([item(tokens=384)], caller=Caller("bulk"))
    # With this call its 7 s are four times the 1.75 s that are left.
    made.submit([item(tokens=64)], caller=Caller("bulk"))
    with pytest.raises(QueueFullError):
        made.submit([item(tokens=1)], caller=Caller("bulk"))


def test_an_answer_expected_at_the_last_moment_is_in_time() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=64, per_token=1 / 64)
    made.submit([item(tokens=640)], caller=Caller("bulk"))
    call = {"direct": 96}
    assert made.backlog.expected_seconds(call, Caller("single")) == 3
    made.check(call, Caller("single"), clock.now + 4)
    with pytest.raises(QueueFullError):
        made.check(call, Caller("single"), clock.now + 3.99)


def test_a_call_that_needs_all_the_time_it_has_waits_for_nobody() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=64, per_token=1 / 64)
    made.submit([item(tokens=64)])
    with pytest.raises(QueueFullError):
        made.check({"direct": 192}, Caller(""), clock.now + 4)
    # An idle engine could not answer this one in time either, so it is no overload.
    made.check({"direct": 193}, Caller(""), clock.now + 4)


def test_the_last_item_of_a_call_shares_its_batch_with_what_waits() -> None:
    made = scheduler(batch=100)
    assert made.backlog.expected_seconds({"direct": 20}, Caller("new")) == pytest.approx(0.2)
    made.submit([item(tokens=500)], caller=Caller("other"))
    assert made.backlog.expected_seconds({"direct": 20}, Caller("new")) == pytest.approx(1.0)


def test_another_model_takes_as_long_between_as_the_call_itself() -> None:
    made = scheduler(batch=100)
    assert made.backlog.expected_seconds({"direct": 50, "stilts": 50}, Caller("")) == pytest.approx(
        1.0
    )
    made.submit([item(tokens=100, model="direct")])
    assert made.backlog.expected_seconds({"stilts": 50}, Caller("")) == pytest.approx(1.0)
    assert made.backlog.expected_seconds({"stilts": 300}, Caller("")) == pytest.approx(4.0)


@pytest.mark.parametrize(("slower", "pace"), [(0.0, 0.25**0.2), (100.0, 4**0.2), (2.0, 2**0.2)])
def test_one_batch_moves_the_pace_by_a_bounded_step(slower: float, pace: float) -> None:
    clock = FakeClock()
    made = scheduler(clock)
    made.submit([item(tokens=50)])
    run(made, clock, slower=slower)
    made.submit([item(tokens=100)])
    assert made.waiting_seconds == pytest.approx(pace)


def test_a_batch_is_estimated_at_the_pace_of_the_moment_it_is_sealed() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    made.submit([item(tokens=100)])
    assert run(made, clock, slower=3.0).estimated_seconds == pytest.approx(1.0)
    made.submit([item(tokens=100)])
    assert sealed(made).estimated_seconds == pytest.approx(3.0**0.2)
