"""uvicorn, with an exit that drains: SIGTERM and Ctrl-C finish what was accepted, then exit 0."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any

import typer
import uvicorn
from fastapi import FastAPI

from app.api.connection import Connection
from app.api.connections import ConnectionLimits, Connections
from app.api.handshakes import SecureConnection
from app.errors import StartError
from app.http_server import HttpServer, MetricsServer, Secured
from app.listening import METRICS, listen
from app.main import create_app, create_metrics_app
from app.process import allow_connections
from app.runtime import Runtime
from app.settings import NONE, Settings
from app.telemetry.metrics import Metrics
from app.tls import ServerTls, server_tls

log = logging.getLogger(__name__)

RESPONSE_GRACE_S = 5
"""What uvicorn allows for responses to be written, after the queue has been drained."""


METRICS_CONNECTIONS = 32
"""Open at once on the metrics port: kubelet, Prometheus, and whoever looks."""


@dataclass(frozen=True)
class Ports:
    """What is made sure of before the models load, which takes long and cannot be called off."""

    tls: ServerTls | None
    main: list[socket.socket]
    metrics: list[socket.socket]
    """Empty where the main port has the metrics."""


def open_ports(settings: Settings) -> Ports:
    """Read the certificate, and listen.

    Raises:
        StartError: one of them cannot be; the message names the variable to change.
    """
    tls = server_tls(settings)
    main = listen(settings.host, settings.port)
    if settings.metrics_port is None:
        return Ports(tls, main, [])
    host = settings.metrics_host or settings.host
    return Ports(tls, main, listen(host, settings.metrics_port, METRICS))


def serve(settings: Settings) -> int:
    """Serve until told to stop; return the exit status of the process."""
    failures: list[StartError] = []

    def on_started(failure: StartError | None) -> None:
        if failure is None:
            pages = "console at /, interactive docs" if settings.console else "interactive docs"
            typer.echo(f"xcopa is ready: {server.address} ({pages} at /docs)")
            return
        failures.append(failure)
        server.should_exit = True

    try:
        app = create_app(settings, on_started)
        ports = open_ports(settings)
    except StartError as error:
        typer.echo(f"xcopa cannot start: {error}", err=True)
        return 1
    server = _server(app, settings, ports)
    server.run(ports.main)
    for failure in failures:
        typer.echo(f"xcopa cannot start: {failure}", err=True)
    return 1 if failures or not server.started else 0


def _server(app: FastAPI, settings: Settings, ports: Ports) -> DrainingServer:
    metrics: Metrics = app.state.metrics
    limits = connection_limits(settings)
    shared = Connections(limits, metrics)
    secured = None if ports.tls is None else Secured(ports.tls, shared)
    kind = Connection if secured is None else SecureConnection
    config = _config(app, connection_options(settings, shared, kind))
    beside = metrics_server(app, settings, limits, ports.metrics) if ports.metrics else None
    return DrainingServer(config, app.state.runtime, settings, secured, beside)


def metrics_server(
    app: FastAPI, settings: Settings, limits: ConnectionLimits, sockets: list[socket.socket]
) -> MetricsServer:
    """Return the server of the metrics port of an application; ``sockets`` are bound."""
    few = Connections(replace(limits, connections=METRICS_CONNECTIONS), app.state.metrics)
    config = _config(create_metrics_app(app), connection_options(settings, few))
    return MetricsServer(config, sockets)


def _config(app: FastAPI, options: dict[str, Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=RESPONSE_GRACE_S,
        **options,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Return what the connections of the main port may take, as far as the system allows it."""
    return ConnectionLimits(
        connections=allow_connections(settings.max_connections),
        header_bytes=settings.max_header_bytes,
        buffered_bytes=settings.max_buffered_bytes,
        receive_seconds=settings.receive_timeout_s,
    )


def connection_options(
    settings: Settings, shared: Connections, kind: type[Connection] = Connection
) -> dict[str, Any]:
    """Return how uvicorn is to treat connections: our protocol, its limits, trusted proxies."""
    return {
        "http": partial(kind, shared=shared),
        # There is no WebSocket here, so an offer to switch to one is ignored like any other.
        "ws": "none",
        "timeout_keep_alive": settings.keep_alive_s,
        "proxy_headers": settings.forwarded_allow_ips != NONE,
        "forwarded_allow_ips": settings.forwarded_allow_ips,
    }


class DrainingServer(HttpServer):
    """A server whose first signal drains and whose second one stops at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        runtime: Runtime,
        settings: Settings,
        secured: Secured | None = None,
        metrics_server: MetricsServer | None = None,
    ) -> None:
        super().__init__(config, secured)
        self._metrics_server = metrics_server
        self._runtime = runtime
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None
        self._signalled = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if self._metrics_server is not None:
            await self._metrics_server.begin()
            log.info("probes and metrics: %s", self._metrics_server.address)
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
        await super().shutdown(sockets)
        if self._metrics_server is not None:
            await self._metrics_server.end()

    async def _drain(self) -> None:
        log.info("told to stop: draining")
        settings = self._settings
        finished = await self._runtime.drain(settings.drain_delay_s, settings.drain_grace_s)
        if not finished:
            log.warning("work was left after %.0f s of grace", settings.drain_grace_s)
        self.should_exit = True
