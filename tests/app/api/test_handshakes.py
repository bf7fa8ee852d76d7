"""Handshakes on asyncio's own loop; ``tests/e2e`` has them on uvloop, in the real server."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from app.api.connections import ConnectionLimits, Connections
from app.api.handshakes import Handshakes, SecureConnection
from app.settings import Settings
from app.telemetry.metrics import Metrics
from app.tls import ServerTls
from tests.app.test_server_drain import answers
from tests.certificates import Authority

pytestmark = pytest.mark.anyio

MOST = 3
RECEIVE_S = 0.5
LIMIT_S = 30
REQUEST = b"GET /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def state() -> ServerState:
    return ServerState()


@pytest.fixture
async def handshakes(
    authority: Authority, listener: socket.socket, state: ServerState
) -> AsyncIterator[Handshakes]:
    files = authority.issue("service", "127.0.0.1")
    tls = ServerTls(Settings(ssl_certfile=files.certificate, ssl_keyfile=files.key))
    limits = ConnectionLimits(MOST, 10_000, 10_000, RECEIVE_S)
    shared = Connections(limits, Metrics(["direct"]))
    config = Config(answers, log_config=None)
    config.load()

    def protocol() -> SecureConnection:
        return SecureConnection(shared=shared, config=config, server_state=state, app_state={})

    made = Handshakes(protocol, tls.context, shared)
    made.begin([listener], backlog=10)
    yield made
    made.stop()


async def ask(listener: socket.socket, context: ssl.SSLContext, request: bytes = REQUEST) -> bytes:
    host, port = listener.getsockname()
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), LIMIT_S)
    writer.close()
    return answer


async def connected(state: ServerState) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not state.connections:  # noqa: ASYNC110 - the server tells nobody of a handshake
            await asyncio.sleep(0)


async def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered(
    handshakes: Handshakes, listener: socket.socket, authority: Authority, state: ServerState
) -> None:
    answered = await asyncio.gather(
        *(ask(listener, authority.client_context()) for _ in range(MOST))
    )
    assert all(answer.endswith(b"/here") for answer in answered)


async def test_a_handshake_that_is_not_done_counts_and_ends_in_time(
    handshakes: Handshakes, listener: socket.socket, state: ServerState
) -> None:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    await connected(state)
    assert await asyncio.wait_for(reader.read(), LIMIT_S) == b""
    assert not state.connections
    writer.close()


async def test_the_one_that_has_waited_longest_gives_way(
    handshakes: Handshakes, listener: socket.socket, authority: Authority
) -> None:
    silent = [await asyncio.open_connection(*listener.getsockname()) for _ in range(MOST)]
    answer = await ask(listener, authority.client_context())
    assert answer.endswith(b"/here")
    assert await asyncio.wait_for(silent[0][0].read(), LIMIT_S) == b""
    for _, writer in silent:
        writer.close()


async def test_who_is_almost_there_at_the_end_is_told_that_the_service_ends(
    handshakes: Handshakes, listener: socket.socket, authority: Authority, state: ServerState
) -> None:
    context = authority.client_context()
    asking = asyncio.create_task(ask(listener, context, b""))
    await connected(state)
    for connection in list(state.connections):
        connection.shutdown()
    assert (await asking).startswith(b"HTTP/1.1 503")
