"""uvicorn, with an exit that drains: SIGTERM and Ctrl-C finish what was accepted, then exit 0."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from functools import partial
from types import FrameType
from typing import Any

import typer
import uvicorn

from app.api.connection import Connection
from app.api.connections import ConnectionLimits, Connections
from app.errors import StartError
from app.listening import admit_nobody, listen
from app.main import create_app
from app.process import allow_connections
from app.runtime import Runtime
from app.settings import NONE, Settings
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

RESPONSE_GRACE_S = 5
"""What uvicorn allows for responses to be written, after the queue has been drained."""


def serve(settings: Settings) -> int:
    """Serve until told to stop; return the exit status of the process."""
    failures: list[StartError] = []

    def on_started(failure: StartError | None) -> None:
        if failure is None:
            typer.echo(f"xcopa is ready: {server.address} (interactive docs at /docs)")
            return
        failures.append(failure)
        server.should_exit = True

    try:
        app = create_app(settings, on_started)
        # Before the models load, which takes long and cannot be called off.
        sockets = listen(settings.host, settings.port)
    except StartError as error:
        typer.echo(f"xcopa cannot start: {error}", err=True)
        return 1
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=RESPONSE_GRACE_S,
        **connection_options(settings, app.state.metrics),
    )
    server = DrainingServer(config, app.state.runtime, settings)
    server.run(sockets)
    for failure in failures:
        typer.echo(f"xcopa cannot start: {failure}", err=True)
    return 1 if failures or not server.started else 0


def connection_options(settings: Settings, metrics: Metrics) -> dict[str, Any]:
    """Return how uvicorn is to treat connections: our protocol, its limits, trusted proxies."""
    limits = ConnectionLimits(
        connections=allow_connections(settings.max_connections),
        header_bytes=settings.max_header_bytes,
        buffered_bytes=settings.max_buffered_bytes,
        receive_seconds=settings.receive_timeout_s,
    )
    return {
        "http": partial(Connection, shared=Connections(limits, metrics)),
        # There is no WebSocket here, so an offer to switch to one is ignored like any other.
        "ws": "none",
        "timeout_keep_alive": settings.keep_alive_s,
        "proxy_headers": settings.forwarded_allow_ips != NONE,
        "forwarded_allow_ips": settings.forwarded_allow_ips,
    }


LAST_WORDS_S = 0.3
"""For calls on their way when listening ends: they are still told 503."""


class DrainingServer(uvicorn.Server):
    """A server whose first signal drains and whose second one stops at once."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime, settings: Settings) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None
        self._signalled = False

    @property
    def address(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # uvicorn would raise the signal again at the end, and so not exit with 0; therefore
        # its own handler is not called.
        if self._signalled or self._loop is None:
            self.should_exit = self.force_exit = True
            return
        self._signalled = True
        self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        self._draining = asyncio.ensure_future(self._drain())

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

    async def _drain(self) -> None:
        log.info("told to stop: draining")
        settings = self._settings
        finished = await self._runtime.drain(settings.drain_delay_s, settings.drain_grace_s)
        if not finished:
            log.warning("work was left after %.0f s of grace", settings.drain_grace_s)
        self.should_exit = True
