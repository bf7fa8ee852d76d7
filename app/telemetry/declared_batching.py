"""The metrics of batches, of the queue, and of the engines."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from app.telemetry.declaration import SECONDS, AnyDeclaration, Declaration

REASONS = ("budget", "drained", "deadline", "max_wait")
"""Why a batch was composed when it was."""

ENGINE_STATES = ("idle", "busy", "missing")
"""``missing``: it ended, and is being replaced."""

ROWS = tuple(float(2**step) for step in range(10))
TOKENS = tuple(float(16 * 2**step) for step in range(10))
RATIOS = (0.25, 0.35, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 2.0, 2.8, 4.0, 8.0)
"""Close to 1 from both sides, and then geometric."""

BATCH_SECONDS = Declaration(
    Histogram,
    "xcopa_batch_duration_seconds",
    "Time of the forward pass of a batch.",
    "seconds",
    "sum by (instance) (rate(xcopa_batch_duration_seconds_sum[5m]))",
    labels=("model",),
    buckets=SECONDS,
)
BATCH_ROWS = Declaration(
    Histogram,
    "xcopa_batch_rows",
    "Rows of a batch, one for each choice.",
    "rows",
    "sum by (model) (rate(xcopa_batch_rows_sum[5m]))"
    " / (sum by (model) (rate(xcopa_batch_rows_count[5m])) > 0)",
    labels=("model",),
    buckets=ROWS,
)
BATCH_TOKENS = Declaration(
    Histogram,
    "xcopa_batch_tokens",
    "Tokens of a batch, without any padding: the useful ones.",
    "tokens",
    "sum by (model) (rate(xcopa_batch_tokens_sum[5m]))",
    labels=("model",),
    buckets=TOKENS,
)
COMPUTED_TOKENS = Declaration(
    Counter,
    "xcopa_batch_computed_tokens_total",
    "Tokens of batches as the linear layers compute them: rows end to end, rounded up to 16.",
    "tokens",
    "sum by (model) (rate(xcopa_batch_computed_tokens_total[5m]))",
    labels=("model",),
)
PADDED_TOKENS = Declaration(
    Counter,
    "xcopa_batch_padded_tokens_total",
    "Tokens of the same batches if each row were padded to the longest, rounded up likewise: what "
    "is not computed here.",
    "tokens",
    "sum by (model) (rate(xcopa_batch_padded_tokens_total[5m]))",
    labels=("model",),
)
ESTIMATE_RATIO = Declaration(
    Histogram,
    "xcopa_batch_estimate_ratio",
    "Time of a batch over its estimate when it was composed, of batches that one engine ran in one "
    "pass: above 1, the service thinks that it is faster than it is.",
    "ratio",
    "sum by (model) (rate(xcopa_batch_estimate_ratio_sum[5m]))"
    " / (sum by (model) (rate(xcopa_batch_estimate_ratio_count[5m])) > 0)",
    labels=("model",),
    buckets=RATIOS,
)
PACE = Declaration(
    Gauge,
    "xcopa_service_pace_ratio",
    "Time that batches have taken of late, over what was calibrated; estimates count with it.",
    "ratio",
    "max by (instance) (xcopa_service_pace_ratio)",
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
QUEUE_ITEMS = Declaration(
    Gauge,
    "xcopa_queue_items",
    "Items in the queue.",
    "items",
    "sum by (model) (xcopa_queue_items)",
    labels=("model",),
)
QUEUE_ROWS = Declaration(
    Gauge,
    "xcopa_queue_rows",
    "Rows in the queue, one for each choice.",
    "rows",
    "sum by (model) (xcopa_queue_rows)",
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
QUEUE_LIMIT = Declaration(
    Gauge,
    "xcopa_queue_limit_seconds",
    "Estimated time of the work that may wait; more is refused.",
    "seconds",
    "max by (instance) (xcopa_queue_limit_seconds)",
)
WORKER_RESTARTS = Declaration(
    Counter,
    "xcopa_worker_restarts_total",
    "Times that the thread that runs batches died and was replaced.",
    "restarts",
    "sum by (instance) (increase(xcopa_worker_restarts_total[1h]))",
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
ENGINE_STATE = Declaration(
    Gauge,
    "xcopa_engine_states",
    "Engines by what they do at the moment of the scrape.",
    "engines",
    "sum by (instance, state) (xcopa_engine_states)",
    labels=("state",),
    seeds=ENGINE_STATES,
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
ENGINE_MEMORY = Declaration(
    Gauge,
    "xcopa_engine_memory_bytes",
    "Resident memory of the processes of the engines; what they share is counted in each.",
    "bytes",
    "max by (instance, engine) (xcopa_engine_memory_bytes)",
    labels=("engine",),
)

BATCHING: tuple[AnyDeclaration, ...] = (
    BATCH_SECONDS,
    BATCH_ROWS,
    BATCH_TOKENS,
    COMPUTED_TOKENS,
    PADDED_TOKENS,
    ESTIMATE_RATIO,
    PACE,
    BATCHES,
    BATCH_TOKEN_BUDGET,
    CURVE_FIXED_SECONDS,
    CURVE_TOKEN_SECONDS,
    QUEUE_ITEMS,
    QUEUE_ROWS,
    QUEUE_TOKENS,
    QUEUE_SECONDS,
    QUEUE_LIMIT,
    WORKER_RESTARTS,
    ENGINES,
    ENGINES_PLANNED,
    ENGINE_STATE,
    ENGINE_PLAN_GAIN,
    ENGINE_RESTARTS,
    ENGINE_BUSY_SECONDS,
    ENGINE_MEMORY,
)
"""In the order of the reference page."""
