"""uvicorn's server, with an end that is heard, and the one of the metrics port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from app.listening import admit_nobody

LAST_WORDS_S = 0.3
"""For calls on their way when listening ends: they are still told 503."""


class HttpServer(uvicorn.Server):
    """A server that answers, when it ends, also who has connected and was not heard yet."""

    @property
    def address(self) -> str:
        """The host and the port of a URL."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"{f'[{host}]' if ':' in host else host}:{port}"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer also who has connected but was not heard yet, then stop."""
        for connected in self._stop_listening(sockets or []):
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connected)
        await asyncio.sleep(LAST_WORDS_S)
        await super().shutdown(sockets)

    def _stop_listening(self, sockets: list[socket.socket]) -> list[socket.socket]:
        """Close the listening sockets; return the connections that waited to be accepted.

        To close a socket on which connections wait would reset them.
        """
        waiting: list[socket.socket] = []
        copies: list[socket.socket] = []
        # A copy keeps the socket open while the loop lets go of it. Without a descriptor left
        # for it, who waits there is reset; the rest of the shutdown goes on.
        with contextlib.suppress(OSError):
            copies.extend(each.dup() for each in sockets)
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()
        for copy in copies:
            with copy, contextlib.suppress(OSError):
                copy.setblocking(False)
                admit_nobody(copy)
                while True:
                    waiting.append(copy.accept()[0])
        return waiting

    def _protocol(self) -> asyncio.Protocol:
        kind = self.config.http_protocol_class
        return kind(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


class MetricsServer(HttpServer):
    """The server of probes and metrics, on the loop of the main one.

    It is there before the main one and after it, so that what becomes of a service that starts
    or drains can be seen. On a loop of its own it would say that all is well while the main one
    is stuck.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config)
        self._sockets = sockets
        self._ready = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the main server."""
        yield

    async def begin(self) -> None:
        """Serve from now on."""
        self._running = asyncio.create_task(self.serve(self._sockets))
        await self._ready.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def end(self) -> None:
        """Answer what was asked, and stop."""
        self.should_exit = True
        if self._running is not None:
            await self._running
