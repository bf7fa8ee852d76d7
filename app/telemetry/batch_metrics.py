"""What is counted of batches, and what is read of the queue and the engines at every scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.telemetry import declared_batching as table
from app.telemetry.registering import Registering

_PAGE_BYTES = 4_096


@dataclass(frozen=True)
class BatchCounts:
    """How large a batch was."""

    rows: int
    tokens: int
    computed: int
    """Tokens, as the linear layers computed them."""
    padded: int
    """The same, if each row had been padded to the longest."""


class BatchMetrics(Registering):
    """The part of ``Metrics`` that counts batches, and watches the queue and the engines."""

    def __init__(self, models: Iterable[str]) -> None:
        super().__init__(models)
        self._batch_seconds = self._by_model(table.BATCH_SECONDS)
        self._batch_rows = self._by_model(table.BATCH_ROWS)
        self._batch_tokens = self._by_model(table.BATCH_TOKENS)
        self._computed_tokens = self._by_model(table.COMPUTED_TOKENS)
        self._padded_tokens = self._by_model(table.PADDED_TOKENS)
        self._estimate_ratio = self._by_model(table.ESTIMATE_RATIO)
        self._pace = self._register(table.PACE)
        self._batches = self._by_model_and_seed(table.BATCHES)
        self._token_budget = self._by_model(table.BATCH_TOKEN_BUDGET)
        self._fixed_seconds = self._by_model(table.CURVE_FIXED_SECONDS)
        self._token_seconds = self._by_model(table.CURVE_TOKEN_SECONDS)
        self._queue_items = self._by_model(table.QUEUE_ITEMS)
        self._queue_rows = self._by_model(table.QUEUE_ROWS)
        self._queue_tokens = self._by_model(table.QUEUE_TOKENS)
        self._queue_seconds = self._register(table.QUEUE_SECONDS)
        self._queue_limit = self._register(table.QUEUE_LIMIT)
        self._worker_restarts = self._register(table.WORKER_RESTARTS)
        self._engines = self._register(table.ENGINES)
        self._engines_planned = self._register(table.ENGINES_PLANNED)
        self._engine_states = self._by_seed(table.ENGINE_STATE)
        self._engine_plan_gain = self._register(table.ENGINE_PLAN_GAIN)
        self._engine_restarts = self._register(table.ENGINE_RESTARTS)
        self._engine_busy = self._register(table.ENGINE_BUSY_SECONDS)
        self._engine_memory = self._register(table.ENGINE_MEMORY)

    # What happens ------------------------------------------------------------------------

    def model_calibrated(
        self, model: str, *, batch_tokens: int, fixed_seconds: float, token_seconds: float
    ) -> None:
        """Set what the batches of a model cost.

        Args:
            model: the variant.
            batch_tokens: the token budget of a batch.
            fixed_seconds: time of a batch that does not depend on its tokens.
            token_seconds: time that a token adds to it.
        """
        self._token_budget[model].set(batch_tokens)
        self._fixed_seconds[model].set(fixed_seconds)
        self._token_seconds[model].set(token_seconds)

    def engine_plan_chosen(self, engines: int, threads: int, gain: float) -> None:
        """Set how many engines there are to be, and how much was gained by measuring that."""
        self._engine_plan_gain.labels(str(engines), str(threads)).set(gain)

    def batch_done(
        self,
        model: str,
        counts: BatchCounts,
        *,
        reason: str,
        seconds: float,
        estimated: float | None = None,
    ) -> None:
        """Record a batch that the engine has finished.

        Args:
            model: the variant.
            counts: how large the batch was.
            reason: one of ``REASONS``.
            seconds: how long it took.
            estimated: how long it was thought to take; None where that says nothing, because it
                was run in several passes or on several engines.
        """
        self._batch_seconds[model].observe(seconds)
        self._batch_rows[model].observe(counts.rows)
        self._batch_tokens[model].observe(counts.tokens)
        self._computed_tokens[model].inc(counts.computed)
        self._padded_tokens[model].inc(counts.padded)
        self._batches[model, reason].inc()
        if estimated:
            self._estimate_ratio[model].observe(seconds / estimated)

    def worker_replaced(self) -> None:
        """Count that the thread that runs batches died and was replaced."""
        self._worker_restarts.inc()

    def engine_replaced(self, number: int) -> None:
        """Count that the process of an engine ended and was replaced."""
        self._engine_restarts.labels(str(number)).inc()

    def engine_ran(self, number: int, seconds: float) -> None:
        """Record that an engine has finished a pass."""
        self._engine_busy.labels(str(number)).inc(seconds)

    # What is read at every scrape, from the one place that knows it ------------------------

    def watch_queue(
        self,
        waiting: Callable[[str], tuple[int, int]],
        rows: Callable[[str], int],
        seconds: Callable[[], float],
        pace: Callable[[], float],
        limit: float,
    ) -> None:
        """Read the depth of the queues at every scrape.

        Args:
            waiting: returns the items and tokens that wait for a model.
            rows: returns the rows that wait for it.
            seconds: returns the estimated work that waits for all of them.
            pace: returns what batches take of late over what was calibrated.
            limit: seconds of work that may wait.
        """
        for model in self._models:
            self._queue_items[model].set_function(partial(lambda name: waiting(name)[0], model))
            self._queue_rows[model].set_function(partial(rows, model))
            self._queue_tokens[model].set_function(partial(lambda name: waiting(name)[1], model))
        self._queue_seconds.set_function(seconds)
        self._pace.set_function(pace)
        self._queue_limit.set(limit)

    def watch_engines(
        self, most: int, moving: Callable[[], int], busy: Callable[[], int] = lambda: 0
    ) -> None:
        """Read at every scrape how many engines there are.

        Args:
            most: how many there are when none is being replaced.
            moving: returns how many there are now.
            busy: returns how many of them are at work.
        """
        for number in range(most):
            self._engine_restarts.labels(str(number))
            self._engine_busy.labels(str(number))
        self._engines.set_function(moving)
        self._engines_planned.set(most)
        self._engine_states["idle"].set_function(lambda: max(0, moving() - busy()))
        self._engine_states["busy"].set_function(busy)
        self._engine_states["missing"].set_function(lambda: max(0, most - moving()))

    def watch_engine_memory(self, most: int, processes: Callable[[], Mapping[int, int]]) -> None:
        """Read the memory of engines at every scrape.

        Args:
            most: how many engines there are when none is being replaced.
            processes: returns the process of each engine, by its number.
        """
        for number in range(most):
            of_engine = partial(lambda each: resident_bytes(processes().get(each)), number)
            self._engine_memory.labels(str(number)).set_function(of_engine)


def resident_bytes(process: int | None) -> int:
    """Return the resident memory of a process; 0 where there is none to be seen."""
    try:
        return _PAGE_BYTES * int(Path(f"/proc/{process}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
