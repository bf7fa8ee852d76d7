"""A real Prometheus scrapes the real service under load, and every expression has a value.

The service is scraped under two names, as two instances: what cannot add up or match then fails.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.keys.keys_file import add_key
from tests.conftest import ROOT
from tests.deploy.expressions import (
    DASHBOARDS,
    RUNBOOKS,
    alerts,
    panels,
    queries_of_page,
    queries_of_panel,
    rules,
    selectors_of,
)
from tests.e2e.server import ServerProcess
from tests.prometheus import Prometheus, is_installed, running, wait_until
from tests.sample import sample_items

pytestmark = pytest.mark.skipif(not is_installed(), reason="prometheus is not installed")

LOAD_S = 6
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def prometheus(
    tiny_direct: Path, tiny_stilts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """One that has seen some seconds of the shipped load test, and a request with a trace."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    key = add_key(keys, "alice", tokens_per_second=1_000_000)
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_API_KEYS_FILE": str(keys),
        "XCOPA_CACHE_BYTES": "100000",
    }
    with ServerProcess(**settings) as server:
        url = server.wait_until_ready().url
        port = urlsplit(url).port
        assert port
        with running(port, tmp_path_factory.mktemp("prometheus")) as made:
            made.wait_for('xcopa_http_requests_total{status="200"}')
            load(url, key)
            ask_with_a_trace(url, key)
            made.wait_for("sum(rate(xcopa_comparisons_total[1m])) > 0")
            made.wait_for("slo:xcopa_slo_errors:ratio_rate3d")
            wait_until(lambda: bool(exemplars(made)), "no exemplar")
            yield made


def load(url: str, key: str) -> None:
    command = ["-m", "locust", "-f", "loadtests/xcopa.py", "--headless", "-u", "4", "-r", "4"]
    done = subprocess.run(
        [sys.executable, *command, "-t", f"{LOAD_S}s", "--host", url, "--only-summary"],
        cwd=ROOT,
        env={**os.environ, "XCOPA_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def ask_with_a_trace(url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    body = {**sample_items("en")[0], "model": "direct"}
    assert httpx.post(f"{url}/predict/xcopa", json=body, headers=headers).status_code == 200


def exemplars(prometheus: Prometheus) -> list[dict[str, Any]]:
    now = time.time()
    return prometheus.exemplars("xcopa_request_duration_seconds_bucket", now - 300, now)


def values(answer: list[dict[str, Any]]) -> list[float]:
    return [float(series["value"][1]) for series in answer]


def assert_has_values(prometheus: Prometheus, expression: str) -> None:
    found = values(prometheus.query(expression))
    assert found, f"nothing: {expression}"
    assert all(map(math.isfinite, found)), f"{found}: {expression}"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_shows_something(prometheus: Prometheus, dashboard: Path) -> None:
    for panel in panels(dashboard):
        for query in queries_of_panel(panel):
            assert_has_values(prometheus, query)


def test_every_recording_has_a_value(prometheus: Prometheus) -> None:
    for rule in rules():
        if "record" in rule:
            labels = ", ".join(
                f'{name}="{value}"' for name, value in rule.get("labels", {}).items()
            )
            assert_has_values(prometheus, f"{rule['record']}{{{labels}}}")


def test_every_rule_can_be_evaluated_and_none_fires(prometheus: Prometheus) -> None:
    found = prometheus.rules()
    assert {rule["name"] for rule in found if rule["type"] == "alerting"} == set(alerts())
    assert {rule["name"]: rule["lastError"] for rule in found if rule.get("lastError")} == {}
    assert prometheus.query('ALERTS{alertstate="firing"}') == []


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_reads_series_that_exist(prometheus: Prometheus, name: str) -> None:
    for selector in selectors_of(alerts()[name]["expr"]):
        assert_has_values(prometheus, selector)


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_queries_of_a_runbook_have_an_answer(prometheus: Prometheus, page: Path) -> None:
    for query in queries_of_page(page):
        # What looks for trouble finds none here; without the comparison it has a value.
        assert_has_values(prometheus, re.sub(r" (==|>) [\d.]+$", "", query))
        prometheus.query(query)


def test_two_instances_add_up(prometheus: Prometheus) -> None:
    total = 'sum(increase(xcopa_items_total{outcome="answered"INSTANCE}[5m]))'
    [one] = values(prometheus.query(total.replace("INSTANCE", ', instance=~"127.*"')))
    [both] = values(prometheus.query(total.replace("INSTANCE", "")))
    assert both == pytest.approx(2 * one, rel=0.2)


def test_a_bucket_leads_to_the_trace_of_a_request(prometheus: Prometheus) -> None:
    assert {"trace_id": TRACE} in exemplars(prometheus)
