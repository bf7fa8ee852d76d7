"""Tokenise, schedule, answer: what the HTTP layer calls.

Every item that is asked about comes back as an answer or as the error that ended it; an item's
error is its own and leaves its neighbours alone. Only what concerns the whole call is raised.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.engine.engine import Engine
from app.engine.tokenizer import CausalItem, PairTokenizer, Rows
from app.errors import (
    DeadlineExceededError,
    InferenceError,
    OverloadedError,
    PayloadTooLargeError,
    ServiceError,
    UnavailableError,
)
from app.serving.cache import AnswerCache, answer_key
from app.serving.flight import Flight, Landing, WaitingCall
from app.serving.scheduler import (
    AdmissionError,
    CallTooLargeError,
    DrainingError,
    HaltedError,
    Limits,
    QueueFullError,
    Scheduler,
)
from app.serving.tokenising import Tokenised, Tokenising
from app.serving.watchdog import Watchdog
from app.serving.work import ModelProfile, Outcome, Request, Ticket
from app.serving.worker import Result, Worker
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import ItemTrace, Tracing

CHARACTERS_A_TOKEN = 32
"""Twice the longest piece of XLM-R: what waits to be tokenised is limited by it."""

LEAST_TOKENS = 16
"""Fewer than any item has: two rows with four tokens around their texts."""

DRAINING_RETRY_AFTER = 5.0
"""Seconds: about as long as a replacement takes to be ready behind a load balancer."""

STUCK_RETRY_AFTER = 10.0
"""Seconds: about as long as it takes to notice that another replica is ready."""


class ServedModel(Protocol):
    """What the service needs of a model."""

    @property
    def revision(self) -> str: ...
    @property
    def tokenizer(self) -> PairTokenizer: ...
    @property
    def engine(self) -> Engine: ...


@dataclass(frozen=True)
class ServiceOptions:
    """How the service holds calls. ``watchdog_seconds`` is the least time a batch may take
    before the engine is held to be stuck; ``cache_bytes`` 0 keeps no answers."""

    limits: Limits
    tokeniser_threads: int = 2
    watchdog_seconds: float = 30.0
    cache_bytes: int = 0


@dataclass(frozen=True)
class Ask:
    """One item for one model."""

    item: CausalItem
    model: str


@dataclass(frozen=True)
class StageTimes:
    """Where the time of an item went, in seconds, and why its batch left when it did."""

    tokenise: float
    queue: float
    inference: float
    batch_reason: str
    """``cache`` for an answer that was kept."""


@dataclass(frozen=True)
class Answer:
    """The prediction for one item."""

    label: int
    probabilities: tuple[float, ...]
    logits: tuple[float, ...]
    model: str
    revision: str
    times: StageTimes


@dataclass(frozen=True)
class _Boarded:
    """An ask whose answer is under way, or was kept."""

    ask: Ask
    flight: Flight


Model = TypeVar("Model", bound=ServedModel)


class PredictionService(Generic[Model]):
    """Answers asks on a set of models; made and used on one event loop."""

    def __init__(
        self,
        models: Mapping[str, Model],
        profiles: Mapping[str, ModelProfile],
        options: ServiceOptions,
        metrics: Metrics,
        tracing: Tracing | None = None,
    ) -> None:
        self.models = models
        self._metrics = metrics
        self._tracing = tracing or Tracing()
        self._loop = asyncio.get_running_loop()
        self._cache = AnswerCache[Flight](options.cache_bytes) if options.cache_bytes else None
        fastest = min(profile.curve.per_token for profile in profiles.values())
        self._tokenising = Tokenising(
            {name: model.tokenizer for name, model in models.items()},
            options.tokeniser_threads,
            most_characters=CHARACTERS_A_TOKEN * options.limits.queue_seconds / fastest,
        )
        self._worker: Worker[Flight] = Worker(
            Scheduler(profiles, options.limits, time.monotonic),
            {name: model.engine for name, model in models.items()},
            on_results=self._on_results,
            clock=time.monotonic,
        )
        self._refusing = False
        """Whether the last call that asked was not admitted."""
        self._waking = False
        self._worker.start()
        self._watchdog = Watchdog(
            self._worker, options.watchdog_seconds, self._on_stuck, metrics.worker_replaced
        )
        self._watchdog.start()
        metrics.watch_queue(self.waiting, self._worker.waiting_seconds)
        if (cache := self._cache) is not None:
            metrics.watch_cache(lambda: cache.size)

    @property
    def moving(self) -> bool:
        """Whether the engine is idle or at work within its bound."""
        return self._worker.alive and not self._watchdog.stuck

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self._worker.idle

    def waiting(self, model: str) -> tuple[int, int]:
        """Return how many items and how many tokens wait for a model."""
        return self._worker.waiting(model)

    def drain(self) -> None:
        """Refuse new calls from here on; accepted ones are finished."""
        self._worker.drain()

    def give_up(self) -> None:
        """End what has not been finished, when the time to shut down is over."""
        error = UnavailableError(
            "the service is shutting down and had no time left for this",
            retry_after=DRAINING_RETRY_AFTER,
        )
        self._end(self._worker.halt(), error)

    def close(self, timeout: float | None = None) -> None:
        """Stop the worker after its batch. Blocks until it has stopped, or for the timeout."""
        self._watchdog.stop()
        self._worker.stop(timeout)
        self._tokenising.close()

    async def predict(
        self, asks: Sequence[Ask], timeout: float, caller: str = ""
    ) -> list[Answer | ServiceError]:
        """Answer each ask, in order, or say why it has no answer.

        Args:
            asks: items, each with the model it is for; all are admitted or none is.
            timeout: seconds from now until nobody waits any more.
            caller: whose turn it is; callers share the engine evenly.

        Raises:
            OverloadedError, UnavailableError, PayloadTooLargeError: the call was not admitted.
        """
        started = time.monotonic()
        deadline = started + timeout
        self._refuse_early(asks, caller, deadline)
        try:
            tokenised = await self._tokenising.rows([(a.item, a.model) for a in asks], timeout)
        except TimeoutError:
            self._count_all(asks, "expired")
            return [_late(timeout, None, started) for _ in asks]
        except asyncio.CancelledError:
            self._count_all(asks, "cancelled")
            raise
        except OverloadedError:
            self._count_all(asks, "rejected")
            raise
        tokenised_at = time.monotonic()
        for model in {ask.model for ask in asks}:
            self._metrics.call_tokenised(model, tokenised_at - started)
        call = WaitingCall(self._loop)
        boarded = self._board(asks, tokenised, call, caller, deadline)
        try:
            await self._wait(call, boarded.values(), deadline)
        except asyncio.CancelledError:
            self._leave(call, boarded.values(), self._worker.cancel)
            for each in boarded.values():
                self._count(each.ask, _ended(each.flight) or "cancelled")
            raise
        outcomes = [
            self._outcome(boarded[index], started, tokenised_at, timeout)
            if index in boarded
            else _invalid(tokenised[index])
            for index in range(len(asks))
        ]
        self._trace(boarded.values(), started, tokenised_at)
        return outcomes

    # Boarding ----------------------------------------------------------------------------

    def _refuse_early(self, asks: Sequence[Ask], caller: str, deadline: float) -> None:
        """Refuse, before it is tokenised, a call that would not get in were it ever so short.

        Only while calls are being refused: to look twice would cost every other call as well.
        """
        if self._cache is not None or not self._refusing:
            return
        least: dict[str, int] = {}
        for ask in asks:
            least[ask.model] = least.get(ask.model, 0) + LEAST_TOKENS
        try:
            self._worker.check(least, caller, deadline)
            self._refusing = False
        except AdmissionError as error:
            self._count_all(asks, "rejected")
            raise _refusal(error) from error

    def _board(
        self,
        asks: Sequence[Ask],
        tokenised: Sequence[Tokenised],
        call: WaitingCall,
        caller: str,
        deadline: float,
    ) -> dict[int, _Boarded]:
        """Put every ask that has rows on a flight: one that was kept, is under way, or is new."""
        boarded: dict[int, _Boarded] = {}
        new: dict[Flight, str] = {}
        for index, rows in enumerate(tokenised):
            if isinstance(rows, ServiceError):
                self._count(asks[index], "invalid")
                continue
            flight = self._flight(asks[index].model, rows, deadline)
            if flight.ticket is None and flight.landing is None:
                new[flight] = asks[index].model
            boarded[index] = _Boarded(asks[index], flight)
        try:
            self._submit(new, caller, deadline)
        except ServiceError:
            self._count_all([each.ask for each in boarded.values()], "rejected")
            raise
        for each in boarded.values():
            each.flight.board(call)
        return boarded

    def _flight(self, model: str, rows: Rows, deadline: float) -> Flight:
        """Return the flight of equal rows, from the cache or under way, or a new one."""
        if self._cache is None:
            return Flight(rows)
        key = answer_key(f"{model} {self.models[model].revision}", rows)
        kept = self._cache.answer(key)
        if kept is not None:
            self._metrics.cache_asked(model, "hit")
            return Flight(rows, key, landing=Landing(kept, None, None, 0.0, time.monotonic()))
        flight = self._cache.flight(key)
        if flight is not None and self._extend(flight, deadline):
            self._metrics.cache_asked(model, "wait")
            return flight
        self._metrics.cache_asked(model, "miss")
        flight = Flight(rows, key)
        self._cache.begin(key, flight)
        return flight

    def _extend(self, flight: Flight, deadline: float) -> bool:
        return flight.ticket is None or self._worker.extend(flight.ticket, deadline)

    def _submit(self, new: Mapping[Flight, str], caller: str, deadline: float) -> None:
        requests = [
            Request(model, sum(map(len, flight.rows)), flight, deadline)
            for flight, model in new.items()
        ]
        if not requests:
            return
        try:
            tickets = self._worker.submit(requests, caller)
        except AdmissionError as error:
            for flight in new:
                self._forget(flight)
            self._refusing = True
            raise _refusal(error) from error
        for ticket in tickets:
            ticket.payload.ticket = ticket
        if not self._waking:
            self._waking = True
            self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        """Wake the worker once for all calls that arrived in one turn of the loop.

        They make one batch, and the two threads pass the interpreter's lock to and fro once.
        """
        self._waking = False
        self._worker.wake()

    # Waiting -----------------------------------------------------------------------------

    async def _wait(
        self, call: WaitingCall, boarded: Collection[_Boarded], deadline: float
    ) -> None:
        await call.wait(deadline - time.monotonic())
        if not call.flights_left:
            return
        self._leave(call, boarded, self._worker.expire)
        # What the worker finished just before that is on its way to this loop: an answer it is.
        for each in boarded:
            ticket = each.flight.ticket
            if ticket is not None and ticket.outcome in (Outcome.ANSWERED, Outcome.FAILED):
                each.flight.board(call)
        await call.wait()

    def _leave(
        self, call: WaitingCall, boarded: Collection[_Boarded], end: Callable[[_Tickets], None]
    ) -> None:
        """Wait for nothing more; flights that nobody else waits for are ended."""
        under_way = [each.flight for each in boarded if each.flight.landing is None]
        deserted = [flight for flight in under_way if flight.leave(call)]
        end([flight.ticket for flight in deserted if flight.ticket is not None])
        for flight in deserted:
            if flight.ticket and flight.ticket.outcome in (Outcome.EXPIRED, Outcome.CANCELLED):
                self._forget(flight)

    def _forget(self, flight: Flight) -> None:
        if self._cache is not None and flight.key is not None:
            self._cache.end(flight.key, flight, None)

    # Landing -----------------------------------------------------------------------------

    def _on_results(self, results: Sequence[Result[Flight]]) -> None:
        """Called on the worker's thread; hands over to the event loop, once a batch."""
        try:
            self._loop.call_soon_threadsafe(self._land, results)
        except RuntimeError:
            # The loop is closed: a forced exit has given up on what was under way.
            return

    def _land(self, results: Sequence[Result[Flight]]) -> None:
        now = time.monotonic()
        for result in results:
            flight = result.ticket.payload
            if self._cache is not None and flight.key is not None:
                self._cache.end(flight.key, flight, result.logits)
            flight.land(
                Landing(result.logits, result.error, result.batch, result.inference_seconds, now)
            )
        batch = results[0].batch
        self._metrics.batch_done(
            batch.model,
            rows=sum(len(result.ticket.payload.rows) for result in results),
            tokens=batch.tokens,
            reason=batch.reason.value,
            seconds=results[0].inference_seconds,
        )

    def _on_stuck(self, tickets: Sequence[Ticket[Flight]]) -> None:
        detail = "the engine does not move; nothing is answered until it does"
        self._end(tickets, UnavailableError(detail, retry_after=STUCK_RETRY_AFTER))

    def _end(self, tickets: Sequence[Ticket[Flight]], error: ServiceError) -> None:
        """Answer whoever waits for what the scheduler has failed."""
        landing = Landing(None, error, None, 0.0, time.monotonic())
        for ticket in tickets:
            self._forget(ticket.payload)
            ticket.payload.land(landing)

    # Answering ---------------------------------------------------------------------------

    def _outcome(
        self, boarded: _Boarded, started: float, tokenised_at: float, timeout: float
    ) -> Answer | ServiceError:
        model, flight = boarded.ask.model, boarded.flight
        self._count(boarded.ask, _ended(flight) or "expired")
        landing = flight.landing
        if landing is None:
            return _late(timeout, flight.ticket, started)
        if isinstance(landing.error, ServiceError):
            return landing.error
        if landing.logits is None:
            return InferenceError("the model failed on this item; the service's log has the cause")
        queue = _queue_seconds(flight.ticket)
        self._metrics.item_answered(model, queue, time.monotonic() - started)
        return Answer(
            label=max(range(len(landing.logits)), key=landing.logits.__getitem__),
            probabilities=softmax(landing.logits),
            logits=landing.logits,
            model=model,
            revision=self.models[model].revision,
            times=StageTimes(
                tokenised_at - started,
                queue,
                landing.inference_seconds,
                landing.batch.reason.value if landing.batch else "cache",
            ),
        )

    def _trace(self, boarded: Collection[_Boarded], started: float, tokenised_at: float) -> None:
        if self._tracing.provider is None:
            return
        items = [
            ItemTrace(
                model=each.ask.model,
                admitted_at=ticket.admitted_at,
                sealed_at=ticket.sealed_at or ticket.admitted_at,
                answered_at=landing.at,
                batch_reason=landing.batch.reason.value,
                batch_items=len(landing.batch.tickets),
                batch_tokens=landing.batch.tokens,
            )
            for each in boarded
            if (ticket := each.flight.ticket)
            and (landing := each.flight.landing)
            and landing.batch is not None
        ]
        self._tracing.call(started, tokenised_at, time.monotonic(), items)

    def _count(self, ask: Ask, outcome: str) -> None:
        self._metrics.item_ended(ask.model, outcome)

    def _count_all(self, asks: Sequence[Ask], outcome: str) -> None:
        for ask in asks:
            self._count(ask, outcome)


_Tickets = Sequence[Ticket[Flight]]


def _invalid(tokenised: Tokenised) -> ServiceError:
    assert isinstance(tokenised, ServiceError)
    return tokenised


def _ended(flight: Flight) -> str | None:
    """How the flight ended for those who waited for it, or None while it is under way."""
    if flight.landing is None:
        return None
    return "failed" if flight.landing.logits is None else "answered"


def _queue_seconds(ticket: Ticket[Flight] | None) -> float:
    if ticket is None or ticket.sealed_at is None:
        return 0.0
    return ticket.sealed_at - ticket.admitted_at


def _late(timeout: float, ticket: Ticket[Flight] | None, started: float) -> DeadlineExceededError:
    now = time.monotonic()
    if ticket is None:
        waited = f"it waited {1000 * (now - started):.0f} ms to be tokenised"
    elif ticket.sealed_at is None:
        waited = f"it waited {1000 * (now - ticket.admitted_at):.0f} ms in the queue"
    else:
        queued = 1000 * _queue_seconds(ticket)
        waited = f"it waited {queued:.0f} ms in the queue, and the engine was at work on it"
    return DeadlineExceededError(
        f"no answer within {1000 * timeout:.0f} ms: {waited}; allow more time with "
        "X-Request-Timeout-Ms, or send less at once"
    )


def _refusal(error: AdmissionError) -> ServiceError:
    """What the caller is told of a call that was not admitted."""
    match error:
        case QueueFullError():
            return OverloadedError(str(error), retry_after=error.retry_after)
        case CallTooLargeError():
            return PayloadTooLargeError(f"{error}; send fewer items a call")
        case HaltedError():
            return UnavailableError(str(error), retry_after=STUCK_RETRY_AFTER)
        case DrainingError():
            return UnavailableError(str(error), retry_after=DRAINING_RETRY_AFTER)
    raise AssertionError(error)


def softmax(logits: Sequence[float]) -> tuple[float, ...]:
    """Return the probabilities of the choices, which sum to 1."""
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)
