"""Refusals are counted by reason, and what was not answered by the stage in which it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import pytest

from app.errors import (
    OverloadedError,
    RateLimitedError,
    ServiceError,
    UnavailableError,
)
from app.serving.admission import DrainingError, QueueFullError, TooLateError
from app.serving.answer import Ask
from app.serving.endings import reason_of, stage_of
from app.serving.service import PredictionService
from app.serving.work import Ticket
from app.telemetry.metrics import Metrics
from tests.app.serving.services import HeldEngine, Model, ask, serving

pytestmark = pytest.mark.anyio

Service = PredictionService[Model]


def caused(error: ServiceError, cause: Exception) -> ServiceError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (caused(OverloadedError("", retry_after=1), QueueFullError("", 1)), "queue_full"),
        (caused(OverloadedError("", retry_after=1), TooLateError("", 1)), "deadline"),
        (caused(UnavailableError("", retry_after=1), DrainingError()), "draining"),
        (RateLimitedError("", retry_after=1), "key_limit"),
        (OverloadedError("", retry_after=1), "tokenising"),
        (ServiceError(""), "other"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_refusal_has_a_reason(error: ServiceError, reason: str) -> None:
    assert reason_of(error) == reason


def test_an_item_is_in_the_stage_that_it_has_reached() -> None:
    ticket = Ticket("m", 1, None)
    assert stage_of(None) == "tokenise"
    assert stage_of(ticket) == "queue"
    ticket.sealed_at = 1.0
    assert stage_of(ticket) == "inference"


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def after(model: Model, what: Callable[[Service], Awaitable[object]]) -> Metrics:
    """Hold the engine with one item, then have something happen to the others."""
    engine, metrics = HeldEngine(), Metrics(["direct", "stilts"])
    async with serving(Model("r", model.tokenizer, engine), metrics=metrics) as service:
        first = asyncio.create_task(service.predict([ask()], timeout=10))
        at_work = partial(metrics.registry.get_sample_value, "xcopa_engine_states")
        await until(lambda: bool(at_work({"state": "busy"})))
        await until(lambda: not service.waiting("direct")[0])
        await what(service)
        engine.may_run.set()
        with suppress(asyncio.CancelledError):
            await first
    return metrics


def counted(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"model": "direct", **labels})


async def test_an_item_that_expires_in_the_queue_is_counted_there(model: Model) -> None:
    metrics = await after(model, lambda service: service.predict([ask()], timeout=0.01))
    assert counted(metrics, "xcopa_expiries_total", stage="queue") == 1
    assert counted(metrics, "xcopa_expiries_total", stage="inference") == 0


async def test_an_item_that_is_left_in_the_queue_is_counted_there(model: Model) -> None:
    async def leave(service: Service) -> None:
        call = asyncio.create_task(service.predict([ask()], timeout=10))
        await until(lambda: bool(service.waiting("direct")[0]))
        call.cancel()
        await asyncio.wait([call])

    metrics = await after(model, leave)
    assert counted(metrics, "xcopa_cancellations_total", stage="queue") == 1


async def test_a_refused_call_is_counted_with_its_reason(model: Model) -> None:
    async def drain(service: Service) -> None:
        service.drain()
        with suppress(UnavailableError):
            await service.predict([ask(), ask()], timeout=10)

    metrics = await after(model, drain)
    assert counted(metrics, "xcopa_refusals_total", reason="draining") == 2


async def test_an_answer_is_counted_by_its_question_and_label_and_its_batch_by_size(
    model: Model,
) -> None:
    metrics = Metrics(["direct", "stilts"])
    async with serving(model, metrics=metrics) as service:
        [answer] = await service.predict([ask()], timeout=10)
        rows = counted(metrics, "xcopa_queue_rows")
    assert not isinstance(answer, ServiceError)
    labels = {"question": "cause", "label": str(answer.label)}
    assert counted(metrics, "xcopa_predictions_total", **labels) == 1
    confidence = counted(metrics, "xcopa_confidence_ratio_sum")
    assert confidence == pytest.approx(max(answer.probabilities))
    assert rows == 0
    tokens = counted(metrics, "xcopa_batch_tokens_sum") or 0
    computed = counted(metrics, "xcopa_batch_computed_tokens_total") or 0
    padded = counted(metrics, "xcopa_batch_padded_tokens_total") or 0
    assert computed <= padded
    assert padded % 16 == 0
    assert tokens <= computed < tokens + 16
    assert computed % 16 == 0
    assert counted(metrics, "xcopa_batch_estimate_ratio_count") == 1


async def test_rows_that_wait_are_those_of_all_choices(model: Model) -> None:
    seen: list[float | None] = []

    async def look(service: Service) -> None:
        call = asyncio.create_task(service.predict([ask(), Ask(ask().item, "direct")], timeout=10))
        await until(lambda: bool(service.waiting("direct")[0]))
        seen.append(service._worker.waiting_rows("direct"))
        call.cancel()
        await asyncio.wait([call])

    await after(model, look)
    assert seen == [4]
