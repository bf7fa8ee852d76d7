"""What makes the next batch, who goes first, and who leaves before that."""

from __future__ import annotations

import pytest

from app.serving.admission import Limits
from app.serving.scheduler import Scheduler
from app.serving.work import Caller, ModelProfile, Outcome, Reason, ServiceCurve
from tests.app.serving.scheduling import MODELS, FakeClock, admitted, item, names, scheduler, sealed

# Composing ------------------------------------------------------------------------------------


def test_an_idle_engine_gets_a_lone_item_at_once() -> None:
    made = scheduler()
    made.submit([item("lone")])
    assert names(sealed(made)) == ["lone"]


def test_a_batch_is_composed_when_the_engine_can_take_it_not_before() -> None:
    made = scheduler()
    made.submit([item("first")])
    running = sealed(made)
    made.submit([item("second")])
    made.submit([item("third")])
    made.finish(running)
    assert names(sealed(made)) == ["second", "third"]


def test_a_batch_never_exceeds_the_token_budget() -> None:
    made = scheduler(batch=100)
    made.submit([item("a", tokens=40), item("b", tokens=60), item("c", tokens=10)])
    assert names(sealed(made)) == ["a", "b"]


def test_an_item_above_the_budget_travels_alone_instead_of_waiting_for_ever() -> None:
    made = scheduler(batch=50)
    made.submit([item("huge", tokens=60)])
    made.submit([item("small")])
    assert names(sealed(made)) == ["huge"]


def test_two_models_never_share_a_batch() -> None:
    made = scheduler()
    made.submit([item("d", model="direct"), item("s", model="stilts")])
    assert {tuple(names(sealed(made))), tuple(names(sealed(made)))} == {("d",), ("s",)}


def test_max_wait_lets_items_gather_until_the_budget_or_the_time_is_reached() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=40, max_wait=0.5)
    made.submit([item("one")])
    assert made.seal() is None
    assert made.next_due() == clock.now + 0.5
    made.submit([item("two")])
    assert names(sealed(made)) == ["one", "two"]
    made.submit([item("three")])
    clock.now += 0.5
    assert names(sealed(made)) == ["three"]


def test_an_item_that_waits_for_company_leaves_in_time_for_its_deadline() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=100, max_wait=10)
    made.submit([item("hurried", tokens=50, deadline=clock.now + 2)])
    assert made.seal() is None
    assert made.next_due() == pytest.approx(clock.now + 1.5)
    clock.now += 1.5
    assert sealed(made).reason is Reason.DEADLINE


def test_every_batch_has_a_reason() -> None:
    clock = FakeClock()
    made = scheduler(clock, batch=40)
    made.submit([item(), item(), item()])
    assert [sealed(made).reason, sealed(made).reason] == [Reason.BUDGET, Reason.DRAINED]
    made.submit([item(), item()])
    assert sealed(made).reason is Reason.BUDGET, "it is full, and nothing is left"
    patient = scheduler(clock, batch=40, max_wait=1)
    patient.submit([item()])
    clock.now += 1
    assert sealed(patient).reason is Reason.MAX_WAIT
    patient.submit([item()])
    patient.drain()
    assert sealed(patient).reason is Reason.DRAINED


# Fairness -------------------------------------------------------------------------------------


def test_a_call_of_64_does_not_keep_a_single_item_of_the_same_caller_waiting() -> None:
    made = scheduler()
    made.submit([item(f"bulk{number}") for number in range(64)])
    made.seal()
    made.submit([item("single")])
    assert "single" in names(sealed(made))


def test_many_calls_of_one_caller_do_not_keep_another_caller_waiting() -> None:
    made = scheduler()
    for number in range(100):
        made.submit([item(f"bulk{number}")], caller=Caller("bulk"))
    made.seal()
    made.submit([item("single")], caller=Caller("single"))
    assert "single" in names(sealed(made))[:2]


def test_callers_that_always_wait_get_the_same_whatever_they_send_at_once() -> None:
    made = scheduler(queue=10_000)
    for number in range(64):
        made.submit([item("small", tokens=10) for _ in range(4)], caller=Caller("small"))
        made.submit([item("large", tokens=40)], caller=Caller("large"))
        made.submit(
            [item("middle", tokens=20) for _ in range(number % 3 + 1)], caller=Caller("middle")
        )
    given = {"small": 0, "large": 0, "middle": 0}
    for _ in range(20):
        for ticket in sealed(made).tickets:
            given[ticket.caller.name] += ticket.tokens
    assert max(given.values()) - min(given.values()) <= 80


def test_a_caller_that_was_idle_has_no_claim_on_the_past() -> None:
    made = scheduler(batch=20)
    for _ in range(50):
        made.submit([item()], caller=Caller("steady"))
        made.seal()
    made.submit([item("n1"), item("n2"), item("n3")], caller=Caller("new"))
    made.submit([item("steady")], caller=Caller("steady"))
    assert "steady" in names(sealed(made)) + names(sealed(made))


def test_a_flood_on_one_model_leaves_the_other_its_turn() -> None:
    made = scheduler()
    for number in range(64):
        made.submit([item(f"flood{number}", model="direct")])
    made.seal()
    made.submit([item("other", model="stilts")])
    assert names(sealed(made)) == ["other"]


def test_models_share_the_engine_by_time_and_not_by_tokens() -> None:
    clock = FakeClock()
    profiles = {
        "direct": ModelProfile(100, ServiceCurve(0, 0.03)),
        "stilts": ModelProfile(100, ServiceCurve(0, 0.01)),
    }
    made: Scheduler[str] = Scheduler(profiles, Limits(10_000), clock)
    for model in MODELS:
        made.submit([item(model=model, tokens=100) for _ in range(40)])
    order = [sealed(made).model for _ in range(20)]
    assert order.count("stilts") == 15


def test_a_model_that_was_idle_has_no_claim_on_the_past() -> None:
    made = scheduler(batch=20)
    for _ in range(50):
        made.submit([item(model="direct")])
        made.seal()
    made.submit([item("s1", model="stilts"), item("s2", model="stilts"), item("d", model="direct")])
    assert "d" in names(sealed(made)) + names(sealed(made))


def test_callers_that_come_once_are_forgotten() -> None:
    made = scheduler()
    for number in range(5_000):
        made.submit([item()], caller=Caller(str(number)))
        made.finish(sealed(made))
    assert len(made.backlog.queues["direct"]._callers) < 1_100


# Leaving --------------------------------------------------------------------------------------


def test_expired_items_never_reach_the_engine() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    [late] = admitted(made, [item("late", deadline=clock.now + 1)])
    made.submit([item("patient")])
    clock.now += 1
    assert names(sealed(made)) == ["patient"]
    assert late.outcome is Outcome.EXPIRED


def test_cancelled_items_never_reach_the_engine_and_free_their_room() -> None:
    made = scheduler(queue=1)
    [gone, _] = admitted(made, [item("gone", tokens=40), item("stays")])
    assert made.cancel(gone)
    made.submit([item("takes the room", tokens=40)])
    assert set(names(sealed(made))) == {"stays", "takes the room"}


def test_a_queue_full_of_cancelled_items_does_not_grow() -> None:
    made = scheduler()
    for _ in range(1000):
        [ticket] = admitted(made, [item()])
        made.cancel(ticket)
    assert len(made.backlog.queues["direct"]._waiting) == 0


def test_an_item_that_expired_while_it_ran_keeps_that_outcome() -> None:
    made = scheduler()
    [ticket] = admitted(made, [item()])
    batch = sealed(made)
    assert made.expire_one(ticket)
    made.finish(batch)
    assert ticket.outcome is Outcome.EXPIRED


def test_an_item_the_engine_holds_can_leave_after_its_caller_was_forgotten() -> None:
    """It raised KeyError, and a watchdog that met it never resumed."""
    made = scheduler()
    for number in range(1_100):
        made.submit([item()], caller=Caller(str(number)))
        made.finish(sealed(made))
    [held] = admitted(made, [item()], caller=Caller("held"))
    batch = sealed(made)
    made.submit([item()], caller=Caller("one more, which has the idle ones forgotten"))
    made.backlog.queues["direct"]._forget_idle()
    assert made.cancel(held)
    made.fail_all()
    made.finish(batch)
    assert held.outcome is Outcome.CANCELLED


def test_an_extended_deadline_keeps_an_item_alive() -> None:
    clock = FakeClock()
    made = scheduler(clock)
    [ticket] = admitted(made, [item("shared", deadline=clock.now + 1)])
    made.extend(ticket, clock.now + 3)
    clock.now += 2
    assert made.expire() == []
    made.extend(ticket, clock.now)
    clock.now += 0.5
    assert names(sealed(made)) == ["shared"]
    [other] = admitted(made, [item("other", deadline=clock.now + 1)])
    made.extend(other, clock.now + 3)
    clock.now += 3
    assert made.expire() == [other]


def test_only_items_that_wait_for_company_are_due_later() -> None:
    busy = scheduler(max_wait=0.0)
    busy.submit([item()])
    assert busy.next_due() is None
    patient = scheduler(max_wait=0.5)
    assert patient.next_due() is None


def test_items_that_wait_are_counted_by_model() -> None:
    made = scheduler()
    made.submit([item(model="direct"), item(model="direct"), item(model="stilts")])
    assert (made.waiting_items(), made.waiting_items("direct"), made.waiting_items("stilts")) == (
        3,
        2,
        1,
    )
