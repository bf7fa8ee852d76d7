"""Through nginx and HAProxy: kept connections, compression, retries, and a rolling restart."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.clients.conftest import check
from tests.e2e.clients.programs import ITEM, LIMIT_S
from tests.e2e.clients.proxies import NAMES, free_port, proxy
from tests.e2e.server import ServerProcess

CALLERS = 4
PREDICT = "/predict/xcopa"
BATCH = {"items": [ITEM] * 64}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def proxied(name: str, tiny_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a proxy whose second service has gone."""
    gone = f"http://127.0.0.1:{free_port()}"
    with (
        proxy(name, [tiny_url, gone], tmp_path) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def test_calls_go_through_though_one_service_is_gone(
    proxied: httpx.Client, expected: dict[str, Any]
) -> None:
    for _ in range(20):
        response = proxied.post("/predict/xcopa", json=ITEM)
        check(response.raise_for_status().json(), expected)


def test_answers_come_compressed_and_refusals_whole(proxied: httpx.Client, tiny_url: str) -> None:
    response = proxied.post("/predict/xcopa/batch", json=BATCH)
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()["predictions"]) == len(BATCH["items"])
    malformed = {"items": [{**ITEM, "question": "why"}] * 64}
    refused = proxied.post("/predict/xcopa/batch", json=malformed)
    direct = httpx.post(f"{tiny_url}/predict/xcopa/batch", json=malformed)
    assert refused.status_code == direct.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"] == direct.json()["errors"]


def test_headers_go_through_both_ways(proxied: httpx.Client) -> None:
    late = proxied.post("/predict/xcopa", json=ITEM, headers={"X-Request-Timeout-Ms": "0.001"})
    assert late.status_code == 504
    named = proxied.post("/predict/xcopa", json=ITEM, headers={"X-Request-ID": "mine-1"})
    assert named.headers["x-request-id"] == named.json()["request_id"] == "mine-1"
    assert "server-timing" in named.headers


LARGE = {"items": [ITEM] * 128}
"""Above 16 kB: HAProxy could not send it a second time."""


class Load:
    """Callers that ask through the proxy without a pause; every outcome is counted."""

    def __init__(self, url: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self._url = url
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CALLERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; it is looked at after every call."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=LIMIT_S)

    def _ask(self, number: int) -> None:
        path, body = (
            ("/predict/xcopa/batch", LARGE) if number % 3 == 0 else ("/predict/xcopa", ITEM)
        )
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._stop.is_set():
                try:
                    response = client.post(path, json=body)
                    outcome = str(response.status_code)
                    if response.status_code != httpx.codes.OK:
                        outcome += f": {response.text}"
                except httpx.TransportError as error:
                    outcome = repr(error)
                with self._changed:
                    self.outcomes[outcome] += 1
                    self._changed.notify_all()


def start(settings: dict[str, str], port: str = "0") -> ServerProcess:
    return ServerProcess(**settings, XCOPA_PORT=port, XCOPA_DRAIN_DELAY_S="2").wait_until_ready()


def answers(url: str) -> bool:
    """Return whether a service has answered a prediction since it started."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    answered = {"route": "/predict/xcopa", "status": "200"}
    return any(sample.labels == answered for family in families for sample in family.samples)


@pytest.mark.slow
def test_a_rolling_restart_under_load_fails_no_call(
    name: str, tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
    }
    services = [start(settings), start(settings)]
    try:
        urls = [service.url for service in services]
        with proxy(name, urls, tmp_path) as url, Load(url) as load:
            load.wait_until(lambda: all(map(answers, urls)))
            for place, old in enumerate(services):
                old.terminate()
                assert old.exit_status() == 0
                services[place] = start(settings, str(urlsplit(urls[place]).port))
                old.__exit__(None, None, None)
                load.wait_until(partial(answers, urls[place]))
    finally:
        for service in services:
            service.__exit__(None, None, None)
    assert set(load.outcomes) == {"200"}, load.outcomes
