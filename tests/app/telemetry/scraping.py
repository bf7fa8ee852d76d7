"""What the tests of metrics share: an application's metrics, and their values."""

from __future__ import annotations

from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.telemetry.metrics import Metrics

MODELS = ("direct", "stilts")


def scraped(metrics: Metrics) -> dict[str, Family]:
    """A scrape, as Prometheus's own parser reads it, by the name that the table declares."""
    body, content_type = metrics.exposition("text/plain")
    assert content_type.startswith("text/plain")
    families = list(parse_text(body.decode()))
    return {
        family.name + ("_total" if family.type == "counter" else ""): family for family in families
    }


def value(metrics: Metrics, series: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(series, labels)
