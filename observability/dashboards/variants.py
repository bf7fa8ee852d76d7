"""*Variants*: the two models side by side."""

from __future__ import annotations

from observability.dashboards.dashboard import DashboardSpec, RowSpec
from observability.dashboards.panels import (
    OF_INSTANCE,
    OF_MODEL,
    OF_ROUTE,
    Kind,
    PanelSpec,
    Query,
    over,
    quantile,
    rate,
)

_REQUEST = "xcopa_request_duration_seconds"
_CONFIDENCE = "xcopa_confidence_ratio"
_COMPARED = f"sum(rate(xcopa_comparisons_total{{{OF_INSTANCE}}}[$__rate_interval]))"


def _share(label: str, text: str) -> PanelSpec:
    return PanelSpec(
        f"Answers by {label}",
        text,
        "percentunit",
        [
            Query(
                f"{rate('xcopa_predictions_total', f'model, {label}', OF_MODEL)} / on (model) "
                f"group_left () ({rate('xcopa_predictions_total', 'model', OF_MODEL)} > 0)",
                f"{{{{model}}}} {{{{{label}}}}}",
            )
        ],
    )


_WHAT = RowSpec(
    "What is served",
    [
        PanelSpec(
            "Models",
            "Weights, and what computes them.",
            "none",
            [Query(f"xcopa_model_info{{{OF_MODEL}}}")],
            Kind.TABLE,
            24,
        )
    ],
)

_SPEED = RowSpec(
    "Speed",
    [
        PanelSpec(
            "Time of a request",
            "",
            "s",
            [
                Query(
                    quantile(share, _REQUEST, "model", OF_ROUTE),
                    f"{{{{model}}}} p{100 * share:.0f}",
                )
                for share in (0.5, 0.99)
            ],
            traced=True,
        ),
        PanelSpec(
            "Items answered",
            "",
            "none",
            [
                Query(
                    rate("xcopa_items_total", "model", f'outcome="answered", {OF_MODEL}'),
                    "{{model}}",
                )
            ],
        ),
        PanelSpec(
            "From the cache",
            "Items whose answer was there, or under way. Nothing where the cache is off.",
            "percentunit",
            [
                Query(
                    over(
                        rate("xcopa_cache_requests_total", "model", f'result!="miss", {OF_MODEL}'),
                        rate("xcopa_cache_requests_total", "model", OF_MODEL),
                    ),
                    "{{model}}",
                )
            ],
        ),
    ],
)

_ANSWERS = RowSpec(
    "Answers",
    [
        PanelSpec(
            "Agreement",
            "Of the items that both models answered, the share with the same choice.",
            "percentunit",
            [
                Query(
                    over(
                        'sum(rate(xcopa_comparisons_total{result="agree", '
                        f"{OF_INSTANCE}}}[$__rate_interval]))",
                        _COMPARED,
                    ),
                    "agree",
                )
            ],
        ),
        PanelSpec(
            "Confidence",
            "Probability of the choice that was predicted.",
            "percentunit",
            [
                Query(
                    quantile(share, _CONFIDENCE, "model", OF_MODEL),
                    f"{{{{model}}}} p{100 * share:.0f}",
                )
                for share in (0.1, 0.5, 0.9)
            ],
        ),
        PanelSpec(
            "Comparisons",
            "",
            "reqps",
            [Query(rate("xcopa_comparisons_total", "result", OF_INSTANCE), "{{result}}")],
        ),
        _share("question", "Causes and effects are asked about as often as callers like."),
        _share("label", "About half each is usual: the order of the choices means nothing."),
        PanelSpec(
            "Items by outcome",
            "",
            "none",
            [Query(rate("xcopa_items_total", "model, outcome", OF_MODEL), "{{model}} {{outcome}}")],
        ),
    ],
)

VARIANTS = DashboardSpec(
    "xcopa-variants",
    "XCOPA: variants",
    "The direct and the stilts model: times, throughput, agreement, confidence, questions.",
    [_WHAT, _SPEED, _ANSWERS],
)
