"""Wiring: settings to an application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import torch
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from app import __version__
from app.api import models, predict, probes, problem
from app.api.middleware import BodyLimitMiddleware, CountRequestsMiddleware, RequestIdMiddleware
from app.engine.lanes import LanePlan
from app.engine.target import choose_target
from app.engine.threads import choose_threads
from app.errors import StartError
from app.runtime import Runtime
from app.serving.scheduler import Limits
from app.serving.service import ServiceOptions
from app.settings import Settings
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import Tracing, provider_from_environment
from app.weights.embedded import BaseUnavailableError, ensure_base
from app.weights.loading import Variant, load_variants

log = logging.getLogger(__name__)


def create_app(
    settings: Settings | None = None,
    on_started: Callable[[StartError | None], None] | None = None,
    load: Callable[[Settings], Mapping[str, Variant]] | None = None,
) -> FastAPI:
    """Make the application; its models load, beside the event loop, when it starts.

    Args:
        settings: read from the environment when not given.
        on_started: called once, when the models are warm, or with the error that they met.
        load: returns the models; ``load_models`` when not given.
    """
    settings = settings or Settings()
    sources = settings.models.model_dump()
    metrics = Metrics(sources)
    tracing = Tracing(provider_from_environment())
    runtime = Runtime(
        lambda: (load or load_models)(settings),
        ServiceOptions(
            limits=Limits(settings.queue_seconds, settings.max_wait_ms / 1000),
            tokeniser_threads=settings.tokeniser_threads,
            watchdog_seconds=settings.watchdog_s,
            cache_bytes=settings.cache_bytes,
        ),
        metrics,
        tracing,
        settings.batch_tokens,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(_start(runtime, on_started))
        yield
        loading.cancel()
        await runtime.stop()
        tracing.close()

    # Like FastAPI, but /docs brings its own scripts: it opens where nothing else is reached.
    app = FastAPIOffline(
        title="XCOPA with XLM-R",
        summary="Which of two choices is the more plausible cause or effect of a premise?",
        version=__version__,
        lifespan=lifespan,
    )
    app.state.settings, app.state.runtime, app.state.metrics = settings, runtime, metrics
    for router in (predict.router, models.router, probes.router):
        app.include_router(router)
    problem.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(CountRequestsMiddleware, metrics=metrics)
    app.add_middleware(RequestIdMiddleware)
    if tracing.provider is not None:
        app.add_middleware(OpenTelemetryMiddleware, tracer_provider=tracing.provider)
    return app


def load_models(settings: Settings) -> dict[str, Variant]:
    """Load both variants as the settings name them, on as many threads as the quota allows.

    Raises:
        StartError: one of them cannot be loaded, or the machine lacks what a setting asks for.
    """
    choice = choose_threads(settings.threads)
    plan = LanePlan.of(choice.threads)
    torch.set_num_threads(plan.threads_a_lane)
    log.info(
        "a forward pass uses %d threads, in %d lanes: %s",
        choice.threads,
        plan.lanes,
        choice.reason,
    )
    computing = choose_target(settings.device, settings.precision)
    log.info("the models compute on %s", computing.reason)
    return load_variants(
        settings.models.model_dump(), lambda: embedded_base(settings), computing.target, plan
    )


def embedded_base(settings: Settings) -> Path:
    """Return the directory of the embedded base, assembled on first use.

    Raises:
        StartError: it cannot be assembled.
    """
    try:
        return ensure_base(settings.cache_dir)
    except BaseUnavailableError as error:
        raise StartError(str(error)) from error


async def _start(runtime: Runtime, on_started: Callable[[StartError | None], None] | None) -> None:
    failure: StartError | None = None
    try:
        await runtime.start()
    except StartError as error:
        failure = error
    except Exception as error:
        log.exception("an unexpected error while the models loaded")
        failure = StartError(f"the models did not load: {error!r}")
    if on_started is not None:
        on_started(failure)
    elif failure is not None:
        log.error("cannot start: %s", failure)
