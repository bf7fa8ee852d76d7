"""Models are replaced while calls go on: each call stays with the models that let it in."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from app.engine.encoder import PackedEncoder
from app.engine.engine import Row
from app.engine.tokenizer import CausalItem
from app.errors import NoRoomError, ServiceError, StartError, UnavailableError
from app.runtime import Runtime
from app.serving.admission import Limits
from app.serving.answer import Answer, Ask
from app.serving.calibration import BudgetRule
from app.serving.service import ServiceOptions
from app.telemetry.metrics import Metrics
from app.weights.variant import Variant, load_variants
from tests.app.telemetry.scraping import value
from tests.engines import ColdEngine

pytestmark = pytest.mark.anyio

ITEM = CausalItem("The lights went out.", "A storm came.", "It was noon.", "cause")
MODELS = ("direct", "stilts")
LIMIT_S = 30


class Says(ColdEngine):
    """Answers each row with its number; while ``held`` is clear, it waits."""

    def __init__(self, number: float) -> None:
        self.number = number
        self.held = threading.Event()
        self.held.set()
        self.entered = threading.Event()

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.entered.set()
        assert self.held.wait(LIMIT_S)
        return [self.number] * len(rows)


@pytest.fixture(scope="module")
def variants(tiny_direct: Path, tiny_stilts: Path) -> dict[str, Variant]:
    return load_variants({"direct": str(tiny_direct), "stilts": str(tiny_stilts)}, Path())


Make = Callable[..., dict[str, Variant]]


@pytest.fixture
def make(variants: dict[str, Variant]) -> Make:
    """Makes models of a revision that answer with a number."""

    def made(
        number: float, names: Sequence[str] = MODELS, engine: Says | None = None
    ) -> dict[str, Variant]:
        saying = cast("PackedEncoder", engine or Says(number))
        like = variants["direct"]
        return {
            name: dataclasses.replace(like, revision=f"r{number:g}", engine=saying)
            for name in names
        }

    return made


@pytest.fixture(autouse=True)
def _collected_by_counting_alone() -> Iterator[None]:
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


async def started(models: Mapping[str, Variant], cache_bytes: int = 0) -> tuple[Runtime, Metrics]:
    metrics = Metrics(models)
    options = ServiceOptions(Limits(100), cache_bytes=cache_bytes)
    made = Runtime(lambda: models, options, metrics, budget=BudgetRule(1_000))
    await made.start()
    return made, metrics


async def ask(runtime: Runtime, model: str = "direct", item: CausalItem = ITEM) -> Answer:
    with runtime.answering() as service:
        [answer] = await service.predict([Ask(item, model)], timeout=LIMIT_S)
    assert isinstance(answer, Answer), answer
    return answer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - threads do not set its events
            await asyncio.sleep(0.005)


async def test_a_call_is_answered_by_the_models_that_let_it_in(make: Make) -> None:
    old = Says(1)
    runtime, metrics = await started(make(1, engine=old))
    old.entered.clear()
    old.held.clear()
    early = asyncio.create_task(ask(runtime))
    await asyncio.to_thread(old.entered.wait, LIMIT_S)
    waiting = asyncio.create_task(
        ask(runtime, item=dataclasses.replace(ITEM, premise="It rained."))
    )
    await asyncio.sleep(0)
    changing = asyncio.create_task(runtime.replace(lambda: make(2)))
    await until(lambda: runtime.served["direct"].variant.revision == "r2")
    assert (await ask(runtime)).revision == "r2", "whoever comes now is answered at once"
    assert runtime.ready
    assert not changing.done(), "the old models live while calls are with them"
    assert value(metrics, "xcopa_generations") == 2
    old.held.set()
    for answer in (await early, await waiting):
        assert (answer.revision, answer.logits) == ("r1", (1, 1))
    await changing
    assert value(metrics, "xcopa_generations") == 1
    await runtime.stop()


async def test_a_call_whose_texts_are_still_tokenised_is_not_refused(make: Make) -> None:
    runtime, _ = await started(make(1))
    reading, may_read = threading.Event(), threading.Event()
    inner = runtime.service._tokenising._encode

    def slow(asked: Sequence[object]) -> object:
        reading.set()
        assert may_read.wait(LIMIT_S)
        return inner(asked)  # type: ignore[arg-type]

    runtime.service._tokenising._encode = slow  # type: ignore[method-assign,assignment]
    long = CausalItem("It rained. " * 20, "The street is wet. " * 2, "It is dry.", "effect")
    asks = [Ask(dataclasses.replace(long, choice2=f"It is {n}."), "direct") for n in range(20)]

    async def call() -> list[Answer | ServiceError]:
        with runtime.answering() as service:
            return await service.predict(asks, timeout=LIMIT_S)

    early = asyncio.create_task(call())
    await asyncio.to_thread(reading.wait, LIMIT_S)
    changing = asyncio.create_task(runtime.replace(lambda: make(2)))
    await until(lambda: runtime.served["direct"].variant.revision == "r2")
    await asyncio.sleep(0.1)
    may_read.set()
    outcomes = await early
    assert {each.revision for each in outcomes if isinstance(each, Answer)} == {"r1"}
    assert len(outcomes) == len(asks)
    await changing
    await runtime.stop()


async def test_no_answer_of_the_old_models_is_taken_from_a_cache(make: Make) -> None:
    runtime, _ = await started(make(1), cache_bytes=100_000)
    for number in (1, 2, 3):
        assert (await ask(runtime)).logits == (number, number)
        assert (await ask(runtime)).times.batch_reason == "cache"
        await runtime.replace(lambda: make(number + 1))  # noqa: B023 - called before it goes on
    await runtime.stop()


async def test_models_that_come_and_go_are_known_by_name_and_in_the_metrics(make: Make) -> None:
    runtime, metrics = await started(make(1))
    await runtime.replace(lambda: make(2, ("direct", "mnli")))
    assert runtime.names == ("direct", "mnli")
    assert (await ask(runtime, "mnli")).model == "mnli"
    assert value(metrics, "xcopa_items_total", model="mnli", outcome="answered") == 1
    assert value(metrics, "xcopa_queue_items", model="mnli") == 0
    assert value(metrics, "xcopa_items_total", model="stilts", outcome="answered") == 0
    assert value(metrics, "xcopa_queue_items", model="stilts") is None
    assert value(metrics, "xcopa_batch_token_budget", model="stilts") is None
    [family] = [each for each in metrics.registry.collect() if each.name == "xcopa_model_info"]
    assert {(s.labels["model"], s.labels["revision"]) for s in family.samples} == {
        ("direct", "r2"),
        ("mnli", "r2"),
    }
    await runtime.replace(lambda: make(3))
    assert value(metrics, "xcopa_queue_items", model="stilts") == 0
    await runtime.stop()


async def test_nothing_of_the_old_models_is_kept(make: Make) -> None:
    """Also of the first ones, which garbage collection passes over; here it does not run at all."""
    models = make(1)
    runtime, _ = await started(models, cache_bytes=100_000)
    runtime._load = dict
    for number in (2, 3):
        kept = weakref.ref(models["direct"])
        await ask(runtime)
        models = make(number)
        await runtime.replace(partial(dict, models))
        assert (await ask(runtime)).revision == f"r{number}"
        # The thread that has loaded the new ones may still be about to end.
        await until(lambda: kept() is None)  # noqa: B023 - called before it goes on
    await runtime.stop()


@pytest.mark.parametrize(
    "error", [StartError("direct: no such model"), NoRoomError("no room"), RuntimeError("a defect")]
)
async def test_models_that_cannot_be_loaded_change_nothing(make: Make, error: Exception) -> None:
    def fail() -> Mapping[str, Variant]:
        raise error

    def wrong() -> Mapping[str, Variant]:
        return make(float("nan"))

    runtime, metrics = await started(make(1))
    with pytest.raises(type(error), match=str(error)):
        await runtime.replace(fail)
    with pytest.raises(StartError, match="not finite"):
        await runtime.replace(wrong)
    assert runtime.ready
    assert (await ask(runtime)).revision == "r1"
    assert value(metrics, "xcopa_generations") == 1
    await runtime.stop()


async def test_told_to_stop_it_does_not_wait_for_what_is_loaded_beside(make: Make) -> None:
    may_load = threading.Event()

    def load() -> Mapping[str, Variant]:
        assert may_load.wait(LIMIT_S)
        return make(2)

    runtime, _ = await started(make(1))
    changing = asyncio.create_task(runtime.replace(load))
    await asyncio.sleep(0.02)
    assert await runtime.drain(delay=0, grace=LIMIT_S)
    with pytest.raises(UnavailableError, match="shutting down"):
        await changing
    with pytest.raises(UnavailableError, match="shutting down"):
        await runtime.replace(load)
    assert runtime.served["direct"].variant.revision == "r1"
    may_load.set()
    await runtime.stop()


async def test_told_to_stop_it_finishes_the_calls_of_the_old_models_too(make: Make) -> None:
    old = Says(1)
    runtime, _ = await started(make(1, engine=old))
    old.held.clear()
    early = asyncio.create_task(ask(runtime))
    await asyncio.sleep(0.02)
    changing = asyncio.create_task(runtime.replace(lambda: make(2)))
    await until(lambda: runtime.served["direct"].variant.revision == "r2")
    draining = asyncio.create_task(runtime.drain(delay=0, grace=LIMIT_S))
    await asyncio.sleep(0.1)
    assert not draining.done()
    old.held.set()
    assert (await early).revision == "r1"
    assert await draining
    await changing
    await runtime.stop()
