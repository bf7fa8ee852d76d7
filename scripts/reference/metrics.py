"""``docs/reference/metrics.md``: every metric, with a query to begin with."""

from __future__ import annotations

from app.telemetry.declaration import AnyDeclaration
from app.telemetry.declarations import DECLARATIONS
from scripts.reference.markdown import GENERATED, page

_INTRODUCTION = """\
`GET /metrics` returns these as Prometheus' text or as OpenMetrics, together with the metrics of the
process and of Python. All names begin with `xcopa_`, and all values are in base units.
The metrics are declared in the files `app/telemetry/declared_*.py`.

A request brings one item or many; a batch holds items of many requests. With the times of requests,
OpenMetrics carries *exemplars*: the trace of a request whose time fell into the bucket."""


def metrics() -> str:
    """Return the page."""
    return page("# Metrics", GENERATED, _INTRODUCTION, *map(_metric, DECLARATIONS))


def _metric(metric: AnyDeclaration) -> str:
    facts = [f"{metric.kind.__name__.lower()}, in {metric.unit}"]
    if metric.labels:
        facts.append("labels " + ", ".join(f"`{label}`" for label in metric.labels))
    if metric.seeds:
        label = metric.labels[1 if "model" in metric.labels else 0]
        facts.append(f"`{label}` is one of " + ", ".join(metric.seeds))
    if metric.more_seeds:
        facts.append(f"`{metric.labels[-1]}` is one of " + ", ".join(metric.more_seeds))
    if metric.buckets:
        facts.append(f"buckets from {metric.buckets[0]:g} to {metric.buckets[-1]:g}")
    query = f"```promql\n{metric.query}\n```"
    return "\n\n".join([f"## {metric.name}", metric.help, "; ".join(facts) + ".", query])
