"""The wiring: settings reach what they are for, and who starts it is told how that went."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app import __version__
from app.errors import StartError
from app.keys.keys_file import add_key
from app.main import create_app
from app.runtime import Runtime, State
from app.settings import Settings
from app.telemetry.request_spans import RequestSpans
from app.weights.variant import Variant, load_variants
from tests.app.api.stand_in import ITEM, client

pytestmark = pytest.mark.anyio

LIMIT_S = 30


@pytest.fixture(scope="module")
def variants(tiny_direct: Path, tiny_stilts: Path) -> Mapping[str, Variant]:
    return load_variants({"direct": str(tiny_direct), "stilts": str(tiny_stilts)}, Path())


def settings(**changes: Any) -> Settings:
    return Settings(**{"batch_tokens": 1_000, **changes})


class Starts:
    """Waits for what the application says of its start."""

    def __init__(self) -> None:
        self.told: list[StartError | None] = []
        self._happened = asyncio.Event()

    def __call__(self, failure: StartError | None) -> None:
        self.told.append(failure)
        self._happened.set()

    async def wait(self) -> StartError | None:
        await asyncio.wait_for(self._happened.wait(), LIMIT_S)
        [failure] = self.told
        return failure


@asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[Runtime]:
    """Run the application's lifespan, as a server does."""
    async with app.router.lifespan_context(app):
        yield app.state.runtime


async def fetch(app: FastAPI, method: str, path: str, **options: Any) -> httpx.Response:
    async with client(app) as made:
        return await made.request(method, path, **options)


# How it starts ------------------------------------------------------------------------------


async def test_it_listens_while_the_models_load_and_says_once_that_they_are_warm(
    variants: Mapping[str, Variant],
) -> None:
    starts, may_load = Starts(), threading.Event()

    def load(_: Settings) -> Mapping[str, Variant]:
        may_load.wait(LIMIT_S)
        return variants

    app = create_app(settings(), starts, load)
    async with started(app) as runtime:
        assert (await fetch(app, "GET", "/livez")).status_code == 200
        assert (await fetch(app, "GET", "/readyz")).status_code == 503
        refused = await fetch(app, "POST", "/predict/xcopa", json=ITEM)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert starts.told == []
        may_load.set()
        assert await starts.wait() is None
        assert runtime.ready
        answered = await fetch(app, "POST", "/predict/xcopa", json=ITEM)
        assert answered.json()["model"] == "stilts"
    assert starts.told == [None]
    assert runtime.state is State.STOPPED


async def test_why_a_model_cannot_be_loaded_is_told_to_who_started_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = StartError("XCOPA_MODELS__DIRECT: no such model")

    def load(_: Settings) -> Mapping[str, Variant]:
        raise error

    starts = Starts()
    async with started(create_app(settings(), starts, load)) as runtime:
        assert await starts.wait() is error
        assert not runtime.started
    assert caplog.messages == [], "who is told says it, in one line"


async def test_an_unexpected_error_is_told_too_and_its_traceback_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load(_: Settings) -> Mapping[str, Variant]:
        raise ZeroDivisionError("a defect")

    starts = Starts()
    async with started(create_app(settings(), starts, load)):
        failure = await starts.wait()
    assert isinstance(failure, StartError)
    assert "ZeroDivisionError('a defect')" in str(failure)
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_a_failure_that_nobody_waits_for_is_logged() -> None:
    """As under another server, which calls ``create_app`` and nothing else."""

    def load(_: Settings) -> Mapping[str, Variant]:
        raise StartError("no such model")

    logged: asyncio.Queue[str] = asyncio.Queue()
    handler = logging.Handler()
    handler.emit = lambda record: logged.put_nowait(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("app.main")
    log.addHandler(handler)
    try:
        async with started(create_app(settings(), load=load)):
            said = await asyncio.wait_for(logged.get(), LIMIT_S)
    finally:
        log.removeHandler(handler)
    assert said == "cannot start: no such model"


async def test_it_stops_while_its_models_still_load() -> None:
    held, loading = threading.Event(), threading.Event()
    loaders: list[threading.Thread] = []

    def load(_: Settings) -> Mapping[str, Variant]:
        loaders.append(threading.current_thread())
        loading.set()
        held.wait(LIMIT_S)
        raise StartError("nobody waits for this any more")

    starts = Starts()
    async with asyncio.timeout(LIMIT_S / 2), started(create_app(settings(), starts, load)):
        await asyncio.to_thread(loading.wait, LIMIT_S)
    assert loaders[0].is_alive()
    held.set()
    await asyncio.to_thread(loaders[0].join, LIMIT_S)
    for _ in range(3):  # turns of the loop, in which what the loader has left would be told
        await asyncio.sleep(0)
    assert starts.told == []


# What reaches what --------------------------------------------------------------------------


async def test_settings_come_from_the_environment_when_none_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XCOPA_MAX_BODY_BYTES", "77")
    app = create_app()
    assert app.state.settings.max_body_bytes == 77


async def test_the_settings_of_serving_reach_the_service() -> None:
    own = settings(
        queue_seconds=7, max_wait_ms=250, tokeniser_threads=3, watchdog_s=9, cache_bytes=1234
    )
    options = create_app(own).state.runtime._options
    assert dataclasses.asdict(options.limits) == {"queue_seconds": 7, "max_wait": 0.25}
    assert options.tokeniser_threads == 3
    assert options.watchdog_seconds == 9
    assert options.cache_bytes == 1234


async def test_a_refused_body_has_an_id_is_a_problem_and_is_counted() -> None:
    app = create_app(settings(max_body_bytes=64))
    headers = {"X-Request-ID": "mine", "Content-Type": "application/json"}
    refused = await fetch(app, "POST", "/predict/xcopa", content=b"x" * 65, headers=headers)
    assert refused.status_code == 413
    assert refused.headers["X-Request-ID"] == "mine"
    assert refused.json()["request_id"] == "mine"
    counted = (await fetch(app, "GET", "/metrics")).text
    line = 'xcopa_http_requests_total{route="/predict/xcopa",status="413"} 1.0'
    assert line in counted.splitlines()


async def test_requests_are_traced_where_a_collector_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(_: Settings) -> Mapping[str, Variant]:
        raise StartError("no model is needed")

    def middleware(app: FastAPI) -> list[object]:
        return [each.cls for each in app.user_middleware]

    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert RequestSpans not in middleware(create_app(settings()))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    app = create_app(settings(), Starts(), load)
    assert middleware(app)[0] is RequestSpans, "outermost: it times all the others"
    async with started(app):
        """Its end closes what sends the traces."""


async def test_the_interactive_page_needs_nothing_from_elsewhere() -> None:
    app = create_app(settings())
    page = await fetch(app, "GET", "/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert (await fetch(app, "GET", "/openapi.json")).json()["info"]["version"] == __version__


# Models that change at run time -----------------------------------------------------------------


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    add_key(tmp_path / "keys", "ops", admin=True)
    return tmp_path / "keys"


async def test_models_do_not_change_at_run_time_unless_a_setting_says_so(keys: Path) -> None:
    app = create_app(settings(api_keys_file=keys))
    assert not any(path.startswith("/v2/repository") for path in app.openapi()["paths"])
    assert not hasattr(app.state, "repository")
    for path in ("index", "models/direct/load", "models/direct/unload"):
        response = await fetch(create_app(settings()), "POST", f"/v2/repository/{path}")
        assert response.status_code == 404
        assert "error" in response.json()
    assert (await fetch(create_app(settings()), "GET", "/v2")).json()["extensions"] == [
        "binary_tensor_data"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this process runs the models")
async def test_where_they_do_it_is_described_and_said(keys: Path) -> None:
    app = create_app(settings(api_keys_file=keys, model_control=True))
    described = app.openapi()["paths"]["/v2/repository/models/{name}/load"]["post"]
    assert {"200", "400", "401", "403", "404", "409", "422", "503", "507"} <= set(
        described["responses"]
    )
    assert described["security"]


async def test_without_keys_or_with_models_in_this_process_they_cannot_change(keys: Path) -> None:
    with pytest.raises(StartError, match="XCOPA_MODEL_CONTROL: it needs XCOPA_API_KEYS_FILE"):
        create_app(settings(model_control=True))
    with pytest.raises(StartError, match="XCOPA_MODEL_CONTROL: it needs engines in processes"):
        create_app(settings(model_control=True, api_keys_file=keys, engines=0))


async def test_the_description_follows_the_models(variants: Mapping[str, Variant]) -> None:
    async with started(app := create_app(settings(), Starts(), lambda _: variants)) as runtime:
        assert "'enum': ['direct', 'stilts']" in str(app.openapi())
        runtime.names = ("direct", "stilts", "mnli")
        assert "'enum': ['direct', 'stilts', 'mnli']" in str(app.openapi())
        assert "'enum': ['direct', 'stilts']" not in str(app.openapi())
