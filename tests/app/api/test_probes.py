"""What probes say of a process in each part of its life, and what a scrape is answered with."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.runtime import State
from tests.app.api.stand_in import StandInRuntime, application, fetch

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("state", State)
async def test_a_process_that_answers_is_alive_whatever_it_does(state: State) -> None:
    runtime = StandInRuntime(ready=False, started=False, state=state)
    response = await fetch(application(runtime), "/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(
    ("ready", "condition", "status"),
    [(True, "ready", 200), (False, "loading", 503), (False, "stuck", 503)],
)
async def test_readiness_says_why_not(ready: bool, condition: str, status: int) -> None:
    runtime = StandInRuntime(ready=ready, condition=condition)
    response = await fetch(application(runtime), "/readyz")
    assert (response.status_code, response.json()) == (status, {"status": condition})


async def test_start_is_over_once_the_models_are_loaded() -> None:
    loading = StandInRuntime(started=False, state=State.LOADING)
    response = await fetch(application(loading), "/startupz")
    assert (response.status_code, response.json()) == (503, {"status": "loading"})
    draining = StandInRuntime(started=True, ready=False, state=State.DRAINING)
    response = await fetch(application(draining), "/startupz")
    assert (response.status_code, response.json()) == (200, {"status": "started"})


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
    ],
)
async def test_metrics_come_in_the_format_that_the_scraper_accepts(
    accept: str, content_type: str
) -> None:
    response = await fetch(application(), "/metrics", Accept=accept)
    assert response.headers["content-type"].startswith(content_type)


async def test_metrics_are_those_of_the_application() -> None:
    app = application()
    app.state.metrics.item_ended("direct", "answered")
    text = (await fetch(app, "/metrics", Accept="text/plain")).text
    counted = {
        (sample.labels["model"], sample.labels["outcome"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "xcopa_items_total"
    }
    assert counted["direct", "answered"] == 1
    assert counted["stilts", "answered"] == 0
