"""What waits and what runs, in seconds, at the pace that the machine has of late."""

from __future__ import annotations

import pytest

from app.serving.backlog import Backlog
from app.serving.work import ANYBODY, Batch, Caller, ModelProfile, Reason, ServiceCurve, Ticket
from tests.app.serving.scheduling import FakeClock

ANN, BOB = Caller("ann"), Caller("bob")

PROFILES = {
    "direct": ModelProfile(100, ServiceCurve(fixed=0.5, per_token=0.01)),
    "stilts": ModelProfile(100, ServiceCurve(fixed=1.0, per_token=0.02)),
}
"""A full batch takes 1.5 s on one model, and 3 s on the other."""


class Bench:
    """A backlog on a clock that stands still until a test moves it."""

    def __init__(self, engines: int = 1) -> None:
        self.clock = FakeClock()
        self.backlog: Backlog[str] = Backlog(PROFILES, self.clock, engines)

    def wait(self, tokens: int, model: str = "direct", caller: Caller = ANYBODY) -> Ticket[str]:
        """Queue an item."""
        ticket = Ticket(model, tokens, "", caller=caller)
        self.backlog.queues[model].add([ticket])
        return ticket

    def begin(self, *tickets: Ticket[str], expected: float = 2.0) -> Batch[str]:
        """Hand waiting items to the engine."""
        for ticket in tickets:
            self.backlog.queues[ticket.model].take(ticket, self.clock())
        tokens = sum(ticket.tokens for ticket in tickets)
        batch = Batch("direct", tickets, tokens, self.clock(), Reason.DRAINED, expected)
        self.backlog.begin(batch)
        return batch


def test_it_is_idle_only_while_nothing_waits_and_nothing_runs() -> None:
    bench = Bench()
    assert bench.backlog.idle
    ticket = bench.wait(10, "stilts")
    assert not bench.backlog.idle
    batch = bench.begin(ticket)
    assert not bench.backlog.idle
    bench.backlog.end(batch, learn=False)
    assert bench.backlog.idle


def test_what_waits_and_what_runs_are_told_apart_over_all_models() -> None:
    bench = Bench()
    tickets = [bench.wait(10, model) for model in ("direct", "stilts", "direct", "stilts")]
    batches = [bench.begin(tickets[0]), bench.begin(tickets[1])]
    assert set(bench.backlog.running()) == set(tickets[:2])
    assert set(bench.backlog.waiting()) == set(tickets[2:])
    bench.backlog.end(batches[0], learn=True)
    assert list(bench.backlog.running()) == [tickets[1]]


def test_tokens_cost_what_the_curve_of_their_model_says_and_none_cost_nothing() -> None:
    backlog = Bench().backlog
    assert backlog.seconds("direct", 0) == 0
    assert backlog.seconds("direct", 100) == pytest.approx(1.5)
    assert backlog.seconds("stilts", 100) == pytest.approx(3.0)
    assert backlog.seconds("direct", 101) == pytest.approx(2 * 0.5 + 1.01)


def test_what_waits_is_added_up_over_the_models_and_of_each_caller() -> None:
    bench = Bench()
    bench.wait(100, "direct", ANN)
    bench.wait(50, "direct", BOB)
    bench.wait(100, "stilts", BOB)
    assert bench.backlog.waiting_seconds == pytest.approx((1.0 + 1.5) + 3.0)
    assert bench.backlog.waiting_seconds_of(ANN) == pytest.approx(1.5)
    assert bench.backlog.waiting_seconds_of(BOB) == pytest.approx(1.0 + 3.0)
    assert bench.backlog.waiting_seconds_of(ANYBODY) == 0


def test_a_batch_that_took_longer_makes_all_that_waits_dearer() -> None:
    bench = Bench()
    batch = bench.begin(bench.wait(100), expected=2.0)
    bench.clock.now += 4.0
    bench.backlog.end(batch, learn=True)
    pace = 2.0**0.2
    assert bench.backlog.pace == pytest.approx(pace)
    bench.wait(100, "stilts")
    assert bench.backlog.waiting_seconds == pytest.approx(3.0 * pace)


def test_a_batch_in_which_something_failed_teaches_nothing() -> None:
    """Its halves were run again, so its time says nothing of the machine."""
    bench = Bench()
    batch = bench.begin(bench.wait(100))
    bench.clock.now += 50.0
    bench.backlog.end(batch, learn=False)
    assert bench.backlog.pace == 1
    assert bench.backlog.idle


def test_batches_that_take_as_long_as_expected_at_the_pace_leave_it_as_it_is() -> None:
    bench = Bench()
    bench.backlog.pace = 3.0
    batch = bench.begin(bench.wait(100), expected=2.0)
    bench.clock.now += 6.0
    bench.backlog.end(batch, learn=True)
    assert bench.backlog.pace == pytest.approx(3.0)


def test_what_runs_has_the_rest_of_its_time_left_and_never_less_than_nothing() -> None:
    bench = Bench()
    assert bench.backlog.running_seconds() == 0
    bench.begin(bench.wait(100), expected=2.0)
    bench.clock.now += 0.5
    bench.begin(bench.wait(100), expected=4.0)
    assert bench.backlog.running_seconds() == pytest.approx(1.5 + 4.0)
    bench.clock.now += 2.0
    assert bench.backlog.running_seconds() == pytest.approx(0.0 + 2.0)
    bench.backlog.pace = 2.0
    assert bench.backlog.running_seconds() == pytest.approx((4.0 - 2.5) + (8.0 - 2.0))


def test_a_call_to_an_idle_engine_takes_as_long_as_its_own_batches() -> None:
    backlog = Bench().backlog
    assert backlog.expected_seconds({"direct": 50}, ANN) == pytest.approx(1.0)
    assert backlog.expected_seconds({"direct": 250}, ANN) == pytest.approx(3 * 0.5 + 2.5)


def test_a_call_waits_for_what_runs() -> None:
    bench = Bench()
    bench.begin(bench.wait(100), expected=2.0)
    assert bench.backlog.expected_seconds({"direct": 50}, ANN) == pytest.approx(2.0 + 1.0)


def test_a_call_shares_its_last_batch_with_what_waits_and_is_behind_its_callers_items() -> None:
    bench = Bench()
    bench.wait(500, caller=BOB)
    # Twenty tokens and as many of the other caller's; the batch is filled with the rest.
    assert bench.backlog.expected_seconds({"direct": 20}, ANN) == pytest.approx(1.5)
    # All that waits is the caller's own, so there is nothing that could fill the sixth batch.
    assert bench.backlog.expected_seconds({"direct": 20}, BOB) == pytest.approx(6 * 0.5 + 5.2)


def test_engines_share_what_is_ahead_and_the_last_batch_takes_its_whole_time_on_one() -> None:
    """Only its share of the time of all was counted: answers came half a batch too late."""
    bench = Bench(engines=2)
    bench.wait(400, caller=BOB)
    # Two batches at a time take 1.5 s, twice; then 20 tokens take 0.7 s.
    assert bench.backlog.expected_seconds({"direct": 20}, BOB) == pytest.approx(1.5 + 1.5 + 0.7)
    # Another caller's are in the first batch, which is full.
    assert bench.backlog.expected_seconds({"direct": 20}, ANN) == pytest.approx(1.5)


def test_another_model_takes_no_more_of_the_time_than_the_call_and_than_it_has_work() -> None:
    bench = Bench()
    bench.wait(100, "stilts", BOB)
    assert bench.backlog.expected_seconds({"direct": 50}, ANN) == pytest.approx(1.0 + 1.0)
    assert bench.backlog.expected_seconds({"direct": 400}, ANN) == pytest.approx(6.0 + 3.0)


def test_a_call_to_two_models_takes_as_long_as_the_slower_and_counts_for_the_other() -> None:
    backlog = Bench().backlog
    # 1.0 s and 2.0 s alone; each waits for the other's turn as well.
    assert backlog.expected_seconds({"direct": 50, "stilts": 50}, ANN) == pytest.approx(3.0)
    assert backlog.expected_seconds({"stilts": 50, "direct": 50}, ANN) == pytest.approx(3.0)


def test_a_call_without_tokens_takes_what_runs() -> None:
    bench = Bench()
    bench.begin(bench.wait(100), expected=2.0)
    assert bench.backlog.expected_seconds({}, ANN) == pytest.approx(2.0)


def test_the_load_is_what_waits_and_how_long_batches_were_at_work() -> None:
    bench = Bench(engines=2)
    first = bench.begin(bench.wait(10))
    bench.clock.now += 3
    bench.begin(bench.wait(10))
    bench.wait(100)
    bench.clock.now += 1
    load = bench.backlog.load
    assert (load.busy_seconds, load.engines) == (5, 2)
    assert load.waiting_seconds == pytest.approx(bench.backlog.waiting_seconds)
    bench.backlog.end(first, learn=False)
    bench.clock.now += 2
    assert bench.backlog.load.busy_seconds == 7
