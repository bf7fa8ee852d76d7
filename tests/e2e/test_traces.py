"""Traces of the real service, as a collector on loopback receives them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import Collector, attributes
from tests.e2e.raw import ITEM
from tests.e2e.server import ServerProcess

PREDICT = "/predict/xcopa"
TRACE_ID, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REQUEST = f"POST {PREDICT}"
STAGES = ("xcopa.tokenise", "xcopa.queue", "xcopa.inference", "xcopa.batch", "xcopa.engine")
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture(scope="module")
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


def ask(url: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}{PREDICT}", json=ITEM, headers=headers, timeout=60)


def ids(spans: list[Span]) -> set[bytes]:
    return {span.span_id for span in spans}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_request_arrives_with_its_stages_and_its_batch_and_probes_do_not(
    protocol: str, sources: dict[str, str], collector: Collector
) -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc if protocol == "grpc" else collector.http,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=blue",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=green,deployment.environment=test",
        **SOON,
    }
    with ServerProcess(**sources, **variables) as server:
        url = server.wait_until_ready().url
        for path in ("/livez", "/readyz", "/metrics", "/v2/health/live"):
            httpx.get(f"{url}{path}")
        headers = {"traceparent": f"00-{TRACE_ID}-{PARENT}-01", "tracestate": "vendor=1"}
        response = ask(url, **headers, **{"X-Request-ID": "one"})
        spans = collector.wait_for(REQUEST, *STAGES)
        line = server.wait_for_line(f"request request_id=one trace_id={TRACE_ID}").string
    [request] = spans[REQUEST]
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
    assert request.parent_span_id.hex() == PARENT
    assert request.trace_state == "vendor=1"
    assert response.headers["traceresponse"].startswith(f"00-{TRACE_ID}-{request.span_id.hex()}-")
    assert f"span_id={request.span_id.hex()}" in line
    about = attributes(request)
    assert (about["http.route"], about["xcopa.request_id"]) == (PREDICT, "one")
    [batch], [inference] = spans["xcopa.batch"], spans["xcopa.inference"]
    assert {link.span_id for link in batch.links} == {request.span_id}
    assert {link.span_id for link in inference.links} == {batch.span_id}
    assert set(spans) == {REQUEST, *STAGES}, "no span of a probe, nor of what is sent and received"
    assert collector.headers[0]["x-tenant"] == "blue"
    assert collector.resource["service.name"] == "green"
    assert collector.resource["deployment.environment"] == "test"


MANY = 60
"""Some of six at once meet in a batch, also where a busy machine lets one in at a time."""


@pytest.mark.slow
def test_a_batch_is_linked_to_all_the_requests_that_it_served(
    sources: dict[str, str], collector: Collector
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http, **SOON}
    # Requests that come while others run wait, and leave together.
    with ServerProcess(**sources, **variables, XCOPA_MAX_WAIT_MS="200") as server:
        url = server.wait_until_ready().url
        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(lambda _: ask(url).status_code, range(MANY)))
        server.terminate()
        assert server.exit_status() == 0
    assert answers == [200] * MANY
    spans = collector.by_name
    linked = [link.span_id for batch in spans["xcopa.batch"] for link in batch.links]
    assert sorted(linked) == sorted(ids(spans[REQUEST]))
    assert max(len(batch.links) for batch in spans["xcopa.batch"]) > 1
    links = {link.span_id for span in spans["xcopa.inference"] for link in span.links}
    assert links == ids(spans["xcopa.batch"])


@pytest.mark.slow
def test_what_is_refused_is_traced_too_and_the_last_spans_are_sent_at_the_end(
    sources: dict[str, str], collector: Collector
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http}
    with ServerProcess(**sources, **variables) as server:
        url = server.wait_until_ready().url
        assert ask(url, **{"X-Request-Timeout-Ms": "0.001"}).status_code == 504
        assert httpx.get(f"{url}/wp-admin/x").status_code == 404
        server.terminate()
        assert server.exit_status() == 0
    spans = collector.by_name
    assert attributes(spans[REQUEST][0])["xcopa.problem"] == "deadline-exceeded"
    assert attributes(spans["GET unmatched"][0])["http.route"] == "unmatched"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ],
)
@pytest.mark.slow
def test_what_turns_traces_off_does(
    name: str, value: str, sources: dict[str, str], collector: Collector
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http, name: value}
    with ServerProcess(**sources, **variables) as server:
        assert ask(server.wait_until_ready().url).status_code == 200
        server.terminate()
        assert server.exit_status() == 0
    assert collector.spans == []


@pytest.mark.slow
def test_the_ways_that_the_environment_names_are_those_that_are_read(
    sources: dict[str, str], collector: Collector
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http, "OTEL_PROPAGATORS": "baggage"}
    with ServerProcess(**sources, **variables) as server:
        ask(server.wait_until_ready().url, traceparent=f"00-{TRACE_ID}-{PARENT}-01")
        server.terminate()
        assert server.exit_status() == 0
    assert TRACE_ID not in {span.trace_id.hex() for span in collector.spans}
    assert REQUEST in collector.by_name
