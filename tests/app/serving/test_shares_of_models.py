"""Models that all have items waiting share the engine by weight, in time and not in items."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.serving.admission import AdmissionError, Limits
from app.serving.scheduler import Scheduler
from app.serving.work import Caller, ModelProfile, ServiceCurve, Ticket
from tests.app.serving.scheduling import FakeClock, admitted, item, run

CURVES = {
    "direct": ServiceCurve(0.01, 0.001),
    "stilts": ServiceCurve(0.01, 0.001),
    "mnli": ServiceCurve(0.02, 0.004),  # of a larger shape
}
WEIGHTS = [
    {"direct": 1, "stilts": 1, "mnli": 1},
    {"direct": 1, "stilts": 2, "mnli": 4},
    {"direct": 4, "stilts": 1, "mnli": 2},
    {"direct": 5, "stilts": 5, "mnli": 1},
]


def weighted(
    weights: Mapping[str, int], clock: FakeClock, *, queue: float = 10.0, engines: int = 1
) -> Scheduler[str]:
    profiles = {name: ModelProfile(256, CURVES[name], weight) for name, weight in weights.items()}
    return Scheduler(profiles, Limits(queue), clock, engines)


def off_by(seconds: Mapping[str, float], weights: Mapping[str, int]) -> float:
    """The largest part by which a model's share differs from what its weight says."""
    total, weight = sum(seconds.values()), sum(weights.values())
    return max(abs(taken / total / (weights[name] / weight) - 1) for name, taken in seconds.items())


@pytest.mark.parametrize("weights", WEIGHTS)
def test_clients_that_ask_again_when_they_are_answered(weights: dict[str, int]) -> None:
    clock = FakeClock()
    scheduler = weighted(weights, clock)
    for model in weights:
        for client in range(12):
            admitted(scheduler, [item(str(client), model=model, tokens=56)], Caller(str(client)))
    seconds = dict.fromkeys(weights, 0.0)
    for _ in range(1_500):
        batch = run(scheduler, clock)
        seconds[batch.model] += batch.expected_seconds
        for ticket in batch.tickets:
            admitted(scheduler, [item(model=batch.model, tokens=56)], Caller(ticket.payload))
    assert off_by(seconds, weights) < 0.05


@pytest.mark.parametrize("engines", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_callers_that_always_have_as_much_waiting_as_they_may(
    weights: dict[str, int], engines: int
) -> None:
    """Each floods a model of its own, so the queue is full, and some of it waits long."""
    clock = FakeClock()
    scheduler = weighted(weights, clock, engines=engines)
    seconds = dict.fromkeys(weights, 0.0)
    rounds = 3_000
    for number in range(rounds):
        asking = set(weights)
        while asking:
            for model in sorted(asking):
                try:
                    admitted(scheduler, [item(model=model, tokens=56)], Caller(f"of {model}"))
                except AdmissionError:
                    asking.remove(model)
        batch = run(scheduler, clock)
        seconds[batch.model] += batch.expected_seconds if number >= rounds / 2 else 0
    assert off_by(seconds, weights) < 0.05


def test_a_weight_reserves_nothing_for_a_model_that_nobody_asks() -> None:
    clock = FakeClock()
    scheduler = weighted({"direct": 1, "stilts": 1_000}, clock)
    admitted(scheduler, [item(str(n), tokens=56) for n in range(64)])
    given = [run(scheduler, clock).model for _ in range(14)]
    assert given == ["direct"] * 14


def test_a_model_of_little_weight_is_answered_within_its_longer_bound() -> None:
    """Its items are overdue after as many times the queue's length as its weight is less."""
    clock = FakeClock()
    scheduler = weighted({"direct": 1, "stilts": 100}, clock, queue=1.0)
    [victim] = admitted(scheduler, [item(tokens=56)])
    # A batch of direct was run before, so that stilts is behind it for a hundred times as long.
    while victim.waiting:
        while scheduler.waiting_seconds < 0.5:
            admitted(scheduler, [item(model="stilts", tokens=56)], Caller("flood"))
        run(scheduler, clock)
    assert victim.sealed_at is not None
    assert victim.sealed_at - victim.admitted_at < 100 * 1.0


def test_an_answer_is_expected_by_the_weights() -> None:
    """A model of more weight waits for less of what is queued for another one."""
    expected = {}
    for weights in ({"direct": 1, "stilts": 1}, {"direct": 1, "stilts": 4}):
        clock = FakeClock()
        scheduler = weighted(weights, clock)
        for n in range(20):
            admitted(scheduler, [item(str(n), tokens=256)], Caller(str(n)))
        expected[weights["stilts"]] = scheduler.backlog.expected_seconds(
            {"stilts": 1024}, Caller("another")
        )
    own = 4 * CURVES["stilts"].seconds(256)
    assert expected[1] == pytest.approx(2 * own)
    assert expected[4] == pytest.approx(1.25 * own)


def test_without_weights_the_bound_is_the_queues_length() -> None:
    scheduler = weighted({"direct": 1, "stilts": 1}, FakeClock(), queue=7.0)
    ticket: Ticket[str] = item()
    admitted(scheduler, [ticket])
    assert ticket.overdue_at == 7.0
    unlike = weighted({"direct": 1, "stilts": 3}, FakeClock(), queue=7.0)
    low, high = item(), item(model="stilts")
    admitted(unlike, [low, high])
    assert (low.overdue_at, high.overdue_at) == (21.0, 7.0)


def test_a_weight_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="weight must be at least 1"):
        ModelProfile(1, ServiceCurve(0, 1), 0)
