"""The service on a tiny real model: answers, errors, deadlines, admission, cancelling."""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections.abc import Sequence

import pytest

from app.engine.seats import OneSeat
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
from app.serving.answer import Answer, Ask
from app.serving.service import REPLACEMENT_S
from app.telemetry.declared_requests import OUTCOMES
from app.telemetry.metrics import Metrics
from tests import tiny
from tests.app.serving.services import (
    BLANK,
    ITEM,
    LONG,
    BrokenEngine,
    CountingEngine,
    HeldEngine,
    Model,
    ask,
    serving,
)


@pytest.mark.anyio
async def test_an_answer_has_a_label_probabilities_and_where_the_time_went(model: Model) -> None:
    async with serving(model) as service:
        [answer] = await service.predict([ask()], timeout=10)
        assert isinstance(answer, Answer)
        assert math.isclose(sum(answer.probabilities), 1)
        assert answer.label == answer.logits.index(max(answer.logits))
        assert answer.revision == model.revision
        assert min(answer.times.tokenise, answer.times.queue, answer.times.inference) >= 0


@pytest.mark.anyio
async def test_bad_items_leave_their_neighbours_alone(model: Model) -> None:
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


@pytest.mark.anyio
async def test_a_deadline_ends_the_waiting_also_while_the_engine_works(model: Model) -> None:
    engine = HeldEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        outcomes = await service.predict([ask(), ask()], timeout=0.05)
        engine.may_run.set()
        assert all(isinstance(outcome, DeadlineExceededError) for outcome in outcomes)


@pytest.mark.anyio
async def test_a_model_that_fails_answers_with_an_error_and_serves_on(model: Model) -> None:
    broken = Model("r", model.tokenizer, BrokenEngine())
    async with serving(broken) as service:
        for _ in range(2):
            [outcome] = await service.predict([ask()], timeout=10)
            assert isinstance(outcome, InferenceError)


@pytest.mark.anyio
async def test_a_full_queue_refuses_with_a_time_to_come_back(model: Model) -> None:
    engine = HeldEngine()
    held = Model("r", model.tokenizer, engine)
    async with serving(held, queue_seconds=2.5) as service:
        running = asyncio.create_task(service.predict([ask()], timeout=10))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(service.predict([ask(), ask()], timeout=10))
        await asyncio.sleep(0.05)
        with pytest.raises(OverloadedError) as refused:
            await service.predict([ask(), ask()], timeout=10)
        assert int(refused.value.headers["Retry-After"]) >= 1
        engine.may_run.set()
        assert len(await running) + len(await waiting) == 3


@pytest.mark.anyio
async def test_a_call_no_queue_could_hold_is_too_large(model: Model) -> None:
    async with serving(model, queue_seconds=1) as service:
        with pytest.raises(PayloadTooLargeError):
            await service.predict([ask()] * 10, timeout=10)


@pytest.mark.anyio
async def test_draining_finishes_what_was_accepted_and_refuses_the_rest(model: Model) -> None:
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


@pytest.mark.anyio
async def test_a_caller_that_leaves_frees_its_place(model: Model) -> None:
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


@pytest.mark.anyio
async def test_every_item_is_counted_once_by_how_it_ended(model: Model) -> None:
    metrics = Metrics(["direct", "stilts"])
    async with serving(model, metrics=metrics) as service:
        await service.predict([ask(), ask(BLANK)], timeout=10)
        service.drain()
        with pytest.raises(UnavailableError):
            await service.predict([ask()], timeout=10)

    def count(outcome: str) -> float | None:
        labels = {"model": "direct", "outcome": outcome}
        return metrics.registry.get_sample_value("xcopa_items_total", labels)

    ends = ("answered", "invalid", "rejected", "failed", "expired", "cancelled")
    assert [count(end) for end in ends] == [1, 1, 1, 0, 0, 0]


class SlowTokenizer:
    """Holds the thread that tokenises until the test lets go."""

    def __init__(self, inner: PairTokenizer) -> None:
        self.inner = inner
        self.may_go_on = threading.Event()

    def encode(self, items: Sequence[CausalItem]) -> list[Rows | InvalidRequestError]:
        self.may_go_on.wait(60)  # longer than ``run`` allows a test
        return self.inner.encode(items)


@pytest.mark.anyio
async def test_the_deadline_covers_the_time_before_the_queue(model: Model) -> None:
    slow = SlowTokenizer(model.tokenizer)
    async with serving(Model("r", slow, model.engine)) as service:  # type: ignore[arg-type]
        for outcome in await service.predict([ask(LONG)] * 2, timeout=0.05):
            assert isinstance(outcome, DeadlineExceededError)
            assert "to be tokenised" in outcome.detail
        slow.may_go_on.set()


@pytest.mark.anyio
async def test_text_that_waits_to_be_tokenised_is_limited_too(model: Model) -> None:
    slow = SlowTokenizer(model.tokenizer)
    held = Model("r", slow, model.engine)  # type: ignore[arg-type]
    async with serving(held, queue_seconds=2.5) as service:
        first = asyncio.create_task(service.predict([ask(LONG)] * 6, timeout=10))
        await asyncio.sleep(0.05)
        with pytest.raises(OverloadedError):
            await service.predict([ask(LONG)] * 2, timeout=10)
        slow.may_go_on.set()
        assert len(await first) == 6
        assert len(await service.predict([ask(LONG)] * 2, timeout=10)) == 2


# Deadlines ------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_late_answer_says_how_long_it_waited_and_where(model: Model) -> None:
    engine = HeldEngine()
    async with serving(Model("r", model.tokenizer, engine), per_token=1e-6) as service:
        first = asyncio.create_task(service.predict([ask()], timeout=0.1))
        await asyncio.sleep(0.05)
        waiting = await service.predict([ask()], timeout=0.2)
        held = await first
        engine.may_run.set()
        details = [
            outcome.detail for outcome in (*held, *waiting) if not isinstance(outcome, Answer)
        ]
        assert "had not finished it" in details[0]
        assert re.search(r"within 200 ms: it waited [12]\d\d ms in the queue", details[1])


@pytest.mark.anyio
async def test_what_is_late_or_abandoned_while_it_waits_never_reaches_the_engine(
    model: Model,
) -> None:
    engine = CountingEngine(held=True)
    async with serving(Model("r", model.tokenizer, engine)) as service:
        first = asyncio.create_task(service.predict([ask()], timeout=10))
        await asyncio.sleep(0.05)
        late = asyncio.create_task(service.predict([ask()], timeout=0.05))
        gone = asyncio.create_task(service.predict([ask()], timeout=10))
        await late
        gone.cancel()
        await asyncio.wait([gone])
        engine.may_run.set()
        await first
        await service.predict([ask()], timeout=10)
        assert engine.batches == [2, 2], "the first item and the last"


# A cancellation at every point ----------------------------------------------------------------


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("cache_bytes", [0, 100_000])
@pytest.mark.parametrize("text", [ITEM, LONG], ids=["on the loop", "in the pool"])
@pytest.mark.anyio
async def test_a_call_that_is_cancelled_at_any_await_leaves_nothing_behind(
    model: Model, text: CausalItem, cache_bytes: int
) -> None:
    """Cancelled after each number of steps of the loop, from before the first to after the last."""

    metrics = Metrics(["direct", "stilts"])
    asked = 0
    async with serving(model, cache_bytes=cache_bytes, metrics=metrics) as service:
        for wait in [*range(12), 0.001, 0.003, 0.01, 0.03]:
            call = asyncio.create_task(service.predict([ask(text), ask()], timeout=10))
            asked += 2
            await (steps(wait) if isinstance(wait, int) else asyncio.sleep(wait))
            begun = wait != 0
            call.cancel()
            await asyncio.wait([call])
            asked -= 0 if begun else 2
        while not service.idle:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert service.waiting("direct") == (0, 0)
        [answer] = await service.predict([ask()], timeout=10)
        assert isinstance(answer, Answer)
    ends = sum(
        metrics.registry.get_sample_value(
            "xcopa_items_total", {"model": "direct", "outcome": outcome}
        )
        or 0
        for outcome in OUTCOMES
    )
    assert ends == asked + 1, "every item ended exactly once"


# The watchdog ---------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_stuck_engine_fails_what_waits_and_the_service_comes_back_with_it(
    model: Model,
) -> None:
    engine = HeldEngine()
    async with serving(
        Model("r", model.tokenizer, engine), watchdog_seconds=0.2, per_token=1e-6
    ) as service:
        assert service.moving
        calls = [asyncio.create_task(service.predict([ask()], timeout=20)) for _ in range(3)]
        for [outcome] in await asyncio.gather(*calls):
            assert isinstance(outcome, UnavailableError)
            assert int(outcome.headers["Retry-After"]) >= 1
        assert not service.moving
        with pytest.raises(UnavailableError):
            await service.predict([ask()], timeout=10)
        engine.may_run.set()
        while not service.moving:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        [answer] = await service.predict([ask()], timeout=10)
        assert isinstance(answer, Answer)


@pytest.mark.parametrize(("seconds", "moves"), [(REPLACEMENT_S, True), (math.inf, False)])
@pytest.mark.anyio
async def test_it_is_ready_while_its_only_engine_is_replaced_and_not_much_longer(
    model: Model, monkeypatch: pytest.MonkeyPatch, seconds: float, moves: bool
) -> None:
    async with serving(model) as service:
        monkeypatch.setattr(OneSeat, "seconds_without_engine", seconds)
        assert service.moving is moves


@pytest.mark.anyio
async def test_closing_does_not_wait_for_an_engine_that_is_stuck(model: Model) -> None:
    engine = HeldEngine()
    async with serving(Model("r", model.tokenizer, engine)) as service:
        await service.predict([ask()], timeout=0.05)
    engine.may_run.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.anyio
async def test_a_dead_worker_thread_is_replaced(model: Model) -> None:
    engine = CountingEngine(deaths=1)
    metrics = Metrics(["direct", "stilts"])
    async with serving(
        Model("r", model.tokenizer, engine), watchdog_seconds=0.2, metrics=metrics
    ) as service:
        [lost] = await service.predict([ask()], timeout=10)
        assert isinstance(lost, InferenceError)
        [answer] = await service.predict([ask()], timeout=10)
        assert isinstance(answer, Answer)
        assert service.moving
    assert metrics.registry.get_sample_value("xcopa_worker_restarts_total") == 1


# Tokenising -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_two_models_that_read_alike_share_one_tokenisation(model: Model) -> None:
    counted = CountingTokenizer(model.tokenizer)
    both = Model("r", counted, model.engine)  # type: ignore[arg-type]
    async with serving(both) as service:
        answers = await service.predict([ask(), Ask(ITEM, "stilts")], timeout=10)
        assert all(isinstance(answer, Answer) for answer in answers)
    assert counted.items == [ITEM]


class CountingTokenizer:
    def __init__(self, inner: PairTokenizer) -> None:
        self.items: list[CausalItem] = []
        self._inner = inner

    def encode(self, items: Sequence[CausalItem]) -> list[Rows | InvalidRequestError]:
        self.items += items
        return self._inner.encode(items)
