"""The table of metrics: the name, meaning, unit and labels of each, and a query.

The registry (``metrics.py``), the reference page (``docs/reference/metrics.md``) and the test of
the dashboards are made from it. How to add one: ``docs/how-to/add-a-metric.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)

REASONS = ("budget", "drained", "deadline", "max_wait")
"""Why a batch was composed when it was."""

OUTCOMES = ("answered", "expired", "cancelled", "failed", "rejected", "invalid")
"""How an item ended."""

CACHE_RESULTS = ("hit", "wait", "miss")
"""What the cache had: the answer, an equal item under way, nothing."""

KEY_REFUSALS = ("missing", "unknown", "revoked", "several")
"""Why a request was refused for its API key; ``several``: it brought keys that differ."""

SECONDS = tuple(0.0005 * 2**step for step in range(17))
"""Geometric, from half a millisecond to 33 seconds."""

ROWS = tuple(float(2**step) for step in range(10))
TOKENS = tuple(float(16 * 2**step) for step in range(10))


@dataclass(frozen=True)
class Declaration(Generic[Instrument]):
    """One metric.

    Prometheus keeps a series for every combination of label values. All that are known before
    the first request start at zero, since a series that appears with its first event hides that
    event from ``rate``.
    """

    kind: type[Instrument]
    name: str
    """With the unit and, of a counter, ``_total`` at its end."""
    help: str
    """One sentence; ``GET /metrics`` returns it too."""
    unit: str
    """What a value counts."""
    query: str
    """A PromQL query that answers an operator's question."""
    labels: tuple[str, ...] = ()
    """``model``, where it is labelled by model, comes first."""
    seeds: tuple[str, ...] = ()
    """All values of the label after ``model``; empty where they are known only at run time."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in its unit."""

    @property
    def series(self) -> dict[str, frozenset[str]]:
        """The labels of each series under the name that Prometheus stores it by."""
        labels = frozenset(self.labels)
        if self.kind is not Histogram:
            return {self.name: labels}
        return {
            f"{self.name}_bucket": labels | {"le"},
            f"{self.name}_sum": labels,
            f"{self.name}_count": labels,
        }


def _p95(histogram: str) -> str:
    return f"histogram_quantile(0.95, sum by (model, le) (rate({histogram}_bucket[5m])))"


REQUEST_SECONDS = Declaration(
    Histogram,
    "xcopa_request_duration_seconds",
    "Time of an item from its arrival to its answer.",
    "seconds",
    _p95("xcopa_request_duration_seconds"),
    labels=("model",),
    buckets=SECONDS,
)
TOKENISE_SECONDS = Declaration(
    Histogram,
    "xcopa_tokenise_duration_seconds",
    "Time to turn the texts of a call into token ids.",
    "seconds",
    _p95("xcopa_tokenise_duration_seconds"),
    labels=("model",),
    buckets=SECONDS,
)
QUEUE_WAIT_SECONDS = Declaration(
    Histogram,
    "xcopa_queue_duration_seconds",
    "Time that an item waited for the engine.",
    "seconds",
    _p95("xcopa_queue_duration_seconds"),
    labels=("model",),
    buckets=SECONDS,
)
INFERENCE_SECONDS = Declaration(
    Histogram,
    "xcopa_inference_duration_seconds",
    "Time of the forward pass of a batch.",
    "seconds",
    "sum by (instance) (rate(xcopa_inference_duration_seconds_sum[5m]))",
    labels=("model",),
    buckets=SECONDS,
)
BATCH_ROWS = Declaration(
    Histogram,
    "xcopa_batch_rows",
    "Rows of a batch, one for each choice.",
    "rows",
    "rate(xcopa_batch_rows_sum[5m]) / rate(xcopa_batch_rows_count[5m])",
    labels=("model",),
    buckets=ROWS,
)
BATCH_TOKENS = Declaration(
    Histogram,
    "xcopa_batch_tokens",
    "Tokens of a batch, without padding.",
    "tokens",
    "sum by (model) (rate(xcopa_batch_tokens_sum[5m]))",
    labels=("model",),
    buckets=TOKENS,
)
ITEMS = Declaration(
    Counter,
    "xcopa_items_total",
    "Items by outcome.",
    "items",
    "sum by (model, outcome) (rate(xcopa_items_total[5m]))",
    labels=("model", "outcome"),
    seeds=OUTCOMES,
)
HTTP_REQUESTS = Declaration(
    Counter,
    "xcopa_http_requests_total",
    "HTTP requests by route and status.",
    "requests",
    'sum by (route) (rate(xcopa_http_requests_total{status=~"5.."}[5m]))',
    labels=("route", "status"),
)
KEY_REQUESTS = Declaration(
    Counter,
    "xcopa_key_requests_total",
    "Requests that were let in, by the name of their API key.",
    "requests",
    "sum by (key) (rate(xcopa_key_requests_total[5m]))",
    labels=("key",),
)
KEY_TOKENS = Declaration(
    Counter,
    "xcopa_key_tokens_total",
    "Tokens of the calls that were queued or answered from the cache, by the name of their API "
    "key: what its limit counts.",
    "tokens",
    "sum by (key) (rate(xcopa_key_tokens_total[5m]))",
    labels=("key",),
)
KEY_LIMITED = Declaration(
    Counter,
    "xcopa_key_limited_total",
    "Calls that were refused because their API key had used up its tokens, by its name.",
    "calls",
    "sum by (key) (rate(xcopa_key_limited_total[5m]))",
    labels=("key",),
)
KEY_REFUSED = Declaration(
    Counter,
    "xcopa_key_refusals_total",
    "Requests that were refused for their API key: they brought none (missing), one that nobody "
    "holds (unknown), one that was revoked, or several that differ.",
    "requests",
    "sum by (reason) (rate(xcopa_key_refusals_total[5m]))",
    labels=("reason",),
    seeds=KEY_REFUSALS,
)
KEYS_OUTDATED = Declaration(
    Gauge,
    "xcopa_keys_outdated",
    "1 while the file of API keys is broken or missing, and the keys of before are in force.",
    "0 or 1",
    "max by (instance) (xcopa_keys_outdated)",
)
TLS_HANDSHAKES_FAILED = Declaration(
    Counter,
    "xcopa_tls_handshakes_failed_total",
    "Connections that ended before TLS was agreed on.",
    "connections",
    "rate(xcopa_tls_handshakes_failed_total[5m])",
)
LOG_LINES_DROPPED = Declaration(
    Counter,
    "xcopa_log_lines_dropped_total",
    "Lines of the log that were dropped, because whoever reads the log is too slow or gone.",
    "lines",
    "rate(xcopa_log_lines_dropped_total[5m])",
)
READY = Declaration(
    Gauge,
    "xcopa_ready",
    "1 while the service is ready.",
    "0 or 1",
    "min(xcopa_ready)",
)
MODEL_INFO = Declaration(
    Gauge,
    "xcopa_model_info",
    "1 for each model that is served.",
    "always 1",
    "count by (model, revision) (xcopa_model_info)",
    labels=("model", "revision"),
)
LINEAR_KERNEL_GAIN = Declaration(
    Gauge,
    "xcopa_linear_kernel_gain_ratio",
    "How many times as fast the kernel of a layer shape is, measured at the start, as the one that "
    "is taken without measuring.",
    "ratio",
    "min by (model, layer, kernel) (xcopa_linear_kernel_gain_ratio)",
    labels=("model", "layer", "kernel"),
)
BATCHES = Declaration(
    Counter,
    "xcopa_batches_total",
    "Batches by the reason for composing them at that moment.",
    "batches",
    "sum by (model, reason) (rate(xcopa_batches_total[5m]))",
    labels=("model", "reason"),
    seeds=REASONS,
)
BATCH_TOKEN_BUDGET = Declaration(
    Gauge,
    "xcopa_batch_token_budget",
    "Most tokens of a batch, as set or calibrated.",
    "tokens",
    "min by (model) (xcopa_batch_token_budget)",
    labels=("model",),
)
CURVE_FIXED_SECONDS = Declaration(
    Gauge,
    "xcopa_service_curve_fixed_seconds",
    "Time of a batch that does not depend on its tokens, as calibrated.",
    "seconds",
    "max by (model) (xcopa_service_curve_fixed_seconds)",
    labels=("model",),
)
CURVE_TOKEN_SECONDS = Declaration(
    Gauge,
    "xcopa_service_curve_token_seconds",
    "Time that a token adds to a batch, as calibrated.",
    "seconds",
    "1 / max by (model) (xcopa_service_curve_token_seconds)",
    labels=("model",),
)
CACHE_REQUESTS = Declaration(
    Counter,
    "xcopa_cache_requests_total",
    "Items by the state of the cache: it had the answer (hit), an equal item was being computed "
    "(wait), or neither (miss).",
    "items",
    'sum by (model) (rate(xcopa_cache_requests_total{result!="miss"}[5m]))'
    " / sum by (model) (rate(xcopa_cache_requests_total[5m]))",
    labels=("model", "result"),
    seeds=CACHE_RESULTS,
)
CACHE_BYTES = Declaration(
    Gauge,
    "xcopa_cache_bytes",
    "Bytes of the answers in the cache.",
    "bytes",
    "sum by (instance) (xcopa_cache_bytes)",
)
WORKER_RESTARTS = Declaration(
    Counter,
    "xcopa_worker_restarts_total",
    "Times that the thread that runs batches died and was replaced.",
    "restarts",
    "increase(xcopa_worker_restarts_total[1h])",
)
ENGINES = Declaration(
    Gauge,
    "xcopa_engines",
    "Engines that run batches; fewer than usual while one is replaced.",
    "engines",
    "min by (instance) (xcopa_engines)",
)
ENGINES_PLANNED = Declaration(
    Gauge,
    "xcopa_engines_planned",
    "Engines that there are when none is being replaced.",
    "engines",
    "sum(xcopa_engines_planned)",
)
ENGINE_PLAN_GAIN = Declaration(
    Gauge,
    "xcopa_engine_plan_gain_ratio",
    "How many times as many tokens a second as the number of engines that is taken without "
    "measuring, by the measurement of the start; 1 where nothing was measured.",
    "ratio",
    "min by (engines, threads) (xcopa_engine_plan_gain_ratio)",
    labels=("engines", "threads"),
)
ENGINE_RESTARTS = Declaration(
    Counter,
    "xcopa_engine_restarts_total",
    "Times that the process of an engine ended, or was ended because it was stuck, and was "
    "replaced.",
    "restarts",
    "sum by (instance) (increase(xcopa_engine_restarts_total[1h]))",
    labels=("engine",),
)
ENGINE_BUSY_SECONDS = Declaration(
    Counter,
    "xcopa_engine_busy_seconds_total",
    "Time that an engine has spent on its passes.",
    "seconds",
    "sum by (engine) (rate(xcopa_engine_busy_seconds_total[5m]))",
    labels=("engine",),
)
QUEUE_ITEMS = Declaration(
    Gauge,
    "xcopa_queue_items",
    "Items in the queue.",
    "items",
    "sum by (model) (xcopa_queue_items)",
    labels=("model",),
)
QUEUE_TOKENS = Declaration(
    Gauge,
    "xcopa_queue_tokens",
    "Tokens in the queue.",
    "tokens",
    "sum by (model) (xcopa_queue_tokens)",
    labels=("model",),
)
QUEUE_SECONDS = Declaration(
    Gauge,
    "xcopa_queue_seconds",
    "Estimated time of the work in the queue.",
    "seconds",
    "max by (instance) (xcopa_queue_seconds)",
)

AnyDeclaration = Declaration[Counter] | Declaration[Gauge] | Declaration[Histogram]

DECLARATIONS: tuple[AnyDeclaration, ...] = (
    REQUEST_SECONDS,
    TOKENISE_SECONDS,
    QUEUE_WAIT_SECONDS,
    INFERENCE_SECONDS,
    BATCH_ROWS,
    BATCH_TOKENS,
    BATCHES,
    BATCH_TOKEN_BUDGET,
    CURVE_FIXED_SECONDS,
    CURVE_TOKEN_SECONDS,
    ITEMS,
    QUEUE_ITEMS,
    QUEUE_TOKENS,
    QUEUE_SECONDS,
    CACHE_REQUESTS,
    CACHE_BYTES,
    MODEL_INFO,
    LINEAR_KERNEL_GAIN,
    WORKER_RESTARTS,
    ENGINES,
    ENGINES_PLANNED,
    ENGINE_PLAN_GAIN,
    ENGINE_RESTARTS,
    ENGINE_BUSY_SECONDS,
    HTTP_REQUESTS,
    KEY_REQUESTS,
    KEY_TOKENS,
    KEY_LIMITED,
    KEY_REFUSED,
    KEYS_OUTDATED,
    TLS_HANDSHAKES_FAILED,
    LOG_LINES_DROPPED,
    READY,
)
"""Every metric, in the order of the reference page."""
