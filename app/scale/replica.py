"""One replica: the whole service, with a scheduler and engines of its own, in an actor of Ray's.

Serve makes it on a node of the cluster; its settings are the ``XCOPA_*`` variables there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from app.errors import StartError
from app.process import drop_unknown_propagators
from app.read_settings import log_remarks, read_settings
from app.scale.lifespan import ReplicaLifespan
from app.scale.load import LoadMeter
from app.settings import Settings
from app.telemetry import logs

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from app.http_server import MetricsServer
    from app.runtime import Runtime

log = logging.getLogger(__name__)


class StuckReplicaError(Exception):
    """The engines of a replica do not move; Serve replaces it."""


class RayReplica:
    """What Serve wants of a deployment: an application, its health, and figures to scale by.

    Args:
        threads: that compute, or None on a GPU.

    Raises:
        StartError: a setting is wrong.
    """

    def __init__(self, threads: int | None) -> None:
        settings = replica_settings(threads)
        # After the environment is in order: libraries read it when they are imported.
        from app.main import create_app

        self._settings = settings
        self._outcome: asyncio.Future[StartError | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._service: FastAPI = create_app(settings, self._outcome.set_result)
        self._meter = LoadMeter(time.monotonic)
        self._metrics: MetricsServer | None = None

    async def __serve_build_asgi_app__(self) -> ASGIApp:
        """Return what answers requests; Serve runs its lifespan and then asks for the health."""
        if self._settings.metrics_port is not None:
            await self._serve_metrics()
        return ReplicaLifespan(self._service, self._wait, self._drain)

    async def check_health(self) -> None:
        """Say that the replica can be asked; called every few seconds.

        Raises:
            StartError: its models cannot be loaded, so Serve tells whoever deployed it.
            StuckReplicaError: its engines do not move, so Serve replaces it.
        """
        failure = await self._wait()
        if failure is not None:
            raise failure
        if self._runtime.condition == "stuck":
            raise StuckReplicaError("no engine has finished a batch within its time limit")

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return the figures for ``QueuePolicy``; called every few seconds."""
        return self._meter.read(self._runtime.service.load)

    @property
    def _runtime(self) -> Runtime:
        runtime: Runtime = self._service.state.runtime
        return runtime

    async def _wait(self) -> StartError | None:
        return await asyncio.shield(self._outcome)

    async def _drain(self) -> None:
        # Serve sends nothing more by now: there is nobody to wait for before the doors close.
        await self._runtime.drain(0.0, self._settings.drain_grace_s)
        if self._metrics is not None:
            await self._metrics.end()

    async def _serve_metrics(self) -> None:
        from app.listening import METRICS, listen
        from app.server import connection_limits, metrics_server

        settings = self._settings
        assert settings.metrics_port is not None
        host = settings.metrics_host or settings.host
        sockets = listen(host, settings.metrics_port, METRICS)
        self._metrics = metrics_server(
            self._service, settings, connection_limits(settings), sockets
        )
        await self._metrics.begin()
        log.info("probes and metrics: %s", self._metrics.address)


def replica_settings(threads: int | None) -> Settings:
    """Read the settings of a replica from its environment, and set up its log.

    Raises:
        StartError: one is wrong; the message names the variable.
    """
    settings = read_settings()
    form = "json" if settings.log_format == "auto" else settings.log_format
    logs.configure(settings.log_level, form, texts=settings.log_texts, service=True)
    log_remarks(settings)
    drop_unknown_propagators()
    if settings.threads is None and threads is not None:
        # Ray reserves processors and does not confine an actor to them.
        return settings.model_copy(update={"threads": threads})
    return settings
