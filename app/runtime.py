"""The life of one process: loading, ready, draining, stopped; and which generation answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from app.engine.plan import EnginePlan
from app.errors import ServiceError, UnavailableError
from app.generation import (
    Generation,
    ModelLoader,
    Models,
    Served,
    Timing,
    end_unused,
    load_generation,
    plan_of,
)
from app.process import freeze_loaded_objects
from app.serving.answer import Answer, Ask
from app.serving.calibration import BudgetRule
from app.serving.service import PredictionService, ServiceOptions
from app.telemetry.metrics import Metrics, ModelInfo
from app.telemetry.tracing import Tracing
from app.weights.variant import Variant

T = TypeVar("T")

log = logging.getLogger(__name__)

LOADING_RETRY_AFTER = 2.0
"""``Retry-After`` while the models load, in seconds."""

LEAVING_RETRY_AFTER = 5.0
"""``Retry-After`` of a change of models that comes too late, in seconds."""

STUCK_ENGINE_GRACE_S = 5.0
"""Seconds that the exit waits for a running batch; a stuck engine must not prevent the exit."""

_LOOK_S = 0.02
"""Between two looks whether work is finished."""


class State(Enum):
    """The states of a process, in order; it never returns to an earlier one."""

    LOADING = "loading"
    READY = "ready"
    LEAVING = "leaving"
    """Told to stop: not ready, but it still accepts calls, so that load balancers notice first."""
    DRAINING = "draining"
    STOPPED = "stopped"


class Runtime:
    """Holds the generation that answers, and moves it, or the next one, through its life."""

    def __init__(
        self,
        load: ModelLoader,
        options: ServiceOptions,
        metrics: Metrics,
        tracing: Tracing | None = None,
        budget: BudgetRule | None = None,
        names: Sequence[str] = (),
        directory: Path | None = None,
    ) -> None:
        self.names = tuple(names)
        """Of the models, also before they are loaded."""
        self.state = State.LOADING
        self._load = load
        self._options = options
        self._metrics = metrics
        self._tracing = tracing
        self._budget = budget or BudgetRule()
        self._directory = directory
        """Where measurements are kept; None keeps none."""
        self._generation: Generation | None = None
        self._retiring: Generation | None = None
        """The one before, while calls are still with it."""
        self._loading: asyncio.Task[Models] | None = None
        """What is loaded beside the models that are served."""
        metrics.watch_ready(lambda: self.ready)
        metrics.watch_generations(lambda: self._in_memory)

    async def start(self) -> None:
        """Load the models off the event loop, warm them up and measure them.

        Raises:
            StartError: a model cannot be loaded.
        """
        started = time.monotonic()
        self._take_over(await self._load_off_loop(self._load, self._timing, {}))
        freeze_loaded_objects()
        if self.state is State.LOADING:
            self.state = State.READY
        log.info("models loaded and warm after %.1f s", time.monotonic() - started)

    async def replace(self, load: ModelLoader) -> None:
        """Load models beside those that are served, move to them, and end the old ones.

        Calls that come from then on are answered by the new models. Returns when those of before
        have been answered, and the old models are no more. One replacement at a time.

        Args:
            load: returns all models that are to be served.

        Raises:
            StartError: a model cannot be loaded; those that are served stay.
            ServiceError: what ``load`` raises.
            UnavailableError: the process was told to stop before they were loaded.
        """
        assert self._generation is not None
        old, started = self._generation, time.monotonic()
        loaded = await self._load_beside(load, old.served)
        self._take_over(loaded)
        log.info("new models are served after %.1f s", time.monotonic() - started)
        self._retiring = old
        await self._retire(old)
        log.info("the old models are no more after %.1f s", time.monotonic() - started)

    async def _load_beside(self, load: ModelLoader, served: Models) -> Models:
        """Load models while others are served, unless the process is told to stop meanwhile."""
        self._refuse_when_leaving()
        self._loading = asyncio.ensure_future(self._load_off_loop(load, _untimed, served))
        try:
            loaded = await self._loading
        except asyncio.CancelledError:
            self._refuse_when_leaving()
            raise
        finally:
            self._loading = None
        if self.leaving:
            await asyncio.to_thread(end_unused, loaded)
            self._refuse_when_leaving()
        return loaded

    def _refuse_when_leaving(self) -> None:
        if self.leaving:
            detail = "the service is shutting down; the models stay as they are"
            raise UnavailableError(detail, retry_after=LEAVING_RETRY_AFTER)

    async def _load_off_loop(self, load: ModelLoader, timing: Timing, before: Models) -> Models:
        work = partial(load_generation, load, self._budget, timing, before, self._directory)
        return await _in_daemon_thread(work, end_unused)

    def _take_over(self, served: Models) -> None:
        """Have models answer all calls from now on. Nothing else runs on the event loop within."""
        self.names = tuple(served)
        self._metrics.models_served(self.names)
        for name, each in served.items():
            self._publish(name, each)
        if (plan := plan_of(served)) is not None:
            self._metrics.engine_plan_chosen(plan.engines, plan.threads, plan.gain)
        service = PredictionService(
            {name: each.variant for name, each in served.items()},
            {name: each.profile for name, each in served.items()},
            self._options,
            self._metrics,
            self._tracing,
        )
        self._generation = Generation(served, service, self._metrics)

    async def _retire(self, old: Generation) -> None:
        """End a generation when nobody is with it any more."""
        # Not drained: a call that it has let in and still tokenises would be refused. Each call
        # ends by its deadline, so this does too.
        while not old.finished:  # noqa: ASYNC110 - see ``drain``
            await asyncio.sleep(_LOOK_S)
        if self.state is not State.STOPPED:
            await asyncio.to_thread(old.end, STUCK_ENGINE_GRACE_S)
            self._metrics.models_ended(self.names)
        self._retiring = None

    @contextlib.contextmanager
    def _timing(self, phase: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._metrics.start_took(phase, time.monotonic() - began)

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

        Models that are being loaded beside those that are served are not waited for.

        Args:
            delay: seconds to go on admitting while already not ready.
            grace: seconds that accepted work may take after that.

        Returns:
            Whether everything accepted was finished within the grace time.
        """
        self.state = State.LEAVING
        if self._loading is not None:
            self._loading.cancel()
        await asyncio.sleep(delay)
        self.state = State.DRAINING
        if self._generation is None:
            return True
        self._generation.service.drain()
        give_up = time.monotonic() + grace
        # The worker's thread empties the queue, so there is no event of this loop to wait for. If
        # the engine is stuck, its items have already failed and nothing is left to finish.
        while not self._drained and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        unfinished = [each.service for each in self._generations if not each.service.idle]
        for service in unfinished:
            service.give_up()
        return not unfinished

    @property
    def _drained(self) -> bool:
        service = self._generation.service if self._generation is not None else None
        # The one before is let in no new call, and so is not drained.
        retired = self._retiring is None or self._retiring.finished
        return retired and (service is None or service.idle or service.stuck)

    async def stop(self) -> None:
        self.state = State.STOPPED
        for each in self._generations:
            await asyncio.to_thread(each.service.close, STUCK_ENGINE_GRACE_S)

    @property
    def _generations(self) -> list[Generation]:
        """Those that calls may be with: the one that answers, and the one that retires."""
        return [each for each in (self._generation, self._retiring) if each is not None]

    @property
    def _in_memory(self) -> int:
        """How many generations are there, or are being loaded."""
        return len(self._generations) + (self._loading is not None)

    @property
    def ready(self) -> bool:
        return self.state is State.READY and self._moving

    @property
    def _moving(self) -> bool:
        return self._generation is not None and self._generation.service.moving

    @property
    def leaving(self) -> bool:
        """Whether the process was told to stop."""
        return self.state in (State.LEAVING, State.DRAINING, State.STOPPED)

    @property
    def started(self) -> bool:
        return self._generation is not None and self.state is not State.LOADING

    @property
    def service(self) -> PredictionService[Variant]:
        """The service, once the models are loaded; a call asks ``answering`` for it.

        Raises:
            UnavailableError: they are not yet.
        """
        return self._answering.service

    def shadow(self, asks: Sequence[Ask], outcomes: Sequence[Answer | ServiceError]) -> None:
        """Have models that shadow others be asked a share of what was answered, later.

        Nothing is while a generation retires: answers of two would be compared.
        """
        if self._generation is None or self._retiring is not None:
            return
        if (shadowing := self._generation.shadowing) is not None:
            shadowing.consider(asks, outcomes)

    def answering(self) -> AbstractContextManager[PredictionService[Variant]]:
        """Return the service that answers a call which comes now; it lives until the call ends.

        Raises:
            UnavailableError: the models are not loaded yet.
        """
        return self._answering.answering()

    @property
    def _answering(self) -> Generation:
        if self._generation is None or not self.started:
            raise UnavailableError("the models are loading", retry_after=LOADING_RETRY_AFTER)
        return self._generation

    @property
    def engine_plan(self) -> EnginePlan | None:
        """The plan of the engines; None while there are none, and where this process computes."""
        return None if self._generation is None else self._generation.engine_plan

    @property
    def condition(self) -> str:
        """The answer to a probe: the state, or that the engine is stuck."""
        stuck = self.state is State.READY and not self.ready
        return "stuck" if stuck else self.state.value

    @property
    def served(self) -> Models:
        """The models by name, once they are loaded; raises what ``service`` raises."""
        return self._answering.served


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


def _untimed(_: str) -> AbstractContextManager[None]:
    return contextlib.nullcontext()


async def _in_daemon_thread(work: Callable[[], T], unwanted: Callable[[T], None]) -> T:
    """Await work on a thread that does not prevent the process from exiting.

    ``asyncio.to_thread`` would: a download cannot be cancelled, and a process that was told to
    stop would wait for it.

    Args:
        work: what is done.
        unwanted: called, on a thread, with a result that nobody waits for any more.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if done.cancelled():
            if error is None:
                _start(lambda: unwanted(cast("T", result)))
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

    _start(run)
    return await done


def _start(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name="xcopa-loader", daemon=True).start()
