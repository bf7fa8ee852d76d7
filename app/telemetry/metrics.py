"""Prometheus metrics of one application; ``declarations.py`` describes each.

Other parts say what happened. Only this file knows which counter or gauge that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import choose_encoder
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from app.telemetry import declarations as table
from app.telemetry.declarations import Declaration, Instrument


@dataclass(frozen=True)
class KeyCounters:
    """What is counted of one API key."""

    requests: Counter
    tokens: Counter
    limited: Counter


class Metrics:
    """Every metric of one application, in a registry of its own.

    The children of labels whose values are known from the start are looked up once, here: to
    find one costs more than to count.
    """

    def __init__(self, models: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._models = tuple(models)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._total = self._by_model(table.REQUEST_SECONDS)
        self._tokenise = self._by_model(table.TOKENISE_SECONDS)
        self._queue_wait = self._by_model(table.QUEUE_WAIT_SECONDS)
        self._inference = self._by_model(table.INFERENCE_SECONDS)
        self._batch_rows = self._by_model(table.BATCH_ROWS)
        self._batch_tokens = self._by_model(table.BATCH_TOKENS)
        self._batches = self._by_model_and_seed(table.BATCHES)
        self._token_budget = self._by_model(table.BATCH_TOKEN_BUDGET)
        self._fixed_seconds = self._by_model(table.CURVE_FIXED_SECONDS)
        self._token_seconds = self._by_model(table.CURVE_TOKEN_SECONDS)
        self._items = self._by_model_and_seed(table.ITEMS)
        self._queue_items = self._by_model(table.QUEUE_ITEMS)
        self._queue_tokens = self._by_model(table.QUEUE_TOKENS)
        self._queue_seconds = self._register(table.QUEUE_SECONDS)
        self._cache_requests = self._by_model_and_seed(table.CACHE_REQUESTS)
        self._cache_bytes = self._register(table.CACHE_BYTES)
        self._model_info = self._register(table.MODEL_INFO)
        self._kernel_gain = self._register(table.LINEAR_KERNEL_GAIN)
        self._worker_restarts = self._register(table.WORKER_RESTARTS)
        self._engines = self._register(table.ENGINES)
        self._engines_planned = self._register(table.ENGINES_PLANNED)
        self._engine_plan_gain = self._register(table.ENGINE_PLAN_GAIN)
        self._engine_restarts = self._register(table.ENGINE_RESTARTS)
        self._engine_busy = self._register(table.ENGINE_BUSY_SECONDS)
        self._http_requests = self._register(table.HTTP_REQUESTS)
        self._handshakes_failed = self._register(table.TLS_HANDSHAKES_FAILED)
        self._log_lines_dropped = self._register(table.LOG_LINES_DROPPED)
        self._ready = self._register(table.READY)
        self._by_key = [
            self._register(each)
            for each in (table.KEY_REQUESTS, table.KEY_TOKENS, table.KEY_LIMITED)
        ]
        self._of_key: dict[str, KeyCounters] = {}
        refused = self._register(table.KEY_REFUSED)
        self._key_refused = {each: refused.labels(each) for each in table.KEY_REFUSED.seeds}
        self._keys_outdated = self._register(table.KEYS_OUTDATED)

    def _register(self, metric: Declaration[Instrument]) -> Instrument:
        extra: dict[str, Any] = {"buckets": metric.buckets} if metric.buckets else {}
        return metric.kind(metric.name, metric.help, metric.labels, registry=self.registry, **extra)

    def _by_model(self, metric: Declaration[Instrument]) -> dict[str, Instrument]:
        parent = self._register(metric)
        return {model: parent.labels(model) for model in self._models}

    def _by_model_and_seed(
        self, metric: Declaration[Instrument]
    ) -> dict[tuple[str, str], Instrument]:
        parent = self._register(metric)
        return {
            (model, seed): parent.labels(model, seed)
            for model in self._models
            for seed in metric.seeds
        }

    # What happens ------------------------------------------------------------------------

    def model_loaded(
        self,
        model: str,
        revision: str,
        *,
        batch_tokens: int,
        fixed_seconds: float,
        token_seconds: float,
    ) -> None:
        """Set which weights are served, and what the batches of the model cost.

        Args:
            model: the variant.
            revision: names the weights in memory.
            batch_tokens: the token budget of a batch.
            fixed_seconds: time of a batch that does not depend on its tokens.
            token_seconds: time that a token adds to it.
        """
        self._model_info.labels(model, revision).set(1)
        self._token_budget[model].set(batch_tokens)
        self._fixed_seconds[model].set(fixed_seconds)
        self._token_seconds[model].set(token_seconds)

    def kernel_chosen(self, model: str, layer: str, kernel: str, gain: float) -> None:
        """Set which kernel computes a layer shape, and how much was gained by measuring."""
        self._kernel_gain.labels(model, layer, kernel).set(gain)

    def engine_plan_chosen(self, engines: int, threads: int, gain: float) -> None:
        """Set how many engines there are to be, and how much was gained by measuring that."""
        self._engine_plan_gain.labels(str(engines), str(threads)).set(gain)

    def call_tokenised(self, model: str, seconds: float) -> None:
        """Record how long the texts of a call took to become token ids."""
        self._tokenise[model].observe(seconds)

    def cache_asked(self, model: str, result: str) -> None:
        """Count an item by the state of the cache, one of ``CACHE_RESULTS``."""
        self._cache_requests[model, result].inc()

    def item_ended(self, model: str, outcome: str) -> None:
        """Count an item by how it ended, one of ``OUTCOMES``."""
        self._items[model, outcome].inc()

    def item_answered(self, model: str, queue: float, total: float) -> None:
        """Record how long an answered item waited and took in total, in seconds."""
        self._queue_wait[model].observe(queue)
        self._total[model].observe(total)

    def batch_done(self, model: str, rows: int, tokens: int, reason: str, seconds: float) -> None:
        """Record a batch that the engine has finished; ``reason`` is one of ``REASONS``."""
        self._inference[model].observe(seconds)
        self._batch_rows[model].observe(rows)
        self._batch_tokens[model].observe(tokens)
        self._batches[model, reason].inc()

    def worker_replaced(self) -> None:
        """Count that the thread that runs batches died and was replaced."""
        self._worker_restarts.inc()

    def engine_replaced(self, number: int) -> None:
        """Count that the process of an engine ended and was replaced."""
        self._engine_restarts.labels(str(number)).inc()

    def engine_ran(self, number: int, seconds: float) -> None:
        """Record that an engine has finished a pass."""
        self._engine_busy.labels(str(number)).inc(seconds)

    def http_answered(self, route: str, status: int) -> None:
        """Count a response. ``route`` is the pattern of a path, never a text of the caller."""
        self._http_requests.labels(route, str(status)).inc()

    def keys_taken(self, names: Iterable[str]) -> None:
        """Count by these names of API keys from now on, and forget those that are gone."""
        kept = {
            name: KeyCounters(*(counter.labels(name) for counter in self._by_key)) for name in names
        }
        gone = self._of_key.keys() - kept.keys()
        self._of_key = kept
        for name in gone:
            for counter in self._by_key:
                counter.remove(name)

    def key_admitted(self, name: str) -> None:
        """Count a request that was let in with a key."""
        if counters := self._of_key.get(name):
            counters.requests.inc()

    def key_spent(self, name: str, tokens: int) -> None:
        """Count the tokens of a call."""
        if counters := self._of_key.get(name):
            counters.tokens.inc(tokens)

    def key_limited(self, name: str) -> None:
        """Count a call that was refused because its key had used up its tokens."""
        if counters := self._of_key.get(name):
            counters.limited.inc()

    def key_refused(self, reason: str) -> None:
        """Count a request that was refused for its key, by one of ``KEY_REFUSALS``."""
        self._key_refused[reason].inc()

    def keys_outdated(self, outdated: bool) -> None:
        """Set whether older keys than those of the file are in force."""
        self._keys_outdated.set(outdated)

    def handshake_failed(self) -> None:
        """Count a connection that ended before TLS was agreed on."""
        self._handshakes_failed.inc()

    def log_lines_dropped(self, lines: int) -> None:
        """Count lines of the log that nobody read in time."""
        self._log_lines_dropped.inc(lines)

    # What is read at every scrape, from the one place that knows it ------------------------

    def watch_queue(
        self, waiting: Callable[[str], tuple[int, int]], seconds: Callable[[], float]
    ) -> None:
        """Read the depth of the queues at every scrape.

        Args:
            waiting: returns the items and tokens that wait for a model.
            seconds: returns the estimated work that waits for all of them.
        """
        for model in self._models:
            self._queue_items[model].set_function(partial(lambda name: waiting(name)[0], model))
            self._queue_tokens[model].set_function(partial(lambda name: waiting(name)[1], model))
        self._queue_seconds.set_function(seconds)

    def watch_engines(self, most: int, moving: Callable[[], int]) -> None:
        """Read at every scrape how many engines there are.

        Args:
            most: how many there are when none is being replaced.
            moving: returns how many there are now.
        """
        for number in range(most):
            self._engine_restarts.labels(str(number))
            self._engine_busy.labels(str(number))
        self._engines.set_function(moving)
        self._engines_planned.set(most)

    def watch_cache(self, size: Callable[[], int]) -> None:
        """Read the bytes of the cached answers at every scrape."""
        self._cache_bytes.set_function(size)

    def watch_ready(self, ready: Callable[[], bool]) -> None:
        """Read whether the service is ready at every scrape."""
        self._ready.set_function(ready)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the body of the answer to a scrape, and its content type.

        Args:
            accept: the scraper's ``Accept`` header; it selects OpenMetrics or Prometheus' text.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
