"""A replica, without Serve: what Serve asks of it, in the order in which it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Message

from app.errors import StartError
from app.runtime import Runtime, State
from app.scale.policy import BUSY, QUEUE_SECONDS
from app.scale.replica import RayReplica, StuckReplicaError, replica_settings
from tests.e2e.test_contract import ITEM

pytestmark = pytest.mark.anyio


@pytest.fixture
def tiny(tiny_models: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**tiny_models, "XCOPA_ENGINES": "0"}.items():
        monkeypatch.setenv(name, value)


@asynccontextmanager
async def serving(replica: RayReplica) -> AsyncIterator[httpx.AsyncClient]:
    """Do what Serve does: build, start up, ask for the health; and shut down at the end."""
    app = await replica.__serve_build_asgi_app__()
    said: asyncio.Queue[Message] = asyncio.Queue()
    heard: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.ensure_future(app({"type": "lifespan"}, said.get, heard.put))
    await said.put({"type": "lifespan.startup"})
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    try:
        await replica.check_health()
        async with client_of(app) as client:
            yield client
    finally:
        await said.put({"type": "lifespan.shutdown"})
        assert (await heard.get())["type"] == "lifespan.shutdown.complete"
        await running


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://replica")


async def test_it_is_warm_when_serve_begins_to_send_and_says_its_load(tiny: None) -> None:
    async with serving(RayReplica(1)) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post("/predict/xcopa", json=ITEM)).status_code == 200


async def test_its_figures_are_those_of_its_queue_and_its_engines(tiny: None) -> None:
    replica = RayReplica(1)
    async with serving(replica) as client:
        await replica.record_autoscaling_stats()
        await client.post("/predict/xcopa", json=ITEM)
        figures = await replica.record_autoscaling_stats()
        assert 0 < figures[BUSY] <= 1
        assert figures[QUEUE_SECONDS] == 0
        assert (await replica.record_autoscaling_stats())[BUSY] == 0


async def test_models_that_cannot_be_loaded_are_the_message_of_its_health(
    tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", str(tmp_path / "nothing"))
    with pytest.raises(StartError, match=r"XCOPA_MODELS__DIRECT: .*nothing"):
        async with serving(RayReplica(1)):
            pytest.fail("it is not healthy")


async def test_it_is_not_healthy_while_its_engines_do_not_move(
    tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = RayReplica(1)
    async with serving(replica):
        monkeypatch.setattr(Runtime, "ready", property(lambda _: False))
        with pytest.raises(StuckReplicaError):
            await replica.check_health()
        monkeypatch.undo()
        await replica.check_health()


async def test_it_drains_at_its_end_and_is_healthy_meanwhile(tiny: None) -> None:
    replica = RayReplica(1)
    async with serving(replica) as client:
        runtime = replica._runtime
    assert runtime.state is State.STOPPED
    await replica.check_health()
    late = await client_of(replica._service).post("/predict/xcopa", json=ITEM)
    assert late.status_code == 503
    assert client.is_closed


async def test_its_metrics_have_a_port_of_their_own(
    tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XCOPA_METRICS_PORT", "0")
    replica = RayReplica(1)
    async with serving(replica) as client:
        assert (await client.get("/metrics")).status_code == 404
        assert replica._metrics is not None
        async with httpx.AsyncClient(base_url=replica._metrics.address) as other:
            assert "xcopa_ready 1.0" in (await other.get("/metrics")).text


async def test_it_computes_with_as_many_threads_as_it_reserves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert replica_settings(3).threads == 3
    monkeypatch.setenv("XCOPA_THREADS", "2")
    assert replica_settings(3).threads == 2


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "XCOPA_BATCH_TOKENS",
            "many",
            "XCOPA_BATCH_TOKENS: Input should be a valid integer, .* (got 'many')",
        ),
        ("XCOPA_MODELS", "not JSON", "a model is named as in XCOPA_MODELS__DIRECT"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "10s", "HF_HUB_DOWNLOAD_TIMEOUT must be a whole number"),
    ],
)
async def test_a_wrong_setting_of_a_node_is_named_as_the_command_names_it(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError, match=says.replace("(", r"\(").replace(")", r"\)")):
        RayReplica(1)


async def test_a_misspelt_setting_of_a_node_is_in_the_log_of_the_replica(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XCOPA_TREADS", "3")
    monkeypatch.setenv("XCOPA_MODELS__STILT", "someone/model")
    replica_settings(1)
    [unknown, close] = [each.getMessage() for each in caplog.records]
    assert unknown.startswith("XCOPA_TREADS is no setting, and is ignored; the nearest are")
    assert close.startswith("XCOPA_MODELS__STILT adds a model beside stilts")
