"""Connections whose TLS handshake is not done: counted, limited and ended like all others.

uvicorn leaves TLS to the event loop, which tells nobody of a connection before its handshake is
done. Those who connect and say nothing would then be counted by no limit, and stay for a minute.

Decision: docs/decisions/0032-ports-and-tls.md
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, cast

from app.api.connection import SHUTDOWN_LINGER_S, Connection
from app.api.connections import Connections

log = logging.getLogger(__name__)

GOODBYE_S = 1.0
"""How long a client may take to confirm the end of TLS; its answers have been sent by then."""

COLLECT_EVERY = 50
"""Connections that end between two collections of garbage.

The loop's transport and protocol of TLS refer to each other, and hold up to half a megabyte. For
the collector they are few objects: it left 190 MB before it came of itself. This takes 3 ms.
"""

_ended = itertools.count(1)

_NO_DESCRIPTOR_PAUSE_S = 1.0


class SecureConnection(Connection):
    """A connection that begins when its handshake is done."""

    handshake: Handshake

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.handshake.ended()
        super().connection_made(transport)
        if self.handshake.shutting_down:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if next(_ended) % COLLECT_EVERY == 0:
            gc.collect()


class Handshake:
    """One client's connection, from the first byte of TLS to the first of HTTP."""

    held_bytes = 0

    def __init__(
        self, client: socket.socket, behind: SecureConnection, shared: Connections
    ) -> None:
        self.shutting_down = False
        self._client = client
        self._shared = shared
        self._loop = behind.loop
        self._end: asyncio.TimerHandle | None = None
        # uvicorn's set has its own protocols alone by its type; it asks them for no more.
        self._everybody = cast("set[Any]", behind.connections)
        self._everybody.add(self)
        shared.waits(self)
        if not shared.make_room(self, len(self._everybody)):
            self.give_way()

    def give_way(self) -> None:
        """End at once; the loop then sees the end of the stream, and lets go of the socket."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def shutdown(self) -> None:
        """Give a client that is almost there the time to be told that the service ends."""
        self.shutting_down = True
        self._end = self._loop.call_later(SHUTDOWN_LINGER_S, self.give_way)

    def ended(self) -> None:
        """Note that the handshake is done, or that it failed."""
        self._everybody.discard(self)
        self._shared.works(self)
        if self._end is not None:
            self._end.cancel()


class Handshakes:
    """Accepts connections, and has the loop make each secure.

    Args:
        protocol: makes the protocol of a connection.
        context: returns what TLS is spoken with, for each connection anew.
        shared: what all connections of the server share.
    """

    def __init__(
        self,
        protocol: Callable[[], SecureConnection],
        context: Callable[[], ssl.SSLContext],
        shared: Connections,
    ) -> None:
        self._protocol = protocol
        self._context = context
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._listening: list[socket.socket] = []
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, listening: Sequence[socket.socket], backlog: int) -> None:
        """Accept who connects to these sockets from now on."""
        self._listening = list(listening)
        for each in self._listening:
            each.setblocking(False)
            each.listen(backlog)
            self._loop.add_reader(each, self._accept, each)

    def stop(self) -> None:
        """Accept nobody more; the sockets stay open, and handshakes go on."""
        for each in self._listening:
            self._loop.remove_reader(each)
        self._listening.clear()

    def secure(self, client: socket.socket) -> None:
        """Begin the handshake of a connection."""
        client.setblocking(False)
        task = self._loop.create_task(self._secure(client))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _accept(self, listening: socket.socket) -> None:
        try:
            client, _ = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            log.warning("cannot accept a connection: %s", error.strerror)
            self._loop.remove_reader(listening)
            self._loop.call_later(_NO_DESCRIPTOR_PAUSE_S, self._accept_again, listening)
            return
        self.secure(client)

    def _accept_again(self, listening: socket.socket) -> None:
        if listening in self._listening:
            self._loop.add_reader(listening, self._accept, listening)

    async def _secure(self, client: socket.socket) -> None:
        protocol = self._protocol()
        protocol.handshake = Handshake(client, protocol, self._shared)
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol,
                client,
                ssl=self._context(),
                ssl_handshake_timeout=self._shared.limits.receive_seconds,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError as error:
            self._shared.not_secured()
            log.debug("a TLS handshake failed: %s", error)
        finally:
            protocol.handshake.ended()
