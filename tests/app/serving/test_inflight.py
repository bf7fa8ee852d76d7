"""Equal items run once, answers are kept, and each caller may leave without the others."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import (
    DeadlineExceededError,
    InferenceError,
)
from app.serving.answer import Answer, Ask
from app.telemetry.metrics import Metrics
from tests.app.serving.services import (
    ITEM,
    OTHER,
    BrokenEngine,
    CountingEngine,
    Model,
    ask,
    serving,
)


def cache_count(metrics: Metrics, result: str) -> float | None:
    labels = {"model": "direct", "result": result}
    return metrics.registry.get_sample_value("xcopa_cache_requests_total", labels)


@pytest.mark.anyio
async def test_without_a_cache_equal_items_run_each_time(model: Model) -> None:
    engine = CountingEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        for _ in range(3):
            await service.predict([ask()], timeout=10)
    assert engine.batches == [2, 2, 2]


@pytest.mark.anyio
async def test_a_kept_answer_is_given_again_without_the_engine(model: Model) -> None:
    engine, metrics = CountingEngine(answer=1.5), Metrics(["direct", "stilts"])
    served = Model("r", model.tokenizer, engine)
    async with serving(served, cache_bytes=100_000, metrics=metrics) as service:
        for reason in ("drained", "cache"):
            [answer] = await service.predict([ask()], timeout=10)
            assert isinstance(answer, Answer)
            assert answer.logits == (1.5, 1.5)
            assert answer.times.batch_reason == reason
    assert engine.batches == [2]
    assert [cache_count(metrics, result) for result in ("miss", "hit", "wait")] == [1, 1, 0]
    assert metrics.registry.get_sample_value("xcopa_cache_bytes", {}) != 0


@pytest.mark.anyio
async def test_equal_items_that_are_asked_at_once_run_once(model: Model) -> None:
    engine, metrics = CountingEngine(held=True), Metrics(["direct", "stilts"])
    served = Model("r", model.tokenizer, engine)
    async with serving(served, cache_bytes=100_000, metrics=metrics) as service:
        calls = [asyncio.create_task(service.predict([ask(), ask()], timeout=10)) for _ in range(5)]
        await asyncio.sleep(0.05)
        engine.may_run.set()
        answers = [answer for call in calls for answer in await call]
    assert len(answers) == 10
    assert all(isinstance(answer, Answer) for answer in answers)
    assert engine.batches == [2]
    assert [cache_count(metrics, result) for result in ("miss", "hit", "wait")] == [1, 0, 9]


@pytest.mark.anyio
async def test_who_asked_first_may_leave_and_the_others_still_get_the_answer(model: Model) -> None:
    engine = CountingEngine(held=True)
    served = Model("r", model.tokenizer, engine)
    async with serving(served, cache_bytes=100_000) as service:
        busy = asyncio.create_task(service.predict([ask(OTHER)], timeout=10))
        await asyncio.sleep(0.05)
        first = asyncio.create_task(service.predict([ask()], timeout=10))
        short = asyncio.create_task(service.predict([ask()], timeout=0.1))
        patient = asyncio.create_task(service.predict([ask()], timeout=10))
        await asyncio.sleep(0.02)
        first.cancel()
        [late] = await short
        assert isinstance(late, DeadlineExceededError)
        engine.may_run.set()
        [answer] = await patient
        assert isinstance(answer, Answer)
        await busy
    assert engine.batches == [2, 2]


@pytest.mark.anyio
async def test_a_failure_is_everybodys_and_is_not_kept(model: Model) -> None:
    served = Model("r", model.tokenizer, BrokenEngine())
    async with serving(served, cache_bytes=100_000) as service:
        calls = [service.predict([ask()], timeout=10) for _ in range(3)]
        for [outcome] in await asyncio.gather(*calls):
            assert isinstance(outcome, InferenceError)
        served.engine = CountingEngine()
        [outcome] = await service.predict([ask()], timeout=10)
        assert isinstance(outcome, InferenceError), "the broken engine is asked again"


@pytest.mark.anyio
async def test_the_same_text_to_both_models_gives_each_models_own_answer(model: Model) -> None:
    direct = Model("same", model.tokenizer, CountingEngine(answer=1.0))
    stilts = Model("same", model.tokenizer, CountingEngine(answer=2.0))
    async with serving(direct, other=stilts, cache_bytes=100_000) as service:
        for _ in range(2):
            answers = await service.predict([ask(), Ask(ITEM, "stilts")], timeout=10)
            logits = [answer.logits[0] for answer in answers if isinstance(answer, Answer)]
            assert logits == [1.0, 2.0]
