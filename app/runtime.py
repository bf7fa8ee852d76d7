"""The life of one process: loading, ready, draining, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeVar, cast

from app.engine.model import Variant
from app.engine.tokenizer import CausalItem
from app.errors import InvalidRequestError, StartError, UnavailableError
from app.serving.scheduler import Limits
from app.serving.service import PredictionService
from app.telemetry.metrics import Metrics

T = TypeVar("T")

log = logging.getLogger(__name__)

LOADING_RETRY_AFTER = 2.0
"""Seconds that a caller is told to wait while the models load."""

_WARM_UP = CausalItem("The sun rose.", "It got light.", "It got dark.", "effect")


class State(Enum):
    """Where a process is in its life; it only ever moves down this list."""

    LOADING = "loading"
    READY = "ready"
    LEAVING = "leaving"
    """Told to stop: not ready, but still admitting, so that load balancers notice first."""
    DRAINING = "draining"
    STOPPED = "stopped"


class Runtime:
    """Holds the models and the service, and moves them through their life."""

    def __init__(
        self,
        load: Callable[[], Mapping[str, Variant]],
        limits: Limits,
        metrics: Metrics,
        tokeniser_threads: int,
    ) -> None:
        self.state = State.LOADING
        self._load = load
        self._limits = limits
        self._metrics = metrics
        self._tokeniser_threads = tokeniser_threads
        self._service: PredictionService[Variant] | None = None

    async def start(self) -> None:
        """Load the models off the event loop and answer one item with each.

        Raises:
            StartError: a model cannot be loaded.
        """
        started = time.monotonic()
        variants = await _in_daemon_thread(self._load_warm)
        self._service = PredictionService(
            variants, self._limits, self._metrics, self._tokeniser_threads
        )
        for name, variant in variants.items():
            self._metrics.model_info.labels(name, variant.revision).set(1)
        if self.state is State.LOADING:
            self._enter(State.READY)
        log.info("models loaded and warm after %.1f s", time.monotonic() - started)

    def _load_warm(self) -> Mapping[str, Variant]:
        """Load the models and have each answer once, so that the first caller does not wait.

        Raises:
            StartError: a model cannot be loaded, or loads but cannot answer.
        """
        variants = self._load()
        for name, variant in variants.items():
            [rows] = variant.tokenizer.encode([_WARM_UP])
            if isinstance(rows, InvalidRequestError):
                raise StartError(f"{name} cannot read a short question: {rows}")
            logits = variant.engine.logits(rows)
            if not all(map(math.isfinite, logits)):
                raise StartError(f"{name} answers with {logits}, which are no numbers")
        return variants

    async def drain(self, delay: float, grace: float) -> bool:
        """Leave in order: not ready, then no admissions, then finish what was accepted.

        Args:
            delay: seconds to go on admitting while already not ready.
            grace: seconds that accepted work may take after that.

        Returns:
            Whether everything accepted was finished within the grace time.
        """
        self._enter(State.LEAVING)
        await asyncio.sleep(delay)
        self._enter(State.DRAINING)
        if self._service is None:
            return True
        self._service.drain()
        give_up = time.monotonic() + grace
        # The worker's thread empties the queue, so there is no event of this loop to wait for.
        while not self._service.idle and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return self._service.idle

    async def stop(self) -> None:
        self._enter(State.STOPPED)
        if self._service is not None:
            await asyncio.to_thread(self._service.close)

    @property
    def ready(self) -> bool:
        return self.state is State.READY and self._service is not None and self._service.alive

    @property
    def started(self) -> bool:
        return self._service is not None and self.state is not State.LOADING

    @property
    def service(self) -> PredictionService[Variant]:
        """The service, once the models are loaded.

        Raises:
            UnavailableError: they are not yet.
        """
        if self._service is None or not self.started:
            raise UnavailableError("the models are loading", retry_after=LOADING_RETRY_AFTER)
        return self._service

    @property
    def served_variants(self) -> Mapping[str, Variant]:
        """The variants by name, once they are loaded; raises what ``service`` raises."""
        return self.service.models

    def _enter(self, state: State) -> None:
        self.state = state
        self._metrics.ready.set(1 if state is State.READY else 0)


async def _in_daemon_thread(work: Callable[[], T]) -> T:
    """Await work on a thread that does not keep the process from exiting.

    ``asyncio.to_thread`` would: a download cannot be cancelled, and a process that was told to
    stop would wait for it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", result))

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="xcopa-loader", daemon=True).start()
    return await done
