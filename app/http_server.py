"""uvicorn's server, with an end that is heard, and the one of the metrics port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from app.api.connections import Connections
from app.api.handshakes import Handshakes
from app.listening import admit_nobody
from app.tls import ServerTls

LAST_WORDS_S = 0.3
"""For calls on their way when listening ends: they are still told 503."""


@dataclass(frozen=True)
class Secured:
    """How a server speaks TLS."""

    tls: ServerTls
    shared: Connections
    """What the protocol of its connections was given."""


class HttpServer(uvicorn.Server):
    """A server that answers, when it ends, also who has connected and was not heard yet.

    With TLS it accepts connections itself, so that those whose handshake is not done count.
    """

    def __init__(self, config: uvicorn.Config, secured: Secured | None = None) -> None:
        super().__init__(config)
        self._secured = secured
        self._handshakes: Handshakes | None = None
        self._listening: list[socket.socket] = []

    @property
    def address(self) -> str:
        """The URL of the server."""
        host, port = self._listening[0].getsockname()[:2]
        scheme = "http" if self._secured is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections; ``sockets`` are bound."""
        self._listening = sockets or []
        if self._secured is None:
            await super().startup(sockets)
            return
        await super().startup([])
        tls, shared = self._secured.tls, self._secured.shared
        self._handshakes = Handshakes(self._protocol, tls.context, shared)
        self._handshakes.begin(self._listening, self.config.backlog)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer also who has connected but was not heard yet, then stop."""
        for connected in self._stop_listening(sockets or []):
            if self._handshakes is not None:
                self._handshakes.secure(connected)
                continue
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
        if self._handshakes is not None:
            self._handshakes.stop()
        for each in sockets:
            each.close()
        for copy in copies:
            with copy, contextlib.suppress(OSError):
                copy.setblocking(False)
                admit_nobody(copy)
                while True:
                    waiting.append(copy.accept()[0])
        return waiting

    def _protocol(self) -> Any:
        make: Callable[..., Any] = self.config.http_protocol_class
        state = self.lifespan.state
        return make(config=self.config, server_state=self.server_state, app_state=state)


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
