"""Items that no caller waits for: answered as any other, counted as none, and never in the way."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.engine.tokenizer import CausalItem
from app.serving.answer import Answer
from app.telemetry.metrics import Metrics
from tests.app.serving.services import BLANK, OTHER, CountingEngine, HeldEngine, Model, ask, serving

LIMIT_S = 10


@pytest.mark.anyio
async def test_it_is_answered_as_a_callers_item_is(model: Model) -> None:
    async with serving(model, other=Model("other", model.tokenizer, model.engine)) as service:
        [expected] = await service.predict([ask()], LIMIT_S)
        found = await service.answer_aside(ask(), LIMIT_S)
    assert isinstance(expected, Answer)
    assert isinstance(found, Answer)
    assert found.logits == pytest.approx(expected.logits, abs=1e-6)
    assert (found.label, found.model, found.revision) == (expected.label, "direct", model.revision)
    assert found.times.batch_reason == "aside"
    assert found.times.tokenise == 0
    assert min(found.times.queue, found.times.inference) >= 0


@pytest.mark.anyio
async def test_it_is_no_item_of_anybodys(model: Model) -> None:
    metrics = Metrics(["direct", "stilts"])
    async with serving(model, metrics=metrics) as service:
        assert await service.answer_aside(ask(), LIMIT_S) is not None
    labels = {"model": "direct", "outcome": "answered"}
    assert metrics.registry.get_sample_value("xcopa_items_total", labels) == 0
    assert metrics.registry.get_sample_value("xcopa_batch_rows_count", {"model": "direct"}) == 1


@pytest.mark.anyio
async def test_it_is_dropped_while_an_engine_is_busy(model: Model) -> None:
    engine = HeldEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        running = asyncio.create_task(service.predict([ask()], LIMIT_S))
        while service.idle or service.waiting("direct")[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert await service.answer_aside(ask(OTHER), LIMIT_S) is None
        engine.may_run.set()
        await running


@pytest.mark.anyio
@pytest.mark.parametrize("item", [BLANK, CausalItem("word " * 600, "A storm.", "Noon.", "cause")])
async def test_a_text_that_cannot_be_read_is_dropped(model: Model, item: CausalItem) -> None:
    engine = CountingEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        assert await service.answer_aside(ask(item), LIMIT_S) is None
    assert not engine.batches


@pytest.mark.anyio
async def test_it_is_dropped_when_its_time_is_over(model: Model) -> None:
    engine = HeldEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        began = time.monotonic()
        assert await service.answer_aside(ask(), 0.05) is None
        assert time.monotonic() - began >= 0.05
        engine.may_run.set()
