"""The service on a tiny real model: answers, errors, deadlines, admission, cancelling."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.engine.model import load_variant
from app.engine.tokenizer import CausalItem, PairTokenizer, Rows
from app.errors import (
    DeadlineExceededError,
    InferenceError,
    InvalidRequestError,
    OverloadedError,
    PayloadTooLargeError,
    TextTooLongError,
    UnavailableError,
)
from app.serving.scheduler import Limits
from app.serving.service import Answer, Ask, PredictionService, softmax
from app.serving.worker import Engine, Row
from app.telemetry.metrics import Metrics
from tests import tiny

ITEM = CausalItem("The street lights went out.", "A storm came.", "It was noon.", "cause")
BLANK = CausalItem("The street lights went out.", "\u3000", "It was noon.", "cause")
LONG = CausalItem("The street lights went out. " * 40, "A storm came.", "It was noon.", "cause")


@dataclass
class Model:
    """A served model whose engine a test may replace."""

    revision: str
    tokenizer: PairTokenizer
    engine: Engine


class HeldEngine:
    """Runs only when the test lets it."""

    def __init__(self) -> None:
        self.may_run = threading.Event()

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.may_run.wait(10)
        return [0.0] * len(rows)


class BrokenEngine:
    def logits(self, rows: Sequence[Row]) -> list[float]:
        raise RuntimeError("broken")


@pytest.fixture(scope="module")
def model(tiny_direct: Path) -> Model:
    variant = load_variant("direct", str(tiny_direct), embedded_base=lambda: tiny_direct)
    return Model(variant.revision, variant.tokenizer, variant.engine)


@asynccontextmanager
async def serving(
    model: Model, *, queue_tokens: int = 10_000
) -> AsyncIterator[PredictionService[Model]]:
    metrics = Metrics(["direct"])
    service = PredictionService({"direct": model}, Limits(1_000, queue_tokens), metrics)
    try:
        yield service
    finally:
        service.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


def ask(item: CausalItem = ITEM) -> Ask:
    return Ask(item, "direct")


def test_an_answer_has_a_label_probabilities_and_where_the_time_went(model: Model) -> None:
    async def test() -> None:
        async with serving(model) as service:
            [answer] = await service.predict([ask()], timeout=10)
            assert isinstance(answer, Answer)
            assert math.isclose(sum(answer.probabilities), 1)
            assert answer.label == answer.logits.index(max(answer.logits))
            assert answer.revision == model.revision
            assert min(answer.times.tokenise, answer.times.queue, answer.times.inference) >= 0

    run(test)


def test_bad_items_leave_their_neighbours_alone(model: Model) -> None:
    async def test() -> None:
        async with serving(model) as service:
            good, blank, long, other = await service.predict(
                [ask(), ask(BLANK), ask(LONG), ask()], timeout=10
            )
            assert isinstance(good, Answer)
            assert isinstance(other, Answer)
            assert good.logits == pytest.approx(other.logits, abs=1e-6)
            assert isinstance(blank, InvalidRequestError)
            assert [error.field for error in blank.errors] == ["choice1"]
            assert isinstance(long, TextTooLongError)
            assert f"{tiny.MAX_TOKENS} at most" in long.detail

    run(test)


def test_a_deadline_ends_the_waiting_also_while_the_engine_works(model: Model) -> None:
    async def test() -> None:
        engine = HeldEngine()
        async with serving(Model("r", model.tokenizer, engine)) as service:
            outcomes = await service.predict([ask(), ask()], timeout=0.05)
            engine.may_run.set()
            assert all(isinstance(outcome, DeadlineExceededError) for outcome in outcomes)

    run(test)


def test_a_model_that_fails_answers_with_an_error_and_serves_on(model: Model) -> None:
    async def test() -> None:
        broken = Model("r", model.tokenizer, BrokenEngine())
        async with serving(broken) as service:
            for _ in range(2):
                [outcome] = await service.predict([ask()], timeout=10)
                assert isinstance(outcome, InferenceError)

    run(test)


def test_a_full_queue_refuses_with_a_time_to_come_back(model: Model) -> None:
    async def test() -> None:
        engine = HeldEngine()
        held = Model("r", model.tokenizer, engine)
        async with serving(held, queue_tokens=200) as service:
            running = asyncio.create_task(service.predict([ask()], timeout=10))
            await asyncio.sleep(0.05)
            waiting = asyncio.create_task(service.predict([ask(), ask()], timeout=10))
            await asyncio.sleep(0.05)
            with pytest.raises(OverloadedError) as refused:
                await service.predict([ask(), ask()], timeout=10)
            assert int(refused.value.headers["Retry-After"]) >= 1
            engine.may_run.set()
            assert len(await running) + len(await waiting) == 3

    run(test)


def test_a_call_no_queue_could_hold_is_too_large(model: Model) -> None:
    async def test() -> None:
        async with serving(model, queue_tokens=100) as service:
            with pytest.raises(PayloadTooLargeError):
                await service.predict([ask()] * 10, timeout=10)

    run(test)


def test_draining_finishes_what_was_accepted_and_refuses_the_rest(model: Model) -> None:
    async def test() -> None:
        engine = HeldEngine()
        async with serving(Model("r", model.tokenizer, engine)) as service:
            accepted = asyncio.create_task(service.predict([ask()], timeout=10))
            await asyncio.sleep(0.05)
            service.drain()
            with pytest.raises(UnavailableError):
                await service.predict([ask()], timeout=10)
            assert not service.idle
            engine.may_run.set()
            [answer] = await accepted
            assert isinstance(answer, Answer)
            while not service.idle:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    run(test)


def test_a_caller_that_leaves_frees_its_place(model: Model) -> None:
    async def test() -> None:
        engine = HeldEngine()
        async with serving(Model("r", model.tokenizer, engine)) as service:
            first = asyncio.create_task(service.predict([ask()], timeout=10))
            await asyncio.sleep(0.05)
            leaving = asyncio.create_task(service.predict([ask()], timeout=10))
            await asyncio.sleep(0.05)
            assert service.waiting("direct")[0] == 1
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            assert service.waiting("direct")[0] == 0
            engine.may_run.set()
            await first

    run(test)


def test_every_item_is_counted_once_by_how_it_ended(model: Model) -> None:
    async def test() -> None:
        metrics = Metrics(["direct"])
        service = PredictionService({"direct": model}, Limits(1_000, 10_000), metrics)
        await service.predict([ask(), ask(BLANK)], timeout=10)
        service.drain()
        with pytest.raises(UnavailableError):
            await service.predict([ask()], timeout=10)
        service.close()

        def count(outcome: str) -> float | None:
            labels = {"model": "direct", "outcome": outcome}
            return metrics.registry.get_sample_value("xcopa_items_total", labels)

        ends = ("answered", "invalid", "rejected", "failed", "expired", "cancelled")
        assert [count(end) for end in ends] == [1, 1, 1, 0, 0, 0]

    run(test)


def test_softmax_is_stable_for_large_logits() -> None:
    assert softmax([1000.0, 1000.0]) == (0.5, 0.5)
    assert softmax([0.0, -1000.0])[0] == 1.0


class SlowTokenizer:
    """Holds the thread that tokenises until the test lets go."""

    def __init__(self, inner: PairTokenizer) -> None:
        self.inner = inner
        self.may_go_on = threading.Event()

    def encode(self, items: Sequence[CausalItem]) -> list[Rows | InvalidRequestError]:
        self.may_go_on.wait(60)  # longer than ``run`` allows a test
        return self.inner.encode(items)


def test_the_deadline_covers_the_time_before_the_queue(model: Model) -> None:
    async def test() -> None:
        slow = SlowTokenizer(model.tokenizer)
        async with serving(Model("r", slow, model.engine)) as service:  # type: ignore[arg-type]
            [outcome] = await service.predict([ask()], timeout=0.05)
            assert isinstance(outcome, DeadlineExceededError)
            slow.may_go_on.set()

    run(test)


def test_text_that_waits_to_be_tokenised_is_limited_too(model: Model) -> None:
    async def test() -> None:
        slow = SlowTokenizer(model.tokenizer)
        held = Model("r", slow, model.engine)  # type: ignore[arg-type]
        async with serving(held, queue_tokens=200) as service:
            first = asyncio.create_task(service.predict([ask(LONG)] * 6, timeout=10))
            await asyncio.sleep(0.05)
            with pytest.raises(OverloadedError):
                await service.predict([ask(LONG)], timeout=10)
            slow.may_go_on.set()
            assert len(await first) == 6
            assert len(await service.predict([ask(LONG)], timeout=10)) == 1

    run(test)
