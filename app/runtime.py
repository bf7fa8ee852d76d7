"""The life of one process: loading, ready, draining, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar, cast

from app.engine.engine import Row
from app.engine.plan import EnginePlan
from app.engine.pool_engines import as_measured, pool_of, stopping_on_failure
from app.engine.tokenizer import CausalItem
from app.errors import InvalidRequestError, StartError, UnavailableError
from app.process import freeze_loaded_objects
from app.serving.calibration import BudgetRule, Calibration, calibrate
from app.serving.service import PredictionService, ServiceOptions
from app.serving.work import ModelProfile
from app.telemetry.metrics import Metrics, ModelInfo
from app.telemetry.tracing import Tracing
from app.weights.variant import Variant

T = TypeVar("T")

log = logging.getLogger(__name__)

LOADING_RETRY_AFTER = 2.0
"""``Retry-After`` while the models load, in seconds."""

STUCK_ENGINE_GRACE_S = 5.0
"""Seconds that the exit waits for a running batch; a stuck engine must not prevent the exit."""

_WARM_UP = CausalItem("The sun rose.", "It got light.", "It got dark.", "effect")


class State(Enum):
    """The states of a process, in order; it never returns to an earlier one."""

    LOADING = "loading"
    READY = "ready"
    LEAVING = "leaving"
    """Told to stop: not ready, but it still accepts calls, so that load balancers notice first."""
    DRAINING = "draining"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Served:
    """A model that is loaded, warm and measured."""

    variant: Variant
    calibration: Calibration

    @property
    def profile(self) -> ModelProfile:
        """What the scheduler is to know of it."""
        return replace(self.calibration.profile, weight=self.variant.weight)


@dataclass(frozen=True)
class _Warm:
    """A model that has answered, and a row that it answered."""

    variant: Variant
    row: Row


class Runtime:
    """Holds the models and the service, and moves them through their life."""

    def __init__(
        self,
        load: Callable[[], Mapping[str, Variant]],
        options: ServiceOptions,
        metrics: Metrics,
        tracing: Tracing | None = None,
        budget: BudgetRule | None = None,
        names: Sequence[str] = (),
    ) -> None:
        self.names = tuple(names)
        """Of the models, also before they are loaded."""
        self.state = State.LOADING
        self._load = load
        self._options = options
        self._metrics = metrics
        self._tracing = tracing
        self._budget = budget or BudgetRule()
        self._service: PredictionService[Variant] | None = None
        self._served: Mapping[str, Served] = {}
        metrics.watch_ready(lambda: self.ready)

    async def start(self) -> None:
        """Load the models off the event loop, warm them up and measure them.

        Raises:
            StartError: a model cannot be loaded.
        """
        started = time.monotonic()
        self._served = await _in_daemon_thread(self._load_warm)
        for name, served in self._served.items():
            self._publish(name, served)
        if (plan := self.engine_plan) is not None:
            self._metrics.engine_plan_chosen(plan.engines, plan.threads, plan.gain)
        self._service = PredictionService(
            {name: served.variant for name, served in self._served.items()},
            {name: served.profile for name, served in self._served.items()},
            self._options,
            self._metrics,
            self._tracing,
        )
        freeze_loaded_objects()
        if self.state is State.LOADING:
            self.state = State.READY
        log.info("models loaded and warm after %.1f s", time.monotonic() - started)

    def _load_warm(self) -> dict[str, Served]:
        """Load the models, run each once, and measure the time of its batches.

        Raises:
            StartError: a model cannot be loaded, or loads but cannot answer.
        """
        with self._timing("load"):
            variants = self._load()
        with stopping_on_failure([variant.engine for variant in variants.values()]):
            with self._timing("warm_up"):
                warm = {name: _warm(name, each) for name, each in variants.items()}
            with self._timing("calibrate"):
                return self._measure(warm)

    @contextlib.contextmanager
    def _timing(self, phase: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._metrics.start_took(phase, time.monotonic() - began)

    def _measure(self, warm: Mapping[str, _Warm]) -> dict[str, Served]:
        """Measure one model of each shape: the time of a batch does not depend on the weights."""
        measured: dict[str, Calibration] = {}
        served: dict[str, Served] = {}
        for name, each in warm.items():
            shape = each.variant.shape
            if shape not in measured:
                engine = as_measured(each.variant.engine, name)
                measured[shape] = calibrate(engine, each.row, self._budget)
            served[name] = Served(each.variant, measured[shape])
        return served

    def _publish(self, name: str, served: Served) -> None:
        profile = served.calibration.profile
        self._metrics.model_calibrated(
            name,
            batch_tokens=profile.batch_tokens,
            fixed_seconds=profile.curve.fixed,
            token_seconds=profile.curve.per_token,
        )
        self._metrics.model_loaded(_info(name, served))
        for choice in served.variant.kernels.choices:
            self._metrics.kernel_chosen(name, str(choice.product), choice.kernel, choice.gain)
        log.info(
            "%s: %s %d tokens per batch; a batch takes %.1f ms and %.3f ms per token; best rate "
            "measured %.0f tokens/s",
            name,
            "calibrated to" if self._budget.tokens is None else "set to",
            profile.batch_tokens,
            1000 * profile.curve.fixed,
            1000 * profile.curve.per_token,
            served.calibration.peak_rate,
        )
        log.info(
            "%s: tokens a batch, and per second: %s",
            name,
            ", ".join(f"{each.tokens}: {each.rate:.0f}" for each in served.calibration.samples),
        )

    async def drain(self, delay: float, grace: float) -> bool:
        """Shut down in order: not ready, then refuse new calls, then finish accepted ones.

        Args:
            delay: seconds to go on admitting while already not ready.
            grace: seconds that accepted work may take after that.

        Returns:
            Whether everything accepted was finished within the grace time.
        """
        self.state = State.LEAVING
        await asyncio.sleep(delay)
        self.state = State.DRAINING
        if self._service is None:
            return True
        self._service.drain()
        give_up = time.monotonic() + grace
        # The worker's thread empties the queue, so there is no event of this loop to wait for. If
        # the engine is stuck, its items have already failed and nothing is left to finish.
        service = self._service
        while not (service.idle or service.stuck) and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        finished = service.idle
        if not finished:
            service.give_up()
        return finished

    async def stop(self) -> None:
        self.state = State.STOPPED
        if self._service is not None:
            await asyncio.to_thread(self._service.close, STUCK_ENGINE_GRACE_S)

    @property
    def ready(self) -> bool:
        return self.state is State.READY and self._service is not None and self._service.moving

    @property
    def leaving(self) -> bool:
        """Whether the process was told to stop."""
        return self.state in (State.LEAVING, State.DRAINING, State.STOPPED)

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
    def engine_plan(self) -> EnginePlan | None:
        """The plan of the engines; None while there are none, and where this process computes."""
        pool = pool_of(served.variant.engine for served in self._served.values())
        return None if pool is None else pool.plan

    @property
    def condition(self) -> str:
        """The answer to a probe: the state, or that the engine is stuck."""
        stuck = self.state is State.READY and not self.ready
        return "stuck" if stuck else self.state.value

    @property
    def served(self) -> Mapping[str, Served]:
        """The models by name, once they are loaded; raises what ``service`` raises."""
        return self._served if self.service else {}


def _info(name: str, served: Served) -> ModelInfo:
    variant = served.variant
    return ModelInfo(
        name,
        variant.revision,
        variant.device,
        variant.precision,
        variant.threads,
        variant.kernels.names,
        served.calibration.profile.batch_tokens,
    )


def _warm(name: str, variant: Variant) -> _Warm:
    [rows] = variant.tokenizer.encode([_WARM_UP])
    if isinstance(rows, InvalidRequestError):
        raise StartError(f"{name} cannot tokenise a short question: {rows}")
    logits = variant.engine.logits(rows)
    if not all(map(math.isfinite, logits)):
        raise StartError(f"{name} answers with {logits}, which are not finite numbers")
    variant.engine.warm_up()
    return _Warm(variant, rows[0])


async def _in_daemon_thread(work: Callable[[], T]) -> T:
    """Await work on a thread that does not prevent the process from exiting.

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
        with contextlib.suppress(RuntimeError):  # the loop is closed: no call waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="xcopa-loader", daemon=True).start()
    return await done
