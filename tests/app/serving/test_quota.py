"""What a caller may still ask for: looked at before the work, counted when it is queued."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from app.errors import OverloadedError, RateLimitedError
from app.serving.answer import Answer, Ask
from app.serving.tokenising import SHORT_CALL_CHARACTERS
from app.telemetry.metrics import Metrics
from tests.app.serving.services import BLANK, ITEM, LONG, HeldEngine, Model, ask, serving

pytestmark = pytest.mark.anyio


@dataclass
class Purse:
    """A quota that lets calls pass until it has been spent."""

    left: int
    spent: list[int] = field(default_factory=list)
    checks: int = 0

    def check(self) -> None:
        self.checks += 1
        if sum(self.spent) >= self.left:
            raise RateLimitedError("spent", retry_after=3)

    def spend(self, tokens: int) -> None:
        self.spent.append(tokens)


def tokens(model: Model, *asks: Ask) -> int:
    rows = model.tokenizer.encode([each.item for each in asks])
    return sum(len(row) for each in rows if isinstance(each, tuple) for row in each)


async def test_the_tokens_of_all_rows_are_counted_and_wrong_items_cost_nothing(
    model: Model,
) -> None:
    purse = Purse(10**6)
    async with serving(model) as service:
        await service.predict([ask()], 10, quota=purse)
        await service.predict([ask(), ask(BLANK), ask()], 10, quota=purse)
    one = tokens(model, ask())
    assert purse.spent == [one, 2 * one]


async def test_a_call_that_is_refused_for_its_quota_is_not_read_and_is_counted(
    model: Model,
) -> None:
    metrics = Metrics(["direct", "stilts"])
    async with serving(model, metrics=metrics) as service:
        with pytest.raises(RateLimitedError):
            await service.predict([ask(), ask(LONG)], 10, quota=Purse(0))
    labels = {"model": "direct", "outcome": "rejected"}
    assert metrics.registry.get_sample_value("xcopa_items_total", labels) == 2


async def test_a_call_that_the_queue_refuses_costs_nothing(model: Model) -> None:
    model = Model(model.revision, model.tokenizer, HeldEngine())
    purse = Purse(10**6)
    async with serving(model, queue_seconds=1, per_token=0.001) as service:
        running = [asyncio.ensure_future(service.predict([ask()], 10)) for _ in range(40)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await service.predict([ask()] * 4, 10, quota=purse)
        assert isinstance(model.engine, HeldEngine)
        model.engine.may_run.set()
        await asyncio.gather(*running, return_exceptions=True)
    assert purse.spent == []


async def test_calls_that_are_tokenised_meanwhile_do_not_all_pass(model: Model) -> None:
    """Each is looked at again when it is queued, since others may have spent what was left."""
    long = [ask()] * (SHORT_CALL_CHARACTERS // 40)
    purse = Purse(1)
    async with serving(model, queue_seconds=10_000) as service:
        calls = [service.predict(long, 30, quota=purse) for _ in range(8)]
        ended = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in ended if isinstance(each, RateLimitedError)]
    assert (len(refused), len(purse.spent)) == (7, 1)


async def test_an_answer_from_the_cache_is_counted_too(model: Model) -> None:
    """What a call costs its caller does not depend on what others asked before."""
    purse = Purse(10**6)
    async with serving(model, cache_bytes=100_000) as service:
        for _ in range(2):
            [answered] = await service.predict([ask(ITEM)], 10, quota=purse)
            assert isinstance(answered, Answer)
    assert purse.spent == [tokens(model, ask())] * 2
