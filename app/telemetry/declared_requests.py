"""The metrics of requests, of the items in them, and of what was predicted."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from app.telemetry.declaration import SECONDS, AnyDeclaration, Declaration

OUTCOMES = ("answered", "expired", "cancelled", "failed", "rejected", "invalid")
"""How an item ended."""

STAGES = ("tokenise", "queue", "inference")
"""Where an item was when its time was over, or its caller left."""

REFUSALS = (
    *("queue_full", "deadline", "too_large", "tokenising", "key_limit", "draining", "stuck"),
    "other",
)
"""Why a call was not admitted."""

QUESTIONS = ("cause", "effect")
SHADOW_RESULTS = ("agree", "differ", "dropped")
LABELS = ("0", "1", "other")
"""The choice that was predicted; ``other`` is one of a longer list."""

COMPARISONS = ("agree", "differ")

CACHE_RESULTS = ("hit", "wait", "miss")
"""What the cache had: the answer, an equal item under way, nothing."""

KEY_REFUSALS = ("missing", "unknown", "revoked", "several")
"""Why a request was refused for its API key; ``several``: it brought keys that differ."""

PROBLEMS = (
    *("bad-request", "unauthorized", "key-revoked", "invalid-request", "text-too-long"),
    *("payload-too-large", "unsupported-media-type", "overloaded", "rate-limited", "unavailable"),
    *("deadline-exceeded", "client-gone", "inference-failed", "internal", "http"),
    *("admin-key-needed", "no-such-model", "change-refused", "load-failed", "no-room"),
)
"""The types of problem documents."""

CONFIDENCE = (0.25, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0)


def _stage(name: str, text: str) -> Declaration[Histogram]:
    per_route = f"rate(xcopa_{name}_duration_seconds_bucket[5m])"
    return Declaration(
        Histogram,
        f"xcopa_{name}_duration_seconds",
        f"{text} Of requests that were answered, by model (several: a comparison) and route.",
        "seconds",
        f"histogram_quantile(0.95, sum by (model, route, le) ({per_route})) >= 0",
        labels=("model", "route"),
        buckets=SECONDS,
    )


REQUEST_SECONDS = _stage("request", "Time from the arrival of a request to its answer.")
ADMISSION_SECONDS = _stage(
    "admission",
    "Time from the arrival of a request until the service was asked: its body and its checks.",
)
TOKENISE_SECONDS = _stage("tokenise", "Time to turn the texts of a request into token ids.")
QUEUE_WAIT_SECONDS = _stage(
    "queue", "Time that the slowest item of a request waited for an engine."
)
INFERENCE_SECONDS = _stage("inference", "Time of the longest batch that a request took part in.")

STAGE_SECONDS = (
    ADMISSION_SECONDS,
    TOKENISE_SECONDS,
    QUEUE_WAIT_SECONDS,
    INFERENCE_SECONDS,
    REQUEST_SECONDS,
)
"""In the order in which a request passes them; the last one is the sum."""

HTTP_REQUESTS = Declaration(
    Counter,
    "xcopa_http_requests_total",
    "HTTP requests by route and status.",
    "requests",
    'sum by (route) (rate(xcopa_http_requests_total{status=~"5.."}[5m]))',
    labels=("route", "status"),
)
PROBLEM_COUNT = Declaration(
    Counter,
    "xcopa_problems_total",
    "Responses that are problem documents, by the last part of the type of the problem (http: an "
    "outcome of HTTP itself, such as a path at which there is nothing).",
    "responses",
    "sum by (problem) (rate(xcopa_problems_total[5m])) > 0",
    labels=("problem",),
    seeds=PROBLEMS,
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
REFUSED = Declaration(
    Counter,
    "xcopa_refusals_total",
    "Items of calls that were refused, by the reason: no room in the queue (queue_full), no answer "
    "expected in time (deadline), more than one call may ask for (too_large), too much text that "
    "waits to be tokenised (tokenising), an API key that has used up its tokens (key_limit), the "
    "service shuts down (draining), its engine is stuck (stuck).",
    "items",
    "sum by (model, reason) (rate(xcopa_refusals_total[5m])) > 0",
    labels=("model", "reason"),
    seeds=REFUSALS,
)
EXPIRED = Declaration(
    Counter,
    "xcopa_expiries_total",
    "Items that were not answered by their deadline, by the stage in which they were then.",
    "items",
    "sum by (model, stage) (rate(xcopa_expiries_total[5m])) > 0",
    labels=("model", "stage"),
    seeds=STAGES,
)
CANCELLED = Declaration(
    Counter,
    "xcopa_cancellations_total",
    "Items whose caller left, by the stage in which they were then.",
    "items",
    "sum by (model, stage) (rate(xcopa_cancellations_total[5m])) > 0",
    labels=("model", "stage"),
    seeds=STAGES,
)
PREDICTIONS = Declaration(
    Counter,
    "xcopa_predictions_total",
    "Answered items by question and by the place of the choice that was predicted.",
    "items",
    "sum by (model, label) (rate(xcopa_predictions_total[1h]))"
    " / ignoring (label) group_left sum by (model) (rate(xcopa_predictions_total[1h]) > 0)",
    labels=("model", "question", "label"),
    seeds=QUESTIONS,
    more_seeds=LABELS,
)
CONFIDENCE_RATIO = Declaration(
    Histogram,
    "xcopa_confidence_ratio",
    "Probability of the choice that was predicted.",
    "ratio",
    "histogram_quantile(0.5, sum by (model, le) (rate(xcopa_confidence_ratio_bucket[1h]))) >= 0",
    labels=("model",),
    buckets=CONFIDENCE,
)
SHADOW_ITEMS = Declaration(
    Counter,
    "xcopa_shadow_items_total",
    "Items of another model (shadow_of) that this one was chosen to be asked too, by question and "
    "by whether it said the same label; dropped: the engines had other work.",
    "items",
    'sum by (model) (rate(xcopa_shadow_items_total{result="agree"}[1h]))'
    ' / (sum by (model) (rate(xcopa_shadow_items_total{result!="dropped"}[1h])) > 0)',
    labels=("model", "question", "result"),
    seeds=QUESTIONS,
    more_seeds=SHADOW_RESULTS,
)
COMPARED = Declaration(
    Counter,
    "xcopa_comparisons_total",
    "Items that all models answered, by whether they predicted the same choice.",
    "items",
    'sum(rate(xcopa_comparisons_total{result="differ"}[1h]))'
    " / (sum(rate(xcopa_comparisons_total[1h])) > 0)",
    labels=("result",),
    seeds=COMPARISONS,
)
CACHE_REQUESTS = Declaration(
    Counter,
    "xcopa_cache_requests_total",
    "Items by the state of the cache: it had the answer (hit), an equal item was being computed "
    "(wait), or neither (miss).",
    "items",
    'sum by (model) (rate(xcopa_cache_requests_total{result!="miss"}[5m]))'
    " / (sum by (model) (rate(xcopa_cache_requests_total[5m])) > 0)",
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

REQUESTS: tuple[AnyDeclaration, ...] = (
    *STAGE_SECONDS,
    HTTP_REQUESTS,
    PROBLEM_COUNT,
    ITEMS,
    REFUSED,
    EXPIRED,
    CANCELLED,
    PREDICTIONS,
    CONFIDENCE_RATIO,
    SHADOW_ITEMS,
    COMPARED,
    CACHE_REQUESTS,
    CACHE_BYTES,
    KEY_REQUESTS,
    KEY_TOKENS,
    KEY_LIMITED,
    KEY_REFUSED,
)
"""In the order of the reference page."""
