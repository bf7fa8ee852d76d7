"""What the service tells of a call: to the trace, and to whoever says how long each stage took."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from app.errors import DeadlineExceededError
from app.serving.answer import Stages
from app.serving.service import PredictionService
from app.telemetry.tracing import Tracing
from tests.app.serving.services import ITEM, HeldEngine, Model, ask, serving


@pytest.mark.anyio
async def test_the_trace_says_where_the_time_went_and_why_the_batch_left(model: Model) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with serving(model, tracing=Tracing(provider)) as service:
        with provider.get_tracer("test").start_as_current_span("request") as request:
            await service.predict([ask()], timeout=10)
    [rows] = model.tokenizer.encode([ITEM])
    assert isinstance(rows, tuple)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    stages = {"xcopa.tokenise", "xcopa.queue", "xcopa.inference"}
    assert set(spans) == {"request", *stages, "xcopa.batch", "xcopa.engine"}
    batch = spans["xcopa.batch"]
    assert dict(batch.attributes or {}) == {
        "xcopa.model": "direct",
        "xcopa.batch.reason": "drained",
        "xcopa.batch.items": 1,
        "xcopa.batch.tokens": sum(map(len, rows)),
    }
    assert [link.context for link in batch.links] == [request.get_span_context()]
    assert [link.context for link in spans["xcopa.inference"].links] == [batch.context]
    for part in stages:
        assert spans[part].parent == spans["request"].context
        assert (spans["request"].start_time or 0) <= (spans[part].start_time or 0)
        assert (spans[part].start_time or 0) <= (spans[part].end_time or 0)


@pytest.mark.anyio
async def test_a_batch_is_one_span_with_a_link_to_each_request_that_it_served(
    model: Model,
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")

    async with serving(model, tracing=Tracing(provider)) as service:

        async def request(number: int) -> None:
            with tracer.start_as_current_span(f"request {number}"):
                await service.predict([ask(), ask()], timeout=10)

        await asyncio.gather(*(request(number) for number in range(3)))
    spans = exporter.get_finished_spans()
    requests = {span.context.span_id for span in spans if span.name.startswith("request")}
    batches = [span for span in spans if span.name == "xcopa.batch"]
    linked = [link.context.span_id for batch in batches for link in batch.links]
    assert set(linked) == requests
    assert all(batch.parent == batch.links[0].context for batch in batches)
    assert len([span for span in spans if span.name == "xcopa.inference"]) == 6


@pytest.mark.anyio
async def test_a_late_call_has_its_waiting_in_the_trace_and_among_its_stages(
    model: Model,
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    engine, stages = HeldEngine(), Stages()
    tracer = provider.get_tracer("test")
    slow = Model("r", model.tokenizer, engine)
    async with serving(slow, tracing=Tracing(provider)) as service:
        with tracer.start_as_current_span("request"):
            [late] = await service.predict([ask()], timeout=0.05, stages=stages)
        engine.may_run.set()
    assert isinstance(late, DeadlineExceededError)
    assert set(stages.said()) == {"tokenise", "queue", "inference"}
    assert 0 < sum(stages.said().values()) < 60, "durations, and no times of a clock"
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert (spans["xcopa.inference"].attributes or {})["xcopa.outcome"] == "expired"
    assert spans["xcopa.inference"].status.status_code is StatusCode.ERROR


@pytest.mark.anyio
async def test_who_leaves_an_item_that_another_waits_for_has_left_it_in_the_trace(
    model: Model,
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    engine = HeldEngine()
    tracer = provider.get_tracer("test")

    async def request(service: PredictionService[Model]) -> None:
        with tracer.start_as_current_span("request"):
            await service.predict([ask()], timeout=10)

    held, traced = Model("r", model.tokenizer, engine), Tracing(provider)
    async with serving(held, cache_bytes=100_000, tracing=traced) as service:
        leaving = asyncio.create_task(request(service))
        other = asyncio.create_task(service.predict([ask()], timeout=10))
        await asyncio.sleep(0.05)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        engine.may_run.set()
        await other
    [inference] = [each for each in exporter.get_finished_spans() if each.name == "xcopa.inference"]
    assert (inference.attributes or {})["xcopa.outcome"] == "left"
