"""Prometheus metrics: ``xcopa_``, base units, labelled by model, seeded at zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

REASONS = ("budget", "drained", "deadline", "max_wait")
"""Why a batch was sealed."""

OUTCOMES = ("answered", "expired", "cancelled", "failed", "rejected", "invalid")

SECONDS = tuple(0.0005 * 2**step for step in range(17))
"""Geometric, from half a millisecond to 33 seconds."""

ROWS = tuple(float(2**step) for step in range(10))
TOKENS = tuple(float(16 * 2**step) for step in range(10))


class Metrics:
    """Every metric of one application, in a registry of its own."""

    def __init__(self, models: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._models = tuple(models)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.total = self._histogram(
            "xcopa_request_duration_seconds",
            "Time of an item from its arrival to its answer.",
            SECONDS,
        )
        self.tokenise = self._histogram(
            "xcopa_tokenise_duration_seconds",
            "Time to turn the texts of a call to token ids.",
            SECONDS,
        )
        self.queue = self._histogram(
            "xcopa_queue_duration_seconds", "Time an item waited for the engine.", SECONDS
        )
        self.inference = self._histogram(
            "xcopa_inference_duration_seconds", "Time of the forward pass of a batch.", SECONDS
        )
        self.batch_rows = self._histogram(
            "xcopa_batch_rows", "Rows of a batch, one a choice.", ROWS
        )
        self.batch_tokens = self._histogram(
            "xcopa_batch_tokens", "Tokens of a batch, without padding.", TOKENS
        )
        self.items = Counter(
            "xcopa_items_total",
            "Items by how they ended.",
            ("model", "outcome"),
            registry=self.registry,
        )
        self.http_requests = Counter(
            "xcopa_http_requests_total",
            "HTTP requests by route and status.",
            ("route", "status"),
            registry=self.registry,
        )
        self.ready = Gauge(
            "xcopa_ready", "1 while the service is ready for work.", registry=self.registry
        )
        self.model_info = Gauge(
            "xcopa_model_info",
            "1 for each model that is served.",
            ("model", "revision"),
            registry=self.registry,
        )
        self.batches = Counter(
            "xcopa_batches_total",
            "Batches by why they were sealed when they were.",
            ("model", "reason"),
            registry=self.registry,
        )
        self.batch_token_budget = Gauge(
            "xcopa_batch_token_budget",
            "Most tokens of a batch, as set or as calibrated.",
            ("model",),
            registry=self.registry,
        )
        self.batch_fixed_seconds = Gauge(
            "xcopa_service_curve_fixed_seconds",
            "Time of a batch that does not depend on its tokens, as calibrated.",
            ("model",),
            registry=self.registry,
        )
        self.token_seconds = Gauge(
            "xcopa_service_curve_token_seconds",
            "Time that a token adds to a batch, as calibrated.",
            ("model",),
            registry=self.registry,
        )
        self.cache_requests = Counter(
            "xcopa_cache_requests_total",
            "Items by what the cache had: the answer (hit), an equal item under way (wait), "
            "nothing (miss).",
            ("model", "result"),
            registry=self.registry,
        )
        self.cache_bytes = Gauge(
            "xcopa_cache_bytes", "Bytes of the answers that are kept.", registry=self.registry
        )
        self.worker_restarts = Counter(
            "xcopa_worker_restarts_total",
            "Times that the thread which runs batches had died and was replaced.",
            registry=self.registry,
        )
        # Looked up once: to find the child of a label costs more than to count.
        self._queue = {model: self.queue.labels(model) for model in self._models}
        self._total = {model: self.total.labels(model) for model in self._models}
        self._items = {
            (model, outcome): self.items.labels(model, outcome)
            for model in self._models
            for outcome in OUTCOMES
        }
        for model in self._models:
            for reason in REASONS:
                self.batches.labels(model, reason)
            for result in ("hit", "wait", "miss"):
                self.cache_requests.labels(model, result)
            for gauge in (self.batch_token_budget, self.batch_fixed_seconds, self.token_seconds):
                gauge.labels(model)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        histogram = Histogram(name, text, ("model",), registry=self.registry, buckets=buckets)
        for model in self._models:
            histogram.labels(model)
        return histogram

    def item_ended(self, model: str, outcome: str) -> None:
        """Count an item by how it ended."""
        self._items[model, outcome].inc()

    def item_answered(self, model: str, queue: float, total: float) -> None:
        """Note where the time of an answered item went, in seconds."""
        self._queue[model].observe(queue)
        self._total[model].observe(total)

    def batch_done(self, model: str, rows: int, tokens: int, reason: str, seconds: float) -> None:
        """Note a batch that the engine has finished."""
        self.inference.labels(model).observe(seconds)
        self.batch_rows.labels(model).observe(rows)
        self.batch_tokens.labels(model).observe(tokens)
        self.batches.labels(model, reason).inc()

    def watch_queue(
        self, waiting: Callable[[str], tuple[int, int]], seconds: Callable[[], float]
    ) -> None:
        """Read the depth of the queues at every scrape, from the one place that knows it.

        Args:
            waiting: returns the items and tokens that wait for a model.
            seconds: returns the estimated work that waits for all of them.
        """
        self.registry.register(_QueueDepth(self._models, waiting, seconds))


class _QueueDepth(Collector):
    def __init__(
        self,
        models: Iterable[str],
        waiting: Callable[[str], tuple[int, int]],
        seconds: Callable[[], float],
    ) -> None:
        self._models = tuple(models)
        self._waiting = waiting
        self._seconds = seconds

    def collect(self) -> Iterable[Metric]:
        items = GaugeMetricFamily("xcopa_queue_items", "Items that wait.", labels=["model"])
        tokens = GaugeMetricFamily("xcopa_queue_tokens", "Tokens that wait.", labels=["model"])
        for model in self._models:
            waiting_items, waiting_tokens = self._waiting(model)
            items.add_metric([model], waiting_items)
            tokens.add_metric([model], waiting_tokens)
        work = GaugeMetricFamily(
            "xcopa_queue_seconds", "Estimated work that waits.", value=self._seconds()
        )
        return [items, tokens, work]
