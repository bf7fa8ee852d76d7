"""One connection on a real socket, with a small application that tells what it was given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.api.connection import Connection
from app.api.connections import ConnectionLimits, Connections
from app.telemetry.metrics import Metrics

LIMIT_S = 20
LIMITS = ConnectionLimits(
    connections=2, header_bytes=2_000, buffered_bytes=100_000, receive_seconds=0.2
)
HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

pytestmark = pytest.mark.anyio


class Service:
    """A server of one application, which answers with the headers and the size of the body."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.shared = Connections(limits, Metrics(["direct"]))
        self.proceed = asyncio.Event()
        self.proceed.set()
        self.answer_bytes = 0
        self.at_work = asyncio.Semaphore(0)
        self.state = ServerState()
        self.port = 0
        self.app_called: ASGIApp = self.app

    async def called(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app_called(scope, receive, send)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.at_work.release()
        await self.proceed.wait()
        names = [name.decode() for name, _ in scope["headers"]]
        body = json.dumps({"size": size, "names": names}).encode().ljust(self.answer_bytes)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def connect(self, *parts: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"".join(parts))
        return reader, writer


@asynccontextmanager
async def serving(limits: ConnectionLimits = LIMITS) -> AsyncIterator[Service]:
    service = Service(limits)
    config = Config(
        service.called, log_config=None, ws="none", interface="asgi3", timeout_keep_alive=75
    )
    config.load()
    protocol = partial(
        Connection,
        shared=service.shared,
        config=config,
        server_state=service.state,
        app_state={},
    )
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT_S):
        server = await loop.create_server(protocol, "127.0.0.1", 0)
        service.port = server.sockets[0].getsockname()[1]
        yield service
        server.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read the status and the body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = int(head.split("content-length: ")[1].split("\r\n")[0])
    return int(head.split(" ")[1]), await reader.readexactly(size)


async def until_held(service: Service, size: int) -> None:
    while service.shared.held_bytes != size:  # noqa: ASYNC110 - what is tested has no event
        await asyncio.sleep(0)


async def test_trailers_are_not_added_to_the_headers() -> None:
    async with serving() as service:
        trailers = b"3\r\nabc\r\n0\r\nX-API-Key: mine\r\nTrailing: yes\r\n\r\n"
        reader, writer = await service.connect(HEAD, CHUNKED, trailers)
        status, body = await answer(reader)
        assert (status, json.loads(body)["size"]) == (200, 3)
        assert json.loads(body)["names"] == ["host", "transfer-encoding"]
        writer.close()


async def test_the_offer_to_upgrade_is_not_seen_by_the_application() -> None:
    async with serving() as service:
        offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"
        reader, writer = await service.connect(HEAD, offer)
        status, body = await answer(reader)
        assert (status, json.loads(body)["size"]) == (200, 3)
        assert json.loads(body)["names"] == ["host", "connection", "content-length"]
        writer.close()


async def test_a_body_is_held_until_its_answer_and_no_longer() -> None:
    async with serving() as service:
        service.proceed.clear()
        reader, writer = await service.connect(HEAD, b"Content-Length: 500\r\n\r\n", bytes(500))
        await service.at_work.acquire()
        assert service.shared.held_bytes == 500
        service.proceed.set()
        assert (await answer(reader))[0] == 200
        assert service.shared.held_bytes == 0
        writer.close()


async def test_a_body_is_not_held_when_its_sender_leaves() -> None:
    async with serving() as service:
        _, writer = await service.connect(HEAD, b"Content-Length: 500\r\n\r\n", bytes(300))
        await until_held(service, 300)
        writer.close()
        await until_held(service, 0)


async def test_a_newcomer_is_refused_while_every_connection_has_a_call_at_work() -> None:
    async with serving() as service:
        service.proceed.clear()
        working = [await service.connect(HEAD, b"Content-Length: 0\r\n\r\n") for _ in range(2)]
        for _ in working:
            await service.at_work.acquire()
        reader, refused = await service.connect()
        status, body = await answer(reader)
        assert (status, json.loads(body)["detail"]) == (503, "too many connections")
        service.proceed.set()
        assert [(await answer(each))[0] for each, _ in working] == [200, 200]
        for writer in (refused, *(writer for _, writer in working)):
            writer.close()


async def test_a_body_is_refused_while_all_others_are_at_work() -> None:
    async with serving(replace(LIMITS, buffered_bytes=800)) as service:
        service.proceed.clear()
        head = b"Content-Length: 500\r\n\r\n"
        working, writer = await service.connect(HEAD, head, bytes(500))
        await service.at_work.acquire()
        reader, refused = await service.connect(HEAD, head, bytes(500))
        assert (await answer(reader))[0] == 503
        service.proceed.set()
        assert (await answer(working))[0] == 200
        writer.close()
        refused.close()


async def test_an_answer_that_is_not_read_is_given_up() -> None:
    async with serving() as service:
        service.answer_bytes = 50_000_000
        reader, writer = await service.connect(HEAD, b"Content-Length: 500\r\n\r\n", bytes(500))
        await service.at_work.acquire()
        while service.state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await answer(reader)
        writer.close()


async def test_who_sends_faster_than_it_is_answered_is_read_no_further() -> None:
    """All requests of a client that pipelined were in memory: 1.5 GB for 430,000 of them."""
    waiting: list[int] = []
    padded = b"GET /x HTTP/1.1\r\nHost: x\r\nX-Padding: %b\r\n\r\n" % (b"x" * 1_900)
    last = b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with serving() as service:
        answer = service.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(0)  # as any route that computes: the loop may read meanwhile
            [connection] = service.state.connections
            waiting.append(len(connection.pipeline))  # type: ignore[union-attr]
            await answer(scope, receive, send)

        service.app_called = app
        reader, writer = await service.connect(padded * 2_000, last)
        answers = await asyncio.wait_for(reader.read(), LIMIT_S)
        writer.close()
    assert answers.count(b"HTTP/1.1 200") == len(waiting) == 2_001
    assert max(waiting) < 400


async def test_who_has_connected_and_was_not_heard_is_answered_when_the_process_ends() -> None:
    """Under load its request came after the connection had been closed, and was reset."""
    async with serving() as service:
        reader, writer = await service.connect()
        while not service.state.connections:  # noqa: ASYNC110 - the server tells of it nowhere else
            await asyncio.sleep(0)
        [connection] = service.state.connections
        connection.shutdown()
        writer.write(HEAD + CHUNKED + b"0\r\n\r\n")
        answered = await asyncio.wait_for(reader.read(), LIMIT_S)
        writer.close()
    assert answered.startswith(b"HTTP/1.1 503")
