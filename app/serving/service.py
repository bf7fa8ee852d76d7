"""Tokenise, join, wait, answer: the HTTP layer calls this.

Every item gets an answer or an error of its own, and an error of one item does not affect the
others. Only an error of the whole call is raised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from app.clock import Clock
from app.engine.engine import Engine
from app.engine.pool_engines import pool_of
from app.engine.pool_seats import PoolSeats
from app.engine.seats import OneSeat, Seats
from app.engine.tokenizer import PairTokenizer
from app.errors import InferenceError, ServiceError
from app.serving.admission import Limits
from app.serving.answer import Answer, Ask, Stages, StageTimes, answer, late
from app.serving.endings import reason_of, stage_of
from app.serving.inflight import InFlight, InFlightItem, Results, Waiter
from app.serving.parts import Parts, in_parts
from app.serving.scheduler import Scheduler
from app.serving.tokenising import Tokenised, Tokenising
from app.serving.watchdog import Watchdog
from app.serving.work import ANYBODY, UNLIMITED, Caller, Load, ModelProfile, Quota
from app.serving.worker import Worker
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import ItemTrace, Tracing

CHARACTERS_A_TOKEN = 32
"""Twice the longest piece of XLM-R. It limits the text that waits to be tokenised."""

ASIDE = Caller("aside")
"""Who asks what no caller asks; see ``answer_aside``."""

LEAST_ROW_TOKENS = 8
"""Fewer than any row has: four tokens stand around its two texts."""


REPLACEMENT_S = 2.0
"""Without any engine the service is ready for so long, and calls wait in the queue. To replace one
takes a tenth of a second, or a few of them where the processors are busy; no load balancer needs to
know of that."""


class ServedModel(Protocol):
    """What the service needs from a model."""

    @property
    def revision(self) -> str: ...
    @property
    def temperature(self) -> float: ...
    @property
    def tokenizer(self) -> PairTokenizer: ...
    @property
    def engine(self) -> Engine: ...


@dataclass(frozen=True)
class ServiceOptions:
    """Limits, threads, watchdog and cache of the service.

    A batch may take ``watchdog_seconds`` or longer before the engine counts as stuck.
    ``cache_bytes`` 0 turns the cache off.
    """

    limits: Limits
    tokeniser_threads: int = 2
    watchdog_seconds: float = 30.0
    cache_bytes: int = 0


@dataclass(frozen=True)
class _CallTimes:
    """When a call came, when its texts were tokenised, and how long it may take, in seconds."""

    started: float
    tokenised: float
    timeout: float
    stages: Stages
    """Filled as the call goes on."""


Model = TypeVar("Model", bound=ServedModel)


class PredictionService(Generic[Model]):
    """Answers asks with a set of models. One event loop makes and uses it."""

    def __init__(
        self,
        models: Mapping[str, Model],
        profiles: Mapping[str, ModelProfile],
        options: ServiceOptions,
        metrics: Metrics,
        tracing: Tracing | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.models = models
        self._metrics = metrics
        self._tracing = tracing or Tracing()
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        engines = {name: model.engine for name, model in models.items()}
        self._pool = pool_of(engines.values())
        seats: Seats = OneSeat(engines) if self._pool is None else PoolSeats(self._pool)
        fastest = min(profile.curve.per_token for profile in profiles.values()) / seats.most
        self._tokenising = Tokenising(
            {name: model.tokenizer for name, model in models.items()},
            options.tokeniser_threads,
            most_characters=CHARACTERS_A_TOKEN * options.limits.queue_seconds / fastest,
        )
        revisions = {name: model.revision for name, model in models.items()}
        self._worker: Worker[InFlightItem] = Worker(
            Scheduler(profiles, options.limits, clock, seats.most),
            seats,
            on_results=self._on_results,
            clock=clock,
        )
        self._in_flight = InFlight(
            self._worker, revisions, options.cache_bytes, metrics, clock, self._tracing
        )
        stuck = self._in_flight.on_stuck
        self._watchdog = Watchdog(
            self._worker, options.watchdog_seconds, stuck, metrics.worker_replaced
        )
        self._report_to(metrics, seats, options.limits.queue_seconds)
        self._worker.start()
        self._watchdog.start()

    def _report_to(self, metrics: Metrics, seats: Seats, limit: float) -> None:
        metrics.watch_engines(seats.most, lambda: seats.moving, lambda: seats.busy)
        if (pool := self._pool) is not None:
            pool.report(metrics.engine_replaced, metrics.engine_ran)
            metrics.watch_engine_memory(seats.most, lambda: pool.pids)
        worker = self._worker
        metrics.watch_queue(
            self.waiting, worker.waiting_rows, worker.waiting_seconds, lambda: worker.pace, limit
        )

    def _on_results(self, results: Results) -> None:
        # A method, because ``InFlight`` is made after the worker.
        self._in_flight.on_results(results)

    @property
    def moving(self) -> bool:
        """Whether an engine is idle or works within its time limit, or is replaced just now."""
        return self._worker.seconds_without_engine <= REPLACEMENT_S and not self.stuck

    @property
    def stuck(self) -> bool:
        """Whether nothing moves, nor is expected to; an engine that is being replaced is."""
        return self._watchdog.stuck or not self._worker.alive

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self._worker.idle

    @property
    def load(self) -> Load:
        """What there is to do, and what was done since the start."""
        return self._worker.load

    def waiting(self, model: str) -> tuple[int, int]:
        """Return how many items and how many tokens wait for a model."""
        return self._worker.waiting(model)

    def drain(self) -> None:
        """Refuse new calls from now on, and finish accepted ones."""
        self._worker.drain()

    def give_up(self) -> None:
        """Fail the unfinished items, when the time to shut down is over."""
        self._in_flight.give_up()

    def close(self, timeout: float | None = None) -> None:
        """Stop the worker after its batches; block until it has stopped, or for the timeout."""
        self._watchdog.stop()
        self._worker.stop(timeout)
        if self._pool is not None:
            self._pool.stop()
        self._tokenising.close()

    def release(self) -> None:
        """Let go of models, engines and cache, after ``close``, when no call is left."""
        self.models = {}
        if self._pool is not None:
            self._pool.release()
        self._tokenising.release()
        self._in_flight.release()

    async def predict(
        self,
        asks: Sequence[Ask],
        timeout: float,
        caller: Caller = ANYBODY,
        quota: Quota = UNLIMITED,
        stages: Stages | None = None,
    ) -> list[Answer | ServiceError]:
        """Return the answer of each ask, in order, or the error that it has instead.

        Args:
            asks: items, each with its model; all are admitted, or none.
            timeout: seconds from now to the deadline.
            caller: who calls; callers share the engine by their weights.
            quota: what the caller may still ask for; the call's tokens are counted there.
            stages: is told how long each stage took, also of a call that gets no answer.

        Raises:
            OverloadedError, UnavailableError, PayloadTooLargeError: the call was not admitted.
            ServiceError: what the quota raises.
        """
        started = self._clock()
        deadline = started + timeout
        stages = stages or Stages()
        with self._counting_what_is_raised(asks):
            quota.check()
            self._in_flight.refuse_early(_least_tokens(asks), caller, deadline)
            try:
                tokenised = await self._tokenising.rows([(a.item, a.model) for a in asks], timeout)
            except TimeoutError:
                stages.tokenise = self._clock() - started
                for ask in asks:
                    self._metrics.item_expired(ask.model, stage_of(None))
                return [late(timeout, None, started, self._clock()) for _ in asks]
        times = _CallTimes(started, self._clock(), timeout, stages)
        stages.tokenise = times.tokenised - started
        self._tracing.tokenised(started, times.tokenised)
        run = await self._run(asks, tokenised, caller, quota, deadline, stages)
        outcomes = [
            rows if isinstance(rows, ServiceError) else self._outcome(ask, run[index], times)
            for index, (ask, rows) in enumerate(zip(asks, tokenised, strict=True))
        ]
        self._trace(asks, run)
        return outcomes

    async def answer_aside(self, ask: Ask, timeout: float) -> Answer | None:
        """Answer an item that no caller waits for; None where it would make callers wait.

        It is no item of anybody's: only its batch is counted.

        Args:
            ask: the item, and its model.
            timeout: seconds after which it is dropped.

        Raises:
            ServiceError: it was not admitted.
        """
        if not self._worker.has_room:
            return None
        started = self._clock()
        [rows] = await self._tokenising.rows([(ask.item, ask.model)], timeout)
        if isinstance(rows, ServiceError) or not self._worker.has_room:
            return None
        waiter = Waiter(self._loop)
        deadline = started + timeout
        call = [(ask.model, part) for part in in_parts(rows)]
        parts = Parts(tuple(self._in_flight.join(call, waiter, ASIDE, deadline)))
        await self._in_flight.wait(waiter, parts.items, deadline)
        if parts.ended != "answered":
            return None
        times = StageTimes(0.0, parts.queue_seconds, parts.inference_seconds, "aside")
        return answer(parts.logits, ask.model, self.models[ask.model], times)

    async def _run(
        self,
        asks: Sequence[Ask],
        tokenised: Sequence[Tokenised],
        caller: Caller,
        quota: Quota,
        deadline: float,
        stages: Stages,
    ) -> dict[int, Parts]:
        """Wait for every ask that has rows; return its parts by the place of the ask."""
        readable = {
            i: in_parts(rows) for i, rows in enumerate(tokenised) if not isinstance(rows, Exception)
        }
        for i, ask in enumerate(asks):
            if i not in readable:
                self._metrics.item_ended(ask.model, "invalid")
        call = [(asks[i].model, part) for i, parts in readable.items() for part in parts]
        waiter = Waiter(self._loop, self._tracing.request())
        with self._counting_what_is_raised([asks[i] for i in readable]):
            # Other calls may have spent it while this one was tokenised.
            quota.check()
            joined = self._in_flight.join(call, waiter, caller, deadline)
            quota.spend(sum(len(row) for _, part in call for row in part))
        remaining = iter(joined)
        run = {i: Parts(tuple(islice(remaining, len(parts)))) for i, parts in readable.items()}
        try:
            await self._in_flight.wait(waiter, joined, deadline)
        except asyncio.CancelledError:
            self._in_flight.cancel(waiter, joined)
            for i, parts in run.items():
                self._count_left(asks[i].model, parts)
                stages.note_waiting(parts.slowest.ticket, self._clock())
            self._trace(asks, run)
            raise
        return run

    @contextmanager
    def _counting_what_is_raised(self, asks: Sequence[Ask]) -> Iterator[None]:
        """Count the asks of a call that is refused or cancelled as a whole."""
        try:
            yield
        except ServiceError as error:
            for ask in asks:
                self._metrics.item_refused(ask.model, reason_of(error))
            raise
        except asyncio.CancelledError:
            for ask in asks:
                self._metrics.item_cancelled(ask.model, stage_of(None))
            raise

    def _count_left(self, model: str, parts: Parts) -> None:
        """Count an ask whose caller left, which may have ended just before."""
        if parts.ended is None:
            self._metrics.item_cancelled(model, stage_of(parts.slowest.ticket))
        else:
            self._metrics.item_ended(model, parts.ended)

    def _outcome(self, ask: Ask, parts: Parts, times: _CallTimes) -> Answer | ServiceError:
        if parts.ended == "failed":
            self._metrics.item_ended(ask.model, "failed")
            return _failure(parts)
        slowest = parts.slowest
        if slowest.result is None:
            self._metrics.item_expired(ask.model, stage_of(slowest.ticket))
            times.stages.note_waiting(slowest.ticket, self._clock())
            return late(times.timeout, slowest.ticket, times.started, self._clock())
        batch = slowest.result.batch
        stages = StageTimes(
            times.tokenised - times.started,
            parts.queue_seconds,
            parts.inference_seconds,
            batch.reason.value if batch else "cache",
        )
        made = answer(parts.logits, ask.model, self.models[ask.model], stages)
        self._metrics.item_predicted(
            ask.model, ask.item.question, made.label, made.probabilities[made.label]
        )
        return made

    def _trace(self, asks: Sequence[Ask], run: Mapping[int, Parts]) -> None:
        if self._tracing.request() is None:
            return
        now = self._clock()
        self._tracing.items(
            [
                ItemTrace(
                    model=asks[index].model,
                    admitted_at=ticket.admitted_at,
                    sealed_at=ticket.sealed_at,
                    ended_at=item.result.at if item.result else now,
                    outcome=item.ended or (ticket.outcome.value if ticket.outcome else "left"),
                    batch=item.batch_span,
                )
                for index, parts in run.items()
                for item in parts.items
                if (ticket := item.ticket) is not None
            ]
        )


def _failure(parts: Parts) -> ServiceError:
    if isinstance(parts.error, ServiceError):
        return parts.error
    return InferenceError("the model failed on this item; the service's log has the cause")


def _least_tokens(asks: Sequence[Ask]) -> dict[str, int]:
    """Return, for each model, a number of tokens that the call has at least."""
    least: dict[str, int] = {}
    for ask in asks:
        least[ask.model] = least.get(ask.model, 0) + LEAST_ROW_TOKENS * len(ask.item.choices)
    return least
