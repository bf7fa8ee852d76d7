"""Which trace stands for a request in the buckets of its times."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider, sampling

from app.telemetry.log_format import current_request
from app.telemetry.tracing import Tracing


def test_the_exemplar_of_a_request_is_its_own_trace() -> None:
    provider = TracerProvider()
    current_request.set({"trace_id": "a" * 32})
    with provider.get_tracer("test").start_as_current_span("request") as span:
        assert Tracing(provider).exemplar() == f"{span.get_span_context().trace_id:032x}"


def test_a_request_that_the_sampler_left_out_is_no_exemplar() -> None:
    provider = TracerProvider(sampler=sampling.ALWAYS_OFF)
    current_request.set({"trace_id": "a" * 32})
    with provider.get_tracer("test").start_as_current_span("request"):
        assert Tracing(provider).exemplar() == ""


def test_without_a_provider_the_exemplar_is_the_trace_of_the_caller() -> None:
    assert Tracing().exemplar() == ""
    current_request.set({"trace_id": "a" * 32})
    assert Tracing().exemplar() == "a" * 32
