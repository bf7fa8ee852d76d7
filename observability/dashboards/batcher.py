"""*Batcher*: what waits, what batches are made of, and whether estimates are honest."""

from __future__ import annotations

from observability.dashboards.dashboard import DashboardSpec, RowSpec
from observability.dashboards.panels import (
    OF_INSTANCE,
    OF_MODEL,
    Kind,
    PanelSpec,
    Query,
    over,
    quantile,
    rate,
)


def _waiting(what: str) -> PanelSpec:
    return PanelSpec(
        f"{what.capitalize()} that wait",
        "",
        "none",
        [Query(f"sum by (model) (xcopa_queue_{what}{{{OF_MODEL}}})", "{{model}}")],
        width=6,
        empty="nothing waits",
    )


def _mean(histogram: str) -> str:
    return over(
        rate(f"{histogram}_sum", "model", OF_MODEL), rate(f"{histogram}_count", "model", OF_MODEL)
    )


_QUEUE = RowSpec(
    "Queue",
    [
        *(_waiting(what) for what in ("items", "rows", "tokens")),
        PanelSpec(
            "Estimated time of what waits",
            "And what may wait at most; more is refused.",
            "s",
            [
                Query(f"max by (instance) (xcopa_queue_seconds{{{OF_INSTANCE}}})", "{{instance}}"),
                Query(f"max(xcopa_queue_limit_seconds{{{OF_INSTANCE}}})", "limit"),
            ],
            width=6,
        ),
    ],
)

_BATCHES = RowSpec(
    "Batches",
    [
        PanelSpec(
            "Batches by reason",
            "Why they were composed at that moment: full (budget), or all that waited (drained).",
            "none",
            [Query(rate("xcopa_batches_total", "model, reason", OF_MODEL), "{{model}} {{reason}}")],
            stacked=True,
        ),
        PanelSpec(
            "Rows of a batch",
            "",
            "none",
            [
                Query(_mean("xcopa_batch_rows"), "{{model}} mean"),
                Query(quantile(0.95, "xcopa_batch_rows", "model", OF_MODEL), "{{model}} p95"),
            ],
        ),
        PanelSpec(
            "Tokens of a batch",
            "And the budget: the most that a batch may have.",
            "none",
            [
                Query(_mean("xcopa_batch_tokens"), "{{model}} mean"),
                Query(quantile(0.95, "xcopa_batch_tokens", "model", OF_MODEL), "{{model}} p95"),
                Query(
                    f"min by (model) (xcopa_batch_token_budget{{{OF_MODEL}}})", "{{model}} budget"
                ),
            ],
        ),
    ],
)

_TOKENS = RowSpec(
    "Tokens",
    [
        PanelSpec(
            "Padding saved",
            "Of the tokens that padded batches would have, the share that is not computed.",
            "percentunit",
            [
                Query(
                    "1 - "
                    + over(
                        rate("xcopa_batch_computed_tokens_total", "model", OF_MODEL),
                        rate("xcopa_batch_padded_tokens_total", "model", OF_MODEL),
                    ),
                    "{{model}}",
                )
            ],
        ),
        PanelSpec(
            "Useful tokens",
            "Of the tokens that are computed, the share that is no padding.",
            "percentunit",
            [
                Query(
                    over(
                        rate("xcopa_batch_tokens_sum", "model", OF_MODEL),
                        rate("xcopa_batch_computed_tokens_total", "model", OF_MODEL),
                    ),
                    "{{model}}",
                )
            ],
        ),
        PanelSpec(
            "Tokens a second",
            "",
            "none",
            [Query(rate("xcopa_batch_tokens_sum", "model", OF_MODEL), "{{model}}")],
            stacked=True,
        ),
    ],
)

_ESTIMATES = RowSpec(
    "Estimates",
    [
        PanelSpec(
            "Time of a batch over its estimate",
            "1 is honest. Of batches that one engine ran in one pass.",
            "none",
            [
                Query(
                    quantile(share, "xcopa_batch_estimate_ratio", "model", OF_MODEL),
                    f"{{{{model}}}} p{100 * share:.0f}",
                )
                for share in (0.1, 0.5, 0.9)
            ],
        ),
        PanelSpec(
            "Pace",
            "What batches take of late, over what was calibrated; estimates count with it.",
            "none",
            [
                Query(
                    f"max by (instance) (xcopa_service_pace_ratio{{{OF_INSTANCE}}})", "{{instance}}"
                )
            ],
        ),
        PanelSpec(
            "Time of a batch",
            "",
            "s",
            [
                Query(
                    quantile(share, "xcopa_batch_duration_seconds", "model", OF_MODEL),
                    f"{{{{model}}}} p{100 * share:.0f}",
                )
                for share in (0.5, 0.99)
            ],
        ),
    ],
)

_ENGINES = RowSpec(
    "Engines",
    [
        PanelSpec(
            "Engines by state",
            "At the moment of the scrape.",
            "none",
            [Query(f"sum by (state) (xcopa_engine_states{{{OF_INSTANCE}}})", "{{state}}")],
            stacked=True,
        ),
        PanelSpec(
            "Engines, as planned",
            "",
            "none",
            [
                Query(f"sum(xcopa_engines{{{OF_INSTANCE}}})", "there"),
                Query(f"sum(xcopa_engines_planned{{{OF_INSTANCE}}})", "planned"),
            ],
        ),
        PanelSpec(
            "What a batch costs",
            "As calibrated: tokens a second without the fixed time.",
            "none",
            [
                Query(
                    f"1 / max by (model) (xcopa_service_curve_token_seconds{{{OF_MODEL}}})",
                    "{{model}}",
                )
            ],
            Kind.LINES,
        ),
    ],
)

BATCHER = DashboardSpec(
    "xcopa-batcher",
    "XCOPA: batcher",
    "Queue, batches, padding, estimates and engines.",
    [_QUEUE, _BATCHES, _TOKENS, _ESTIMATES, _ENGINES],
    choices=("instance", "model"),
)
