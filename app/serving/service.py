"""Tokenise, schedule, answer: what the HTTP layer calls.

Every item that is asked about comes back as an answer or as the error that ended it; an item's
error is its own and leaves its neighbours alone. Only what concerns the whole call is raised.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.engine.tokenizer import CausalItem, PairTokenizer, Rows
from app.errors import (
    DeadlineExceededError,
    InferenceError,
    InvalidRequestError,
    OverloadedError,
    PayloadTooLargeError,
    ServiceError,
    UnavailableError,
)
from app.serving.scheduler import (
    CallTooLargeError,
    DrainingError,
    Limits,
    Outcome,
    QueueFullError,
    Request,
    Scheduler,
    Ticket,
)
from app.serving.worker import Engine, Result, Row, Worker
from app.telemetry.metrics import Metrics

CHARACTERS_A_TOKEN = 32
"""Twice the longest piece of XLM-R: what waits to be tokenised is limited by it."""

_LATE = (
    "no answer within the deadline of the call; allow more time with X-Request-Timeout-Ms, "
    "or send less at once"
)

DRAINING_RETRY_AFTER = 5.0
"""Seconds: about as long as a replacement takes to be ready behind a load balancer."""


class ServedModel(Protocol):
    """What the service needs of a model."""

    @property
    def revision(self) -> str: ...
    @property
    def tokenizer(self) -> PairTokenizer: ...
    @property
    def engine(self) -> Engine: ...


@dataclass(frozen=True)
class Ask:
    """One item for one model."""

    item: CausalItem
    model: str


@dataclass(frozen=True)
class StageTimes:
    """Where the time of an item went, in seconds."""

    tokenise: float
    queue: float
    inference: float


@dataclass(frozen=True)
class Answer:
    """The prediction for one item."""

    label: int
    probabilities: tuple[float, ...]
    logits: tuple[float, ...]
    model: str
    revision: str
    times: StageTimes


@dataclass(frozen=True, eq=False)
class _Work:
    """A scheduler payload: the rows of an item and where its result is awaited."""

    rows: tuple[Row, ...]
    done: asyncio.Future[Result[_Work]]


Model = TypeVar("Model", bound=ServedModel)


class PredictionService(Generic[Model]):
    """Answers asks on a set of models; made and used on one event loop."""

    def __init__(
        self,
        models: Mapping[str, Model],
        limits: Limits,
        metrics: Metrics,
        tokeniser_threads: int = 2,
    ) -> None:
        self.models = models
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._tokenisers = ThreadPoolExecutor(
            tokeniser_threads, thread_name_prefix="xcopa-tokeniser"
        )
        self._limits = limits
        self._unread = 0
        self._worker: Worker[_Work] = Worker(
            Scheduler(models, limits, time.monotonic),
            {name: model.engine for name, model in models.items()},
            on_results=self._on_results,
            clock=time.monotonic,
        )
        self._worker.start()
        metrics.watch_queue(self.waiting)

    @property
    def alive(self) -> bool:
        """Whether the worker's thread runs."""
        return self._worker.alive

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

    def close(self) -> None:
        """Stop the worker after its batch. Blocks until it has stopped."""
        self._worker.stop()
        self._tokenisers.shutdown(wait=False, cancel_futures=True)

    async def predict(self, asks: Sequence[Ask], timeout: float) -> list[Answer | ServiceError]:
        """Answer each ask, in order, or say why it has no answer.

        Args:
            asks: items, each with the model it is for; all are admitted or none is.
            timeout: seconds from now until nobody waits any more.

        Raises:
            OverloadedError, UnavailableError, PayloadTooLargeError: the call was not admitted.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                tokenised = await self._tokenise(asks)
        except TimeoutError:
            self._count(asks, "expired")
            return [DeadlineExceededError(_LATE) for _ in asks]
        tokenise_seconds = time.monotonic() - started
        rows = {i: rows for i, rows in enumerate(tokenised) if not isinstance(rows, ServiceError)}
        tickets = self._submit(asks, rows, deadline=started + timeout)
        try:
            await self._wait(tickets, started + timeout)
        except asyncio.CancelledError:
            self._worker.cancel(tickets)
            self._count_ends(tickets)
            raise
        self._count_ends(tickets)
        outcomes: list[Answer | ServiceError] = []
        by_index = dict(zip(rows, tickets, strict=True))
        for index, unanswerable in enumerate(tokenised):
            if isinstance(unanswerable, ServiceError):
                self._metrics.items.labels(asks[index].model, "invalid").inc()
                outcomes.append(unanswerable)
            else:
                outcomes.append(self._outcome(by_index[index], started, tokenise_seconds))
        return outcomes

    # Tokenising --------------------------------------------------------------------------

    async def _tokenise(self, asks: Sequence[Ask]) -> list[Rows | InvalidRequestError]:
        """Turn texts to rows in the thread pool; what waits there is limited as the queue is."""
        characters = sum(ask.item.characters for ask in asks)
        most = CHARACTERS_A_TOKEN * self._limits.queue_tokens
        if self._unread and self._unread + characters > most:
            self._count(asks, "rejected")
            raise OverloadedError("too much text waits to be tokenised", retry_after=1.0)
        self._unread += characters
        try:
            return await self._tokenise_by_model(asks)
        finally:
            self._unread -= characters

    async def _tokenise_by_model(self, asks: Sequence[Ask]) -> list[Rows | InvalidRequestError]:
        by_model: dict[str, list[int]] = {}
        for index, ask in enumerate(asks):
            by_model.setdefault(ask.model, []).append(index)
        tokenised: list[Rows | InvalidRequestError] = [()] * len(asks)
        for model, indices in by_model.items():
            began = time.monotonic()
            encode = self.models[model].tokenizer.encode
            items = [asks[index].item for index in indices]
            encoded = await self._loop.run_in_executor(self._tokenisers, encode, items)
            for index, rows in zip(indices, encoded, strict=True):
                tokenised[index] = rows
            self._metrics.tokenise.labels(model).observe(time.monotonic() - began)
        return tokenised

    # Scheduling --------------------------------------------------------------------------

    def _submit(
        self, asks: Sequence[Ask], rows: Mapping[int, Rows], deadline: float
    ) -> list[Ticket[_Work]]:
        call = [
            Request(
                model=asks[index].model,
                lengths=tuple(map(len, item_rows)),
                payload=_Work(item_rows, self._loop.create_future()),
                deadline=deadline,
            )
            for index, item_rows in rows.items()
        ]
        try:
            return self._worker.submit(call)
        except QueueFullError as error:
            self._count(call, "rejected")
            raise OverloadedError(str(error), retry_after=error.retry_after) from error
        except DrainingError as error:
            self._count(call, "rejected")
            raise UnavailableError(str(error), retry_after=DRAINING_RETRY_AFTER) from error
        except CallTooLargeError as error:
            self._count(call, "rejected")
            raise PayloadTooLargeError(f"{error}; send fewer items a call") from error

    async def _wait(self, tickets: Sequence[Ticket[_Work]], deadline: float) -> None:
        if not tickets:
            return
        waiting = [ticket.payload.done for ticket in tickets]
        _, late = await asyncio.wait(waiting, timeout=max(0.0, deadline - time.monotonic()))
        if not late:
            return
        self._worker.expire([ticket for ticket in tickets if not ticket.payload.done.done()])
        # What the worker finished just before that is on its way to this loop: an answer it is.
        arriving = [t.payload.done for t in tickets if t.outcome is not Outcome.EXPIRED]
        if arriving:
            await asyncio.wait(arriving)

    def _on_results(self, results: Sequence[Result[_Work]]) -> None:
        """Called on the worker's thread; hands over to the event loop, once a batch."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, results)
        except RuntimeError:
            # The loop is closed: a forced exit has given up on what was under way.
            return

    def _deliver(self, results: Sequence[Result[_Work]]) -> None:
        for result in results:
            done = result.ticket.payload.done
            if not done.done():
                done.set_result(result)
        batch, seconds = results[0].batch, results[0].inference_seconds
        self._metrics.inference.labels(batch.model).observe(seconds)
        self._metrics.batch_rows.labels(batch.model).observe(batch.shape.rows)
        self._metrics.batch_tokens.labels(batch.model).observe(batch.shape.tokens)

    # Answering ---------------------------------------------------------------------------

    def _outcome(
        self, ticket: Ticket[_Work], started: float, tokenise_seconds: float
    ) -> Answer | ServiceError:
        done = ticket.payload.done
        if ticket.outcome is Outcome.EXPIRED or not done.done():
            return DeadlineExceededError(_LATE)
        result = done.result()
        if result.logits is None:
            return InferenceError("the model failed on this item; the service's log has the cause")
        queue_seconds = (ticket.sealed_at or ticket.admitted_at) - ticket.admitted_at
        self._metrics.queue.labels(ticket.model).observe(queue_seconds)
        self._metrics.total.labels(ticket.model).observe(time.monotonic() - started)
        probabilities = softmax(result.logits)
        return Answer(
            label=max(range(len(result.logits)), key=result.logits.__getitem__),
            probabilities=probabilities,
            logits=result.logits,
            model=ticket.model,
            revision=self.models[ticket.model].revision,
            times=StageTimes(tokenise_seconds, queue_seconds, result.inference_seconds),
        )

    def _count_ends(self, tickets: Sequence[Ticket[_Work]]) -> None:
        for ticket in tickets:
            if ticket.outcome is not None:
                self._metrics.items.labels(ticket.model, ticket.outcome.value).inc()

    def _count(self, asked: Sequence[Ask | Request[_Work]], outcome: str) -> None:
        for each in asked:
            self._metrics.items.labels(each.model, outcome).inc()


def softmax(logits: Sequence[float]) -> tuple[float, ...]:
    """Return the probabilities of the choices, which sum to 1."""
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)
