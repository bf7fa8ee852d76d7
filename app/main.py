"""Wiring: settings to an application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import Lifespan

from app import __version__
from app.api import keys_described, models, named_models, predict, probes, problem, rank
from app.api.access import AccessMiddleware
from app.api.content_encoding import DecodeBodyMiddleware
from app.api.cors import OriginsMiddleware
from app.api.dispatch import DispatchMiddleware
from app.api.json_route import JsonRoute
from app.api.leaving import LeavingMiddleware
from app.api.middleware import (
    BodyLimitMiddleware,
    DefectsMiddleware,
    RequestIdMiddleware,
    TargetMiddleware,
)
from app.api.open_inference import infer, metadata, repository
from app.api.predict import COMPARE
from app.api.probe_paths import is_probe
from app.api.require_key import RequireKeyMiddleware
from app.api.security_headers import SecurityHeadersMiddleware
from app.console import routes as console
from app.engine.plan import in_process
from app.errors import StartError, wanted_by
from app.keys.in_force import KeysInForce
from app.model_repository import ModelRepository
from app.model_settings.names import SEVERAL
from app.runtime import Runtime
from app.serving.admission import Limits
from app.serving.calibration import BudgetRule
from app.serving.service import ServiceOptions
from app.settings import Settings, split
from app.telemetry.logs import report_drops
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import Tracing, provider_from_environment
from app.weights.variant import Variant, load_models

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

log = logging.getLogger(__name__)

ROUTERS = [each.router for each in (predict, rank, models, probes, metadata, infer)]

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI would look for providers at each request; the service makes its own spans and metrics."""

OnStarted = Callable[[StartError | None], None]
"""Called once: when the models are warm, or with the error that they met."""


def create_app(
    settings: Settings | None = None,
    on_started: OnStarted | None = None,
    load: Callable[[Settings], Mapping[str, Variant]] | None = None,
    metrics_class: type[Metrics] = Metrics,
) -> FastAPI:
    """Make the application. When it starts, its models load on another thread.

    Args:
        settings: read from the environment if not given.
        on_started: see ``OnStarted``; without it an error is logged.
        load: returns the models; ``load_models`` if not given.
        metrics_class: what counts.

    Raises:
        StartError: the file of API keys cannot be read, or a line of it is wrong; or models are to
            be changed at run time where that cannot be.
    """
    settings = settings or Settings()
    _check_model_control(settings)
    names = tuple(settings.variants)
    metrics = _seeded(metrics_class(names), names)
    report_drops(metrics.log_lines_dropped)
    keys = _keys(settings, metrics)
    tracing = Tracing(provider_from_environment(__version__))
    runtime = Runtime(
        lambda: (load or load_models)(settings),
        _service_options(settings),
        metrics,
        tracing,
        BudgetRule(settings.batch_tokens, settings.batch_gain),
        names,
        settings.cache_dir,
    )
    app = _described(_lifespan(runtime, tracing, keys, on_started))
    app.state.settings, app.state.runtime, app.state.metrics = settings, runtime, metrics
    for router in ROUTERS:
        app.include_router(router)
    if settings.metrics_port is None:
        app.include_router(probes.metrics_router)
    if settings.console:
        app.include_router(console.make_router())
    problem.install(app)
    named_models.install(app, lambda: runtime.names)
    if settings.model_control:
        app.state.repository = ModelRepository(runtime, settings, metrics)
        app.include_router(repository.router)
    _add_middleware(app, settings, metrics, keys, tracing)
    tracing.add_to(app, partial(is_probe, prefix=settings.root_path))
    return app


def _described(lifespan: Lifespan[FastAPI]) -> FastAPI:
    # Like FastAPI, but /docs brings its own scripts: it opens where nothing else is reached.
    return FastAPIOffline(
        title="XCOPA with XLM-R",
        summary="Which of two choices is the more plausible cause or effect of a premise?",
        version=__version__,
        lifespan=lifespan,
        # A redirect would name the host and the scheme that the request claims.
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )


def _seeded(metrics: Metrics, names: Sequence[str]) -> Metrics:
    """Start what is known before the first request at zero."""
    compared = names if len(names) == 1 else [SEVERAL]
    routes = (route for router in ROUTERS for route in router.routes)
    asking = [route.path for route in routes if isinstance(route, JsonRoute)]
    metrics.seed_routes((path, compared if path == COMPARE else names) for path in asking)
    metrics.built(__version__, platform.python_version(), version("torch"))
    return metrics


def _keys(settings: Settings, metrics: Metrics) -> KeysInForce | None:
    """Return the API keys that are checked, or None where no key is needed."""
    if settings.api_keys_file is None:
        return None
    with wanted_by("XCOPA_API_KEYS_FILE"):
        return KeysInForce(settings.api_keys_file, metrics)


def _check_model_control(settings: Settings) -> None:
    if not settings.model_control:
        return
    with wanted_by("XCOPA_MODEL_CONTROL"):
        # Not even on the loopback address: any page in a browser of this machine can post to it.
        if settings.api_keys_file is None:
            raise StartError(
                "it needs XCOPA_API_KEYS_FILE, or whoever reaches the port could change the "
                "models; `xcopa keys add NAME --admin` makes the key that may"
            )
        if in_process(settings.engines):
            raise StartError(
                "it needs engines in processes of their own (XCOPA_ENGINES other than 0, on "
                "Linux): the memory of models in this process is not given back"
            )


def create_metrics_app(main: FastAPI) -> FastAPI:
    """Make the application of the metrics port: the probes and metrics of another application.

    It has no keys and no pages, and what happens there is counted with the rest.
    """
    app = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
    app.state = main.state
    for router in (probes.router, probes.metrics_router):
        app.include_router(router)
    problem.install(app)
    app.add_middleware(DefectsMiddleware)
    _add_outer_middleware(app, main.state.settings)
    app.add_middleware(TargetMiddleware)
    return app


def _service_options(settings: Settings) -> ServiceOptions:
    return ServiceOptions(
        limits=Limits(settings.queue_seconds, settings.max_wait_ms / 1000),
        tokeniser_threads=settings.tokeniser_threads,
        watchdog_seconds=settings.watchdog_s,
        cache_bytes=settings.cache_bytes,
    )


def _lifespan(
    runtime: Runtime, tracing: Tracing, keys: KeysInForce | None, on_started: OnStarted | None
) -> Lifespan[FastAPI]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(_start(runtime, on_started))
        if keys is None:
            log.info("no API key is needed: whoever reaches the port may call; XCOPA_API_KEYS_FILE")
        else:
            keys.start()
        yield
        if keys is not None:
            keys.stop()
        loading.cancel()
        await runtime.stop()
        tracing.close()

    return lifespan


def _add_middleware(
    app: FastAPI,
    settings: Settings,
    metrics: Metrics,
    keys: KeysInForce | None,
    tracing: Tracing,
) -> None:
    # The last one added is the outermost.
    app.add_middleware(DispatchMiddleware, routers=ROUTERS)
    app.add_middleware(DecodeBodyMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    if keys is not None:
        # Before the body is read.
        app.add_middleware(RequireKeyMiddleware, keys=keys, metrics=metrics)
        keys_described.install(app)
    app.add_middleware(DefectsMiddleware)
    if origins := split(settings.cors_origins):
        app.add_middleware(OriginsMiddleware, origins=origins)
    _add_outer_middleware(app, settings, tracing)
    app.add_middleware(LeavingMiddleware, runtime=app.state.runtime)
    app.add_middleware(TargetMiddleware, root_path=settings.root_path)


def _add_outer_middleware(app: FastAPI, settings: Settings, tracing: Tracing | None = None) -> None:
    metrics: Metrics = app.state.metrics
    texts = settings.log_texts
    app.add_middleware(AccessMiddleware, metrics=metrics, tracing=tracing, texts=texts)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(RequestIdMiddleware)


async def _start(runtime: Runtime, on_started: OnStarted | None) -> None:
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
