"""The server's exit: the first signal drains, the second one ends at once, and nobody is reset."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.listening import listen
from app.model_settings.sources import ModelSources
from app.runtime import Runtime
from app.server import DrainingServer, serve
from app.settings import Settings

pytestmark = pytest.mark.anyio

LIMIT_S = 30
HOST = "127.0.0.1"
REQUEST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class SlowRuntime:
    """Drains when the test lets it."""

    def __init__(self) -> None:
        self.drains: list[tuple[float, float]] = []
        self.begun = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.finished = True

    async def drain(self, delay: float, grace: float) -> bool:
        self.drains.append((delay, grace))
        self.begun.set()
        await self.may_finish.wait()
        return self.finished


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request with its path."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = scope["path"].encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def runtime() -> SlowRuntime:
    return SlowRuntime()


def server_of(runtime: SlowRuntime) -> DrainingServer:
    config = uvicorn.Config(answers, log_config=None, lifespan="on")
    settings = Settings(drain_delay_s=1.5, drain_grace_s=7)
    return DrainingServer(config, cast("Runtime", runtime), settings)


def bound(host: str = HOST) -> socket.socket:
    """Bind a free port, as ``serve`` does before it loads anything."""
    [listener] = listen(host, 0)
    return listener


@asynccontextmanager
async def running(runtime: SlowRuntime, host: str = HOST) -> AsyncIterator[DrainingServer]:
    """Serve on a free port; the test tells it to end, and here it does or fails."""
    made = server_of(runtime)
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(made.serve([bound(host)]))
        while not made.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
        yield made


def port_of(made: DrainingServer) -> int:
    return int(made.address.rpartition(":")[2])


def connect(made: DrainingServer) -> socket.socket:
    """Connect and ask; the loop has no chance to accept meanwhile."""
    client = socket.create_connection((HOST, port_of(made)), timeout=LIMIT_S)
    client.sendall(REQUEST)
    return client


def response_of(client: socket.socket) -> bytes:
    """Return what comes until the server closes; raises when it resets the connection."""
    with client:
        return b"".join(iter(lambda: client.recv(65536), b""))


async def test_the_first_signal_drains_with_the_settings_and_ends_after_it(
    runtime: SlowRuntime,
) -> None:
    async with running(runtime) as made:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(runtime.begun.wait(), LIMIT_S)
        assert runtime.drains == [(1.5, 7)]
        assert not made.should_exit, "what was accepted is still being answered"
        answered = await asyncio.to_thread(lambda: response_of(connect(made)))
        assert answered.startswith(b"HTTP/1.1 200")
        runtime.may_finish.set()
    assert not made.force_exit
    assert runtime.drains == [(1.5, 7)]


async def test_the_second_signal_does_not_wait_for_the_drain(runtime: SlowRuntime) -> None:
    async with running(runtime) as made:
        made.handle_exit(signal.SIGINT, None)
        await asyncio.wait_for(runtime.begun.wait(), LIMIT_S)
        made.handle_exit(signal.SIGINT, None)
        assert made.force_exit
    assert len(runtime.drains) == 1
    assert not runtime.may_finish.is_set()


def test_a_signal_before_anything_runs_ends_at_once() -> None:
    made = DrainingServer(uvicorn.Config(answers), cast("Runtime", None), Settings())
    made.handle_exit(signal.SIGTERM, None)
    assert made.should_exit
    assert made.force_exit


async def test_the_process_does_not_end_by_the_signal_it_was_sent(runtime: SlowRuntime) -> None:
    """Uvicorn would raise the signal again, and the exit status would not be 0."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        runtime.may_finish.set()
        async with running(runtime):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == []
    assert len(runtime.drains) == 1


async def test_work_that_is_left_is_said_and_does_not_keep_the_server(
    runtime: SlowRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.finished = False
    runtime.may_finish.set()
    with caplog.at_level(logging.WARNING, logger="app.server"):
        async with running(runtime) as made:
            made.handle_exit(signal.SIGTERM, None)
    assert caplog.messages == ["work was left after 7 s of grace"]


async def listening(runtime: SlowRuntime, listener: socket.socket) -> DrainingServer:
    """As in ``Server.serve``, but without its turns of the loop, in which it would accept."""
    made = server_of(runtime)
    made.config.load()
    made.lifespan = made.config.lifespan_class(made.config)
    await made.startup([listener])
    return made


async def test_who_connected_but_was_not_heard_yet_is_answered(runtime: SlowRuntime) -> None:
    listener = bound()
    made = await listening(runtime, listener)
    clients = [connect(made) for _ in range(3)]
    await made.shutdown([listener])
    for client in clients:
        answered = await asyncio.to_thread(response_of, client)
        assert answered.startswith(b"HTTP/1.1 200")
        assert answered.endswith(b"/livez")


async def test_nobody_can_connect_from_the_moment_it_ends(runtime: SlowRuntime) -> None:
    """Who is refused asks another replica; who is let in might be cut off."""
    listener = bound()
    made = await listening(runtime, listener)
    address = (HOST, port_of(made))
    ending = asyncio.create_task(made.shutdown([listener]))
    await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=LIMIT_S)
    await ending


async def test_nobody_listens_after_it(runtime: SlowRuntime) -> None:
    runtime.may_finish.set()
    async with running(runtime) as made:
        port = port_of(made)
        made.handle_exit(signal.SIGTERM, None)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=LIMIT_S)


async def test_without_a_descriptor_left_the_shutdown_goes_on(
    runtime: SlowRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_: socket.socket) -> socket.socket:
        raise OSError(24, "Too many open files")

    runtime.may_finish.set()
    async with running(runtime) as made:
        monkeypatch.setattr(socket.socket, "dup", none_left)
        made.handle_exit(signal.SIGTERM, None)
    assert not any(listener.is_serving() for listener in made.servers)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_an_address_of_ipv6_stands_in_brackets(runtime: SlowRuntime) -> None:
    runtime.may_finish.set()
    async with running(runtime, host="::1") as made:
        assert made.address.startswith("http://[::1]:")
        made.handle_exit(signal.SIGTERM, None)


def test_models_that_cannot_be_loaded_end_it_with_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = ModelSources(direct="/not/here", stilts="/not/here")
    status = serve(Settings(port=0, models=models))
    said = capsys.readouterr()
    assert status == 1
    assert said.out == "", "it never was ready"
    assert said.err.startswith("xcopa cannot start: XCOPA_MODELS__")
    assert said.err.count("\n") == 1
