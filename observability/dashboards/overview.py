"""*Overview*: is the service well, and if not, where to look?"""

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

_ASKING = f'route=~"/predict/.*|/compare/.*|/rank|/v2/.*/infer", {OF_INSTANCE}'
_REQUEST = "xcopa_request_duration_seconds"
_BURNT = "slo:xcopa_slo_errors:ratio_rate{} / on (slo) slo:xcopa_slo_budget:ratio"


def _latency(share: float) -> PanelSpec:
    return PanelSpec(
        f"p{share * 100:.0f}",
        f"{share:.0%} of answered requests took no longer. A request is a request, not an item.",
        "s",
        [Query(quantile(share, _REQUEST, "model, route", OF_ROUTE), "{{model}} {{route}}")],
        traced=True,
    )


def _stage(name: str, text: str) -> PanelSpec:
    histogram = f"xcopa_{name}_duration_seconds"
    return PanelSpec(
        f"{name.capitalize()}, p99",
        text,
        "s",
        [Query(quantile(0.99, histogram, "model", OF_ROUTE), "{{model}}")],
        width=6,
        traced=False,
    )


_NOW = RowSpec(
    "Now",
    [
        PanelSpec(
            "Ready",
            "Whether every instance admits work.",
            "none",
            [Query(f"min(xcopa_ready{{{OF_INSTANCE}}})")],
            Kind.NUMBER,
            4,
            words={"0": ("no", "red"), "1": ("yes", "green")},
            empty="no service",
        ),
        PanelSpec(
            "Instances",
            "How many are scraped.",
            "none",
            [Query(f"count(xcopa_ready{{{OF_INSTANCE}}})")],
            Kind.NUMBER,
            4,
            empty="none",
        ),
        PanelSpec(
            "Requests",
            "To the routes that ask a model.",
            "reqps",
            [Query(f"sum(rate(xcopa_http_requests_total{{{_ASKING}}}[$__rate_interval]))")],
            Kind.NUMBER,
            4,
        ),
        PanelSpec(
            "Refused or failed",
            "The share of these requests that got 429 or 5xx.",
            "percentunit",
            [
                Query(
                    over(
                        f'sum(rate(xcopa_http_requests_total{{status=~"429|5..", {_ASKING}}}'
                        "[$__rate_interval]))",
                        f"sum(rate(xcopa_http_requests_total{{{_ASKING}}}[$__rate_interval]))",
                    )
                )
            ],
            Kind.NUMBER,
            4,
            limits={0.005: "orange", 0.05: "red"},
        ),
        PanelSpec(
            "Burn rate, 1 h",
            "How many times as fast as the month allows an objective is missed; at 14.4 somebody "
            "is woken up.",
            "none",
            [Query(_BURNT.format("1h"), "{{slo}}")],
            Kind.NUMBER,
            8,
            limits={1: "orange", 14.4: "red"},
        ),
    ],
)

_RATES = RowSpec(
    "Requests",
    [
        PanelSpec(
            "Requests by route",
            "",
            "reqps",
            [Query(rate("xcopa_http_requests_total", "route", _ASKING), "{{route}}")],
            stacked=True,
        ),
        PanelSpec(
            "Responses by status",
            "",
            "reqps",
            [Query(rate("xcopa_http_requests_total", "status", _ASKING), "{{status}}")],
            stacked=True,
        ),
        PanelSpec(
            "Items by outcome",
            "Items that somebody sent, whatever the request did.",
            "none",
            [Query(rate("xcopa_items_total", "outcome", OF_MODEL), "{{outcome}}")],
            stacked=True,
        ),
        PanelSpec(
            "Refusals by reason",
            "Items of calls that were not admitted.",
            "none",
            [Query(rate("xcopa_refusals_total", "reason", OF_MODEL), "{{reason}}")],
        ),
        PanelSpec(
            "Expired by stage",
            "Items that were not answered by their deadline, and where they were then.",
            "none",
            [Query(rate("xcopa_expiries_total", "stage", OF_MODEL), "{{stage}}")],
        ),
        PanelSpec(
            "Left by stage",
            "Items whose caller left, and where they were then.",
            "none",
            [Query(rate("xcopa_cancellations_total", "stage", OF_MODEL), "{{stage}}")],
        ),
    ],
)

_TIMES = RowSpec("Time of answered requests", [_latency(0.5), _latency(0.9), _latency(0.99)])

_STAGES = RowSpec(
    "Where the time goes",
    [
        _stage("admission", "Body and checks."),
        _stage("tokenise", "Texts to token ids."),
        _stage("queue", "Waiting for an engine."),
        _stage("inference", "The batch itself."),
    ],
)

_OBJECTIVES = RowSpec(
    "Objectives",
    [
        PanelSpec(
            f"Burn rate, {window}",
            "1 uses the budget up exactly at the end of the month.",
            "none",
            [Query(_BURNT.format(window), "{{slo}}")],
        )
        for window in ("5m", "1h", "6h")
    ],
)

OVERVIEW = DashboardSpec(
    "xcopa-overview",
    "XCOPA: overview",
    "Rate, errors and times of requests, and the objectives.",
    [_NOW, _RATES, _TIMES, _STAGES, _OBJECTIVES],
)
