"""Which call waits for which item: submit, join, wait, leave, and hand out results.

An *item in flight* is one item on its way through the scheduler. Usually one call waits for it. If
equal items run once (single flight), several calls wait for it. A *waiter* is one call; it resumes
once, when its last item has ended. Only this file uses the cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.trace import SpanContext

from app.clock import Clock
from app.engine.engine import ALIGNMENT, Row
from app.engine.tokenizer import Rows
from app.errors import OverloadedError, PayloadTooLargeError, ServiceError, UnavailableError
from app.serving.admission import (
    AdmissionError,
    CallTooLargeError,
    DrainingError,
    HaltedError,
    QueueFullError,
)
from app.serving.cache import AnswerCache, answer_key
from app.serving.work import Caller, Outcome, Result, Ticket
from app.serving.worker import Worker
from app.telemetry.batch_metrics import BatchCounts
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import BatchTrace, Tracing

DRAINING_RETRY_AFTER = 5.0
"""In seconds: about the time until a replacement is ready behind a load balancer."""

STUCK_RETRY_AFTER = 10.0
"""In seconds: about the time until a load balancer sends calls to another replica."""


@dataclass(eq=False)
class InFlightItem:
    """One item under way; a scheduler payload."""

    rows: tuple[Row, ...]
    key: bytes | None = None
    """Its key in the cache; None without a cache."""
    ticket: Ticket[InFlightItem] | None = None
    result: Result[InFlightItem] | None = None
    waiters: list[Waiter] = field(default_factory=list)
    batch_span: SpanContext | None = None
    """That of the batch that ran it, where traces are on."""

    def join(self, waiter: Waiter) -> None:
        """Make a call wait for this item, unless the item has ended."""
        if self.result is None:
            self.waiters.append(waiter)
            waiter.items_left += 1

    def leave(self, waiter: Waiter) -> bool:
        """Stop a call from waiting for this item; return whether no call waits now."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
            waiter.items_left -= 1
        return not self.waiters

    def resolve(self, result: Result[InFlightItem]) -> None:
        """End the item, once, and wake the calls for which it was the last one."""
        if self.result is not None:
            return
        self.result = result
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            waiter.items_left -= 1
            if not waiter.items_left:
                waiter.wake()

    @property
    def ended(self) -> str | None:
        """How the item ended for the calls that waited for it; None while it is under way."""
        if self.result is None:
            return None
        return "failed" if self.result.logits is None else "answered"


class Waiter:
    """A call that waits for its items or for its deadline; ``request`` is the span of its request.

    That is None where no trace of it is kept.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, request: SpanContext | None = None) -> None:
        self.request = request
        self.items_left = 0
        self._loop = loop
        self._woken: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Let the call resume."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, seconds: float | None = None) -> None:
        """Return when every item has ended, or after that many seconds."""
        if not self.items_left:
            return
        self._woken = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(max(0.0, seconds), self.wake)
        try:
            await self._woken
        finally:
            if timer is not None:
                timer.cancel()


Results = Mapping[Ticket[InFlightItem], Result[InFlightItem]]
"""How each item of one batch ended."""


class InFlight:
    """The items of all calls that are under way; used on one event loop.

    Args:
        worker: runs the items and hands its results to ``on_results``.
        revisions: of each model; a cached answer belongs to one of them.
        cache_bytes: memory for the cache of answers; 0 turns it off.
        metrics: counts finished batches and uses of the cache.
        clock: that of the scheduler.
        tracing: records batches.
    """

    def __init__(
        self,
        worker: Worker[InFlightItem],
        revisions: Mapping[str, str],
        cache_bytes: int,
        metrics: Metrics,
        clock: Clock,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing or Tracing()
        self._worker = worker
        self._revisions = revisions
        self._metrics = metrics
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._cache = AnswerCache[InFlightItem](cache_bytes) if cache_bytes else None
        self._refusing = False
        """Whether the last call that was submitted was not admitted."""
        self._waking = False
        if (cache := self._cache) is not None:
            metrics.watch_cache(lambda: cache.size)

    # Joining -----------------------------------------------------------------------------

    def refuse_early(
        self, least_tokens: Mapping[str, int], caller: Caller, deadline: float
    ) -> None:
        """Refuse a call before it is tokenised, if even the shortest call would be refused.

        It checks only while calls are being refused; otherwise every call would be checked twice.

        Args:
            least_tokens: for each model, the fewest tokens that the call can have.
            caller, deadline: see ``join``.

        Raises:
            OverloadedError, UnavailableError, PayloadTooLargeError: the call is not admitted.
        """
        if self._cache is not None or not self._refusing:
            return
        try:
            self._worker.check(least_tokens, caller, deadline)
            self._refusing = False
        except AdmissionError as error:
            raise _refusal(error) from error

    def join(
        self, call: Sequence[tuple[str, Rows]], waiter: Waiter, caller: Caller, deadline: float
    ) -> list[InFlightItem]:
        """Make a call wait for its items: each is cached, under way, or new.

        Args:
            call: a model and the rows of an item, for each item.
            waiter: that of the call.
            caller: who calls; callers take turns.
            deadline: until when the call waits, on the clock.

        Raises:
            OverloadedError, UnavailableError, PayloadTooLargeError: the call is not admitted;
                none of its items is queued.
        """
        items: list[InFlightItem] = []
        new: dict[InFlightItem, str] = {}
        for model, rows in call:
            item = self._find_or_make(model, rows, deadline)
            if item.ticket is None and item.result is None:
                new[item] = model
            items.append(item)
        self._submit(new, caller, deadline)
        for item in items:
            item.join(waiter)
        return items

    def _find_or_make(self, model: str, rows: Rows, deadline: float) -> InFlightItem:
        """Return the item of equal rows, from the cache or under way, or a new one."""
        if self._cache is None:
            return InFlightItem(rows)
        key = answer_key(f"{model} {self._revisions[model]}", rows)
        kept = self._cache.answer(key)
        if kept is not None:
            self._metrics.cache_asked(model, "hit")
            return InFlightItem(rows, key, result=Result(kept, None, self._clock()))
        item = self._cache.under_way(key)
        if item is not None and self._extend(item, deadline):
            self._metrics.cache_asked(model, "wait")
            return item
        self._metrics.cache_asked(model, "miss")
        item = InFlightItem(rows, key)
        self._cache.begin(key, item)
        return item

    def _extend(self, item: InFlightItem, deadline: float) -> bool:
        return item.ticket is None or self._worker.extend(item.ticket, deadline)

    def _submit(self, new: Mapping[InFlightItem, str], caller: Caller, deadline: float) -> None:
        tickets = [
            Ticket(model, sum(map(len, item.rows)), item, deadline) for item, model in new.items()
        ]
        if not tickets:
            return
        try:
            self._worker.submit(tickets, caller)
        except AdmissionError as error:
            for item in new:
                self._forget(item)
            self._refusing = True
            raise _refusal(error) from error
        for ticket in tickets:
            ticket.payload.ticket = ticket
        if not self._waking:
            self._waking = True
            self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        """Wake the worker once for all calls that arrived in one turn of the loop.

        They form one batch, and the two threads exchange the interpreter's lock once.
        """
        self._waking = False
        self._worker.wake()

    # Waiting -----------------------------------------------------------------------------

    async def wait(self, waiter: Waiter, items: Collection[InFlightItem], deadline: float) -> None:
        """Wait until every item has ended, or until the deadline has ended the others."""
        await waiter.wait(deadline - self._clock())
        if not waiter.items_left:
            return
        self._leave(waiter, items, self._worker.expire)
        # Items that the worker finished just before are on their way to this loop: wait for them.
        for item in items:
            if item.ticket is not None and item.ticket.outcome in _FINISHED:
                item.join(waiter)
        await waiter.wait()

    def cancel(self, waiter: Waiter, items: Collection[InFlightItem]) -> None:
        """Stop the waiting of a call that was cancelled."""
        self._leave(waiter, items, self._worker.cancel)

    def _leave(
        self,
        waiter: Waiter,
        items: Collection[InFlightItem],
        end: Callable[[Sequence[Ticket[InFlightItem]]], None],
    ) -> None:
        """Stop waiting, and end the items that no other call waits for."""
        under_way = [item for item in items if item.result is None]
        alone = [item for item in under_way if item.leave(waiter)]
        end([item.ticket for item in alone if item.ticket is not None])
        for item in alone:
            if item.ticket and item.ticket.outcome in _GIVEN_UP:
                self._forget(item)

    def _forget(self, item: InFlightItem) -> None:
        if self._cache is not None and item.key is not None:
            self._cache.end(item.key, item, None)

    # Ending ------------------------------------------------------------------------------

    def on_results(self, results: Mapping[Ticket[InFlightItem], Result[InFlightItem]]) -> None:
        """Hand the results of a batch to the event loop; the worker's thread calls it."""
        try:
            self._loop.call_soon_threadsafe(self._resolve, results)
        except RuntimeError:
            # The loop is closed: a forced exit has given up the items under way.
            return

    def _resolve(self, results: Results) -> None:
        if self._tracing.provider is not None:
            self._trace(results)
        for ticket, result in results.items():
            item = ticket.payload
            if self._cache is not None and item.key is not None:
                self._cache.end(item.key, item, result.logits)
            item.resolve(result)
        any_result = next(iter(results.values()))
        batch = any_result.batch
        assert batch is not None
        self._metrics.batch_done(
            batch.model,
            _counts([len(row) for ticket in results for row in ticket.payload.rows]),
            reason=batch.reason.value,
            seconds=any_result.inference_seconds,
            estimated=batch.estimated_seconds if any_result.usual else None,
        )

    def _trace(self, results: Results) -> None:
        """Record the batch, and let each item know of it, while it is known who waits for them."""
        items = [ticket.payload for ticket in results]
        requests = {
            waiter.request.span_id: waiter.request
            for item in items
            for waiter in item.waiters
            if waiter.request is not None
        }
        if not requests:
            return
        any_result = next(iter(results.values()))
        batch = any_result.batch
        assert batch is not None
        trace = BatchTrace(
            model=batch.model,
            sealed_at=batch.sealed_at,
            began_at=any_result.at - any_result.inference_seconds,
            ended_at=any_result.at,
            reason=batch.reason.value,
            items=len(batch.tickets),
            tokens=batch.tokens,
        )
        span = self._tracing.batch(trace, list(requests.values()))
        for item in items:
            item.batch_span = span

    def on_stuck(self, tickets: Sequence[Ticket[InFlightItem]]) -> None:
        """Fail the items that a stuck engine holds or that wait for it."""
        detail = "the engine is stuck; the service answers nothing until it continues"
        self._fail(tickets, UnavailableError(detail, retry_after=STUCK_RETRY_AFTER))

    def release(self) -> None:
        """Let go of the cached answers, when nothing is under way."""
        self._cache = None

    def give_up(self) -> None:
        """Fail the unfinished items, when the time to shut down is over."""
        detail = "the service stopped before it could answer this item"
        error = UnavailableError(detail, retry_after=DRAINING_RETRY_AFTER)
        self._fail(self._worker.halt(), error)

    def _fail(self, tickets: Sequence[Ticket[InFlightItem]], error: ServiceError) -> None:
        result: Result[InFlightItem] = Result(None, error, self._clock())
        for ticket in tickets:
            self._forget(ticket.payload)
            ticket.payload.resolve(result)


def _counts(lengths: Sequence[int]) -> BatchCounts:
    """Return what the rows of a batch, of so many tokens each, come to."""
    tokens, padded = sum(lengths), len(lengths) * max(lengths)
    computed, computed_padded = (-(-each // ALIGNMENT) * ALIGNMENT for each in (tokens, padded))
    return BatchCounts(len(lengths), tokens, computed, computed_padded)


_FINISHED = (Outcome.ANSWERED, Outcome.FAILED)
_GIVEN_UP = (Outcome.EXPIRED, Outcome.CANCELLED)


def _refusal(error: AdmissionError) -> ServiceError:
    """Return the error of a call that was not admitted, for its caller."""
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
