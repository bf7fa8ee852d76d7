"""The life of a process: refusing while it loads, warm without being counted, ready, drained."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from app.engine.encoder import PackedEncoder
from app.engine.engine import Row
from app.engine.tokenizer import CausalItem
from app.errors import StartError, UnavailableError
from app.runtime import Runtime, State
from app.serving.admission import Limits
from app.serving.answer import Answer, Ask
from app.serving.calibration import BudgetRule
from app.serving.service import ServiceOptions
from app.telemetry.declared_process import START_PHASES as PHASES
from app.telemetry.metrics import Metrics
from app.weights.variant import Variant, load_variants
from tests.app.telemetry.scraping import value

ITEM = CausalItem("The lights went out.", "A storm came.", "It was noon.", "cause")
MODELS = ("direct", "stilts")


def runtime(
    load: Callable[[], Mapping[str, Variant]],
    metrics: Metrics,
    batch_tokens: int | None = 1_000,
) -> Runtime:
    return Runtime(load, ServiceOptions(Limits(100)), metrics, budget=BudgetRule(batch_tokens))


@pytest.fixture(scope="module")
def variants(tiny_direct: Path, tiny_stilts: Path) -> dict[str, Variant]:
    sources = {"direct": str(tiny_direct), "stilts": str(tiny_stilts)}
    return load_variants(sources, Path())


def computed_by(metrics: Metrics, model: str) -> list[tuple[str, str, str]]:
    """Device, precision and threads of each revision of a model."""
    [family] = [each for each in metrics.registry.collect() if each.name == "xcopa_model_info"]
    return [
        (each.labels["device"], each.labels["precision"], each.labels["threads"])
        for each in family.samples
        if each.labels["model"] == model
    ]


def test_it_refuses_while_it_loads_and_answers_after(variants: dict[str, Variant]) -> None:
    async def test() -> None:
        may_load = threading.Event()
        metrics = Metrics(MODELS)

        def load() -> Mapping[str, Variant]:
            may_load.wait(10)
            return variants

        made = runtime(load, metrics)
        starting = asyncio.create_task(made.start())
        await asyncio.sleep(0.02)
        assert (made.ready, made.started) == (False, False)
        with pytest.raises(UnavailableError, match="loading"):
            _ = made.service
        may_load.set()
        await starting
        assert (made.ready, made.started) == (True, True)
        counted = metrics.registry.get_sample_value(
            "xcopa_items_total", {"model": "direct", "outcome": "answered"}
        )
        assert counted == 0, "the warm-up is no item of anybody's"
        assert computed_by(metrics, "direct") == [("cpu", "fp32", "1")]
        took = [value(metrics, "xcopa_start_duration_seconds", phase=each) for each in PHASES]
        assert all(took), "each part of the start takes time"
        [answer] = await made.service.predict([Ask(ITEM, "direct")], timeout=10)
        assert isinstance(answer, Answer)
        assert await made.drain(delay=0, grace=5)
        assert made.state is State.DRAINING
        assert not made.ready
        with pytest.raises(UnavailableError, match="shutting down"):
            await made.service.predict([Ask(ITEM, "direct")], timeout=10)
        await made.stop()

    asyncio.run(test())


def test_a_model_that_cannot_be_loaded_is_the_reason_it_does_not_start() -> None:
    def load() -> Mapping[str, Variant]:
        raise StartError("XCOPA_MODELS__DIRECT: no such model")

    async def test() -> None:
        made = runtime(load, Metrics(MODELS))
        with pytest.raises(StartError, match="no such model"):
            await made.start()
        assert not made.started
        assert await made.drain(delay=0, grace=0)
        await made.stop()

    asyncio.run(test())


def test_it_is_not_ready_before_it_stops_admitting(variants: dict[str, Variant]) -> None:
    async def test() -> None:
        made = runtime(lambda: variants, Metrics(MODELS))
        await made.start()
        draining = asyncio.create_task(made.drain(delay=0.3, grace=5))
        await asyncio.sleep(0.05)
        assert made.state is State.LEAVING
        assert not made.ready
        [answer] = await made.service.predict([Ask(ITEM, "stilts")], timeout=10)
        assert isinstance(answer, Answer)
        assert await draining
        await made.stop()

    asyncio.run(test())


def test_what_is_left_when_the_grace_is_over_is_told_so(variants: dict[str, Variant]) -> None:
    class Slow:
        def logits(self, rows: Sequence[Row]) -> list[float]:
            held.wait(10)
            return [0.0] * len(rows)

        def warm_up(self) -> None:
            """Nothing to warm."""

    held = threading.Event()
    held.set()
    slow = {
        name: dataclasses.replace(variant, engine=cast("PackedEncoder", Slow()))
        for name, variant in variants.items()
    }

    async def test() -> None:
        made = runtime(lambda: slow, Metrics(MODELS))
        await made.start()
        held.clear()
        calls = [
            asyncio.create_task(made.service.predict([Ask(ITEM, "direct")], timeout=10))
            for _ in range(3)
        ]
        await asyncio.sleep(0.05)
        assert not await made.drain(delay=0, grace=0.05)
        for [outcome] in await asyncio.gather(*calls):
            assert isinstance(outcome, UnavailableError)
            assert "before it could answer" in outcome.detail
        held.set()
        await made.stop()

    asyncio.run(test())


def test_a_process_that_is_told_to_stop_does_not_wait_for_models_to_load() -> None:
    held = threading.Event()

    def load() -> Mapping[str, Variant]:
        held.wait(30)
        raise StartError("nobody waits for this any more")

    async def test() -> None:
        made = runtime(load, Metrics(MODELS))
        starting = asyncio.create_task(made.start())
        await asyncio.sleep(0.02)
        assert await made.drain(delay=0, grace=30)
        starting.cancel()
        await made.stop()

    asyncio.run(test())
    assert not held.is_set(), "the loop has closed while the loader still worked"
    held.set()


def test_a_budget_that_is_set_stands_and_one_that_is_not_is_measured(
    variants: dict[str, Variant],
) -> None:
    async def test(batch_tokens: int | None) -> None:
        metrics = Metrics(MODELS)
        made = runtime(lambda: variants, metrics, batch_tokens)
        await made.start()
        await made.stop()
        for name, served in made.served.items():
            sizes = {sample.tokens for sample in served.calibration.samples}
            budget = served.calibration.profile.batch_tokens
            assert budget == batch_tokens or budget in sizes
            said = metrics.registry.get_sample_value("xcopa_batch_token_budget", {"model": name})
            assert said == budget

    asyncio.run(test(None))
    asyncio.run(test(777))


def test_models_of_one_shape_are_measured_once_and_another_shape_by_itself(
    variants: dict[str, Variant],
) -> None:
    class Counted:
        def __init__(self, variant: Variant) -> None:
            self.batches = 0
            self._logits = variant.engine.logits

        def logits(self, rows: Sequence[Row]) -> list[float]:
            self.batches += 1
            return list(self._logits(rows))

        def warm_up(self) -> None:
            """Nothing to warm."""

    async def batches(shapes: Mapping[str, str]) -> dict[str, int]:
        engines = {name: Counted(variant) for name, variant in variants.items()}
        made = runtime(
            lambda: {
                name: dataclasses.replace(
                    variant, shape=shapes[name], engine=cast("PackedEncoder", engines[name])
                )
                for name, variant in variants.items()
            },
            Metrics(MODELS),
        )
        await made.start()
        await made.stop()
        first, second = (made.served[name].calibration for name in MODELS)
        assert (first is second) == (shapes["direct"] == shapes["stilts"])
        return {name: engine.batches for name, engine in engines.items()}

    assert variants["direct"].shape == variants["stilts"].shape
    alike = asyncio.run(batches({"direct": "one", "stilts": "one"}))
    assert min(alike.values()) == 1, "the question that each model has to answer, and no more"
    assert max(alike.values()) > 1
    different = asyncio.run(batches({"direct": "one", "stilts": "another"}))
    assert min(different.values()) > 1
