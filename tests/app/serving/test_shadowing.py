"""Shadows are asked what another model was asked, when nobody waits, and nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

import pytest

from app.errors import InferenceError
from app.model_settings.variant_settings import Shadow
from app.serving.answer import Answer, Ask
from app.serving.service import PredictionService
from app.serving.shadowing import Shadowing
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
from tests.app.telemetry.scraping import value

pytestmark = pytest.mark.anyio

SHADOWS = {"stilts": Shadow("direct", 0.5)}
RESULTS = ("agree", "differ", "dropped")
LIMIT_S = 30


class LabelEngine(CountingEngine):
    """Chooses the label that it is told."""

    label = 0

    def logits(self, rows: object) -> list[float]:
        super().logits(rows)  # type: ignore[arg-type]
        return [1.0, 0.0] if self.label == 0 else [0.0, 1.0]


@asynccontextmanager
async def shadowed(
    model: Model, engine: CountingEngine, chance: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[tuple[PredictionService[Model], Shadowing, Metrics]]:
    """``stilts`` is the shadow of ``direct``, which answers 0."""
    metrics = Metrics(("direct", "stilts"))
    direct = Model("d", model.tokenizer, LabelEngine())
    async with serving(direct, other=Model("s", model.tokenizer, engine), metrics=metrics) as made:
        yield made, Shadowing(SHADOWS, lambda: nullcontext(made), metrics, chance), metrics


def counted(metrics: Metrics, question: str = "cause") -> dict[str, float]:
    series = "xcopa_shadow_items_total"
    found = {
        each: value(metrics, series, model="stilts", question=question, result=each)
        for each in RESULTS
    }
    return {each: count for each, count in found.items() if count}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - threads do not set its events
            await asyncio.sleep(0.005)


async def test_agreement_is_counted_and_nothing_else_of_the_shadow_s_items(model: Model) -> None:
    engine = LabelEngine()
    async with shadowed(model, engine) as (service, shadowing, metrics):
        for label, question, expected in ((0, "cause", "agree"), (1, "effect", "differ")):
            engine.label = label
            asks = [ask(ITEM if question == "cause" else OTHER)]
            outcomes = await service.predict(asks, timeout=10)
            shadowing.consider(asks, outcomes)
            await until(lambda: bool(counted(metrics, question)))  # noqa: B023
            assert counted(metrics, question) == {expected: 1}
        assert engine.batches == [2, 2]
    for outcome in ("answered", "expired", "failed", "rejected"):
        assert value(metrics, "xcopa_items_total", model="stilts", outcome=outcome) == 0
    assert value(metrics, "xcopa_items_total", model="direct", outcome="answered") == 2


async def test_the_share_and_what_was_answered_decide_which_items_are_taken(model: Model) -> None:
    draws: Iterator[float] = iter([0.49, 0.5])
    async with shadowed(model, LabelEngine(), lambda: next(draws)) as (service, shadowing, metrics):
        [answer] = await service.predict([ask()], timeout=10)
        shadowing.consider([ask(), ask(), Ask(ITEM, "stilts")], [answer, answer, answer])
        shadowing.consider([ask()], [InferenceError("failed")])
        await until(lambda: bool(counted(metrics)))
        await asyncio.sleep(0.05)
        assert counted(metrics) == {"agree": 1}
        assert list(draws) == [], "nothing is drawn for what is not of the model, or has no answer"


async def test_while_engines_work_the_shadow_is_dropped(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LabelEngine()
    async with shadowed(model, engine) as (service, shadowing, metrics):
        [answer] = await service.predict([ask()], timeout=10)
        direct = service.models["direct"].engine
        assert isinstance(direct, LabelEngine)
        direct.may_run.clear()
        waiting = asyncio.create_task(service.predict([ask(OTHER)], timeout=10))
        await until(lambda: not service.idle)
        await asyncio.sleep(0.05)
        with monkeypatch.context() as patched:
            patched.setattr(service._tokenising, "rows", None)
            shadowing.consider([ask()], [answer])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert counted(metrics) == {"dropped": 1}, "at once, and before its texts are read"
        direct.may_run.set()
        [later] = await waiting
        assert isinstance(later, Answer)
        assert engine.batches == []


async def test_one_item_at_a_time_is_asked_and_the_others_are_dropped(model: Model) -> None:
    engine = LabelEngine(held=True)
    async with shadowed(model, engine) as (service, shadowing, metrics):
        [answer] = await service.predict([ask()], timeout=10)
        shadowing.consider([ask()] * 3, [answer] * 3)
        assert counted(metrics) == {"dropped": 2}
        engine.may_run.set()
        await until(lambda: counted(metrics) == {"dropped": 2, "agree": 1})


async def test_a_shadow_that_fails_or_is_refused_is_dropped_and_harms_nobody(model: Model) -> None:
    broken = Model("s", model.tokenizer, BrokenEngine())
    metrics = Metrics(("direct", "stilts"))
    async with serving(model, other=broken, metrics=metrics) as service:
        entered = 0

        @contextmanager
        def answering() -> Iterator[PredictionService[Model]]:
            nonlocal entered
            entered += 1
            try:
                yield service
            finally:
                entered -= 1

        shadowing = Shadowing(SHADOWS, answering, metrics, lambda: 0.0)
        [answer] = await service.predict([ask()], timeout=10)
        shadowing.consider([ask()], [answer])
        await until(lambda: counted(metrics) == {"dropped": 1})
        assert entered == 0
        [again] = await service.predict([ask()], timeout=10)
        assert isinstance(again, Answer)
        service.drain()
        shadowing.consider([ask()], [answer])
        await until(lambda: counted(metrics) == {"dropped": 2})
        assert entered == 0
