"""Long lists of choices on a tiny real model: exact, in turns, and with one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.engine.engine import Row
from app.engine.tokenizer import RankItem
from app.errors import (
    DeadlineExceededError,
    InferenceError,
    InvalidRequestError,
    PayloadTooLargeError,
    TextTooLongError,
)
from app.serving.answer import Answer, Ask
from app.serving.inflight import InFlightItem
from app.serving.parts import ROWS_A_PART, Parts, in_parts
from app.serving.service import PredictionService
from app.serving.work import Caller, Result
from app.telemetry.declared_requests import OUTCOMES
from app.telemetry.metrics import Metrics
from tests.app.serving.services import (
    ITEM,
    HeldEngine,
    Model,
    ask,
    serving,
)
from tests.engines import ColdEngine

CHOICES = tuple("It was " + "very " * number + "cold." for number in range(32))
MANY = RankItem(ITEM.premise, CHOICES, "cause")
pytestmark = pytest.mark.anyio


def many(choices: tuple[str, ...] = CHOICES) -> Ask:
    return Ask(RankItem(ITEM.premise, choices, "cause"), "direct")


def answers(outcomes: Sequence[object]) -> list[Answer]:
    assert all(isinstance(outcome, Answer) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Answer)]


# What is asked, and what is answered -----------------------------------------------------------


async def test_two_choices_have_the_logits_of_the_item_they_are(model: Model) -> None:
    async with serving(model) as service:
        ranked, predicted = answers(await service.predict([many(ITEM.choices), ask()], timeout=10))
    assert ranked.logits == predicted.logits
    assert ranked.probabilities == predicted.probabilities


@pytest.mark.parametrize("count", [2, 3, 31, 32])
async def test_every_choice_has_the_logit_it_has_alone(model: Model, count: int) -> None:
    async with serving(model) as service:
        [ranked] = answers(await service.predict([many(CHOICES[:count])], timeout=10))
    [rows] = model.tokenizer.encode([MANY])
    assert not isinstance(rows, InvalidRequestError)
    alone = [model.engine.logits([row])[0] for row in rows[:count]]
    assert ranked.logits == pytest.approx(alone, abs=1e-4)
    assert sum(ranked.probabilities) == pytest.approx(1)
    assert ranked.times.batch_reason == "drained"


async def test_every_bad_choice_is_named(model: Model) -> None:
    long = "very " * 400
    async with serving(model) as service:
        blank, too_long = await service.predict(
            [many(("It rained.", "\u3000", "It snowed.", " ")), many(("It rained.", long))],
            timeout=10,
        )
    assert isinstance(blank, InvalidRequestError)
    assert [error.field for error in blank.errors] == ["choices.1", "choices.3"]
    assert isinstance(too_long, TextTooLongError)
    assert [error.field for error in too_long.errors] == ["choices.1"]


async def test_kept_answers_are_shared_with_equal_items(model: Model) -> None:
    metrics = Metrics(["direct", "stilts"])
    async with serving(model, cache_bytes=100_000, metrics=metrics) as service:
        [first] = answers(await service.predict([ask()], timeout=10))
        [kept] = answers(await service.predict([many(ITEM.choices)], timeout=10))
    assert kept.logits == first.logits
    assert kept.times.batch_reason == "cache"


# Turns and limits ------------------------------------------------------------------------------


class NotingEngine(HeldEngine):
    """Notes the rows of each batch once the test lets it run."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[Row]] = []

    def logits(self, rows: Sequence[Row]) -> list[float]:
        answer = super().logits(rows)
        self.batches.append(list(rows))
        return answer


async def until_waiting(service: PredictionService[Model], tickets: int) -> None:
    """Return when exactly so many wait: what the engine holds does not."""
    async with asyncio.timeout(30):
        while service.waiting("direct")[0] != tickets:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_long_list_takes_turns_with_the_items_of_others(model: Model) -> None:
    """With a budget of one item a batch, a single item is next but one, not the seventeenth."""
    engine = NotingEngine()
    async with serving(Model("r", model.tokenizer, engine), batch_tokens=1) as service:
        long = asyncio.create_task(service.predict([many()], timeout=10, caller=Caller("long")))
        await until_waiting(service, 15)
        single = asyncio.create_task(service.predict([ask()], timeout=10, caller=Caller("single")))
        await until_waiting(service, 16)
        engine.may_run.set()
        answers([*await single, *await long])
    [rows] = model.tokenizer.encode([ITEM])
    assert not isinstance(rows, InvalidRequestError)
    assert engine.batches.index(list(rows)) <= 2
    assert max(map(len, engine.batches)) == ROWS_A_PART, "a batch holds no more than before"


async def test_a_list_costs_what_its_rows_cost(model: Model) -> None:
    [rows] = model.tokenizer.encode([MANY])
    tokens = sum(map(len, rows)) if not isinstance(rows, InvalidRequestError) else 0
    async with serving(model, queue_seconds=tokens / 100, per_token=0.01) as service:
        with pytest.raises(PayloadTooLargeError):
            await service.predict([many()], timeout=1_000)
        answers(await service.predict([many(CHOICES[:16])], timeout=1_000))


# One outcome -----------------------------------------------------------------------------------


class PoisonedEngine(ColdEngine):
    """Fails on one row and answers all others."""

    def __init__(self, poison: Row) -> None:
        self._poison = poison

    def logits(self, rows: Sequence[Row]) -> list[float]:
        if self._poison in rows:
            raise RuntimeError("poisoned")
        return [0.0] * len(rows)


async def test_a_list_with_one_poisoned_choice_fails_alone_and_as_a_whole(model: Model) -> None:
    [rows] = model.tokenizer.encode([MANY])
    assert not isinstance(rows, InvalidRequestError)
    metrics = Metrics(["direct", "stilts"])
    engine = PoisonedEngine(rows[17])
    async with serving(Model("r", model.tokenizer, engine), metrics=metrics) as service:
        bad, good, other = await service.predict([many(), ask(), many(CHOICES[:16])], timeout=10)
    assert isinstance(bad, InferenceError)
    assert len(answers([good, other])) == 2
    assert ended(metrics) == {"failed": 1, "answered": 2}


async def test_a_list_of_which_a_part_is_late_is_late(model: Model) -> None:
    engine = HeldEngine()
    metrics = Metrics(["direct", "stilts"])
    async with serving(Model("r", model.tokenizer, engine), metrics=metrics) as service:
        [outcome] = await service.predict([many()], timeout=0.05)
        engine.may_run.set()
    assert isinstance(outcome, DeadlineExceededError)
    assert ended(metrics) == {"expired": 1}


@pytest.mark.parametrize("cache_bytes", [0, 100_000])
async def test_a_list_that_is_cancelled_at_any_await_leaves_nothing_behind(
    model: Model, cache_bytes: int
) -> None:
    metrics = Metrics(["direct", "stilts"])
    begun = 0
    async with serving(model, cache_bytes=cache_bytes, metrics=metrics) as service:
        for steps in range(1, 40):
            call = asyncio.create_task(service.predict([many(), ask()], timeout=10))
            begun += 2
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        while not service.idle:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert service.waiting("direct") == (0, 0)
        answers(await service.predict([many()], timeout=10))
    assert sum(ended(metrics).values()) == begun + 1, "every ask ended exactly once"


def ended(metrics: Metrics) -> dict[str, float]:
    """Return how many items of the model ended in which way, of those that any ended in."""
    counts = {
        outcome: metrics.registry.get_sample_value(
            "xcopa_items_total", {"model": "direct", "outcome": outcome}
        )
        for outcome in OUTCOMES
    }
    return {outcome: count for outcome, count in counts.items() if count}


# Parts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "parts"), [(2, [2]), (3, [2, 1]), (5, [2, 2, 1]), (32, [2] * 16)])
def test_rows_are_parted_in_order(rows: int, parts: list[int]) -> None:
    whole = tuple((number,) for number in range(rows))
    parted = in_parts(whole)
    assert [len(part) for part in parted] == parts
    assert tuple(row for part in parted for row in part) == whole


def part(result: Result[InFlightItem] | None) -> InFlightItem:
    return InFlightItem(((0,), (1,)), result=result)


def test_the_outcome_is_that_of_all_parts() -> None:
    first = Result[InFlightItem]((1.0, 2.0), None, at=1.0)
    second = Result[InFlightItem]((3.0,), None, at=2.0)
    broken = Result[InFlightItem](None, ValueError("broken"), at=3.0)
    assert Parts([part(first), part(second)]).ended == "answered"
    assert Parts([part(first), part(second)]).logits == (1.0, 2.0, 3.0)
    assert Parts([part(first), part(None)]).ended is None
    assert Parts([part(first), part(None), part(broken)]).ended == "failed"
    assert Parts([part(first), part(broken)]).error is broken.error
    assert Parts([part(second), part(first)]).slowest.result is second
    assert Parts([part(second), part(None), part(first)]).slowest.result is None
