"""The words and numbers that reach a caller whose call is refused, fails, or is given up."""

from __future__ import annotations

import asyncio

import pytest

from app.engine.tokenizer import RankItem
from app.errors import (
    InferenceError,
    OverloadedError,
    PayloadTooLargeError,
    ServiceError,
    UnavailableError,
)
from app.serving.admission import (
    AdmissionError,
    CallTooLargeError,
    DrainingError,
    HaltedError,
    QueueFullError,
)
from app.serving.answer import Answer, Ask
from app.serving.inflight import DRAINING_RETRY_AFTER, STUCK_RETRY_AFTER, _refusal
from app.serving.service import LEAST_ROW_TOKENS, _least_tokens
from tests.app.serving.services import ITEM, BrokenEngine, HeldEngine, Model, ask, serving

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (QueueFullError("full", 2.5), OverloadedError("full", retry_after=2.5)),
        (CallTooLargeError("large"), PayloadTooLargeError("large; send fewer items a call")),
        (HaltedError("halted"), UnavailableError("halted", retry_after=STUCK_RETRY_AFTER)),
        (DrainingError("leaving"), UnavailableError("leaving", retry_after=DRAINING_RETRY_AFTER)),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_a_call_that_is_not_admitted_is_told_why_and_when_to_ask_again(
    error: AdmissionError, told: ServiceError
) -> None:
    refusal = _refusal(error)
    assert type(refusal) is type(told)
    assert vars(refusal) == vars(told)


async def test_an_item_on_which_the_model_failed_is_told_where_the_cause_is(model: Model) -> None:
    async with serving(Model("r", model.tokenizer, BrokenEngine())) as service:
        [outcome] = await service.predict([ask()], timeout=10)
    assert isinstance(outcome, InferenceError)
    assert outcome.detail == "the model failed on this item; the service's log has the cause"


async def test_an_item_that_is_given_up_is_told_that_the_service_stopped(model: Model) -> None:
    engine = HeldEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        call = asyncio.create_task(service.predict([ask()], timeout=10))
        await asyncio.sleep(0.05)
        service.give_up()
        [outcome] = await call
        engine.may_run.set()
    assert isinstance(outcome, UnavailableError)
    assert outcome.detail == "the service stopped before it could answer this item"
    assert outcome.retry_after == DRAINING_RETRY_AFTER


async def test_an_item_of_a_stuck_engine_is_told_so(model: Model) -> None:
    engine = HeldEngine()
    served = Model("r", model.tokenizer, engine)
    async with serving(served, per_token=1e-6, watchdog_seconds=0.1) as service:
        [outcome] = await service.predict([ask()], timeout=10)
        engine.may_run.set()
    assert isinstance(outcome, UnavailableError)
    assert outcome.detail == "the engine is stuck; the service answers nothing until it continues"
    assert outcome.retry_after == STUCK_RETRY_AFTER


async def test_an_answer_names_the_model_that_gave_it(model: Model) -> None:
    async with serving(model) as service:
        answers = await service.predict([Ask(ITEM, "stilts"), Ask(ITEM, "direct")], timeout=10)
    assert [each.model for each in answers if isinstance(each, Answer)] == ["stilts", "direct"]


async def test_the_durations_of_an_answer_are_no_times_of_day(model: Model) -> None:
    async with serving(model) as service:
        [answer] = await service.predict([ask()], timeout=10)
    assert isinstance(answer, Answer)
    times = answer.times
    assert all(0 <= each < 10 for each in (times.tokenise, times.queue, times.inference))


async def test_the_least_that_a_call_can_have_counts_each_models_choices() -> None:
    triple = RankItem("It rained.", ("a", "b", "c"), "effect")
    asks = [Ask(ITEM, "direct"), Ask(triple, "direct"), Ask(ITEM, "stilts")]
    assert _least_tokens(asks) == {"direct": 5 * LEAST_ROW_TOKENS, "stilts": 2 * LEAST_ROW_TOKENS}
