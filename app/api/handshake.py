"""A connection until its TLS handshake is done: counted, limited and ended like any other.

uvicorn gives TLS to the event loop, which tells nobody of a connection before its handshake is
done. So those who connect and say nothing would be counted by no limit, and stay for a minute.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

from app.api.connection import SHUTDOWN_LINGER_S, Connection
from app.api.connections import Connections

log = logging.getLogger(__name__)

GOODBYE_S = 1.0
"""How long a client may take to confirm the end of TLS; its answers have been sent by then."""


class Handshake(asyncio.Protocol):
    """Makes a connection secure, then hands it over.

    Args:
        context: returns what TLS is spoken with, for each connection anew.
        shared: the connections of the server, which are those behind a handshake too.
        server: what uvicorn gives to a protocol.
    """

    held_bytes = 0

    def __init__(
        self, *, context: Callable[[], ssl.SSLContext], shared: Connections, **server: Any
    ) -> None:
        self._behind = Connection(shared=shared, **server)
        self._shared = shared
        self._context = context
        self._loop = self._behind.loop
        self._early: list[bytes] = []
        """What arrives with the end of the handshake, before this file is told of that end."""
        self._handed_over = False
        self._lost = False
        self._shutting_down = False
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        # What is read before TLS takes over would be lost.
        transport.pause_reading()
        everybody: set[Any] = self._behind.connections
        everybody.add(self)
        self._shared.waits(self)
        if not self._shared.make_room(self, len(everybody)):
            transport.abort()
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._handed_over:  # the loop had this call under way
            self._behind.connection_lost(exc)

    def give_way(self) -> None:
        """End at once: another connection needs the place."""
        self._transport.abort()

    def shutdown(self) -> None:
        """Give a client that is almost there the time to be told that the service ends."""
        self._shutting_down = True
        self._end = self._loop.call_later(SHUTDOWN_LINGER_S, self._transport.abort)

    async def _run(self) -> None:
        try:
            secured = await self._secure()
        finally:
            self._shared.works(self)
            everybody: set[Any] = self._behind.connections
            everybody.discard(self)
            if self._end is not None:
                self._end.cancel()
        if secured is not None and not self._lost:
            self._hand_over(secured)

    async def _secure(self) -> asyncio.Transport | None:
        """Return the secure transport, or None if there is nobody to speak with."""
        if self._transport.is_closing():
            return None
        try:
            return await self._loop.start_tls(
                self._transport,
                self,
                self._context(),
                server_side=True,
                ssl_handshake_timeout=self._shared.limits.receive_seconds,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError as error:
            self._shared.not_secured()
            log.debug("no TLS with %s: %s", self._transport.get_extra_info("peername"), error)
            self._transport.abort()
            return None

    def _hand_over(self, secured: asyncio.Transport) -> None:
        self._handed_over = True
        secured.set_protocol(self._behind)
        self._behind.connection_made(secured)
        if self._early:
            self._behind.data_received(b"".join(self._early))
            self._early.clear()
        if self._shutting_down:
            self._behind.shutdown()
