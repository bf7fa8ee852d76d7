"""The page of metrics."""

from __future__ import annotations

from app.telemetry.declarations import DECLARATIONS
from scripts.reference.metrics import metrics


def test_every_metric_has_a_section_with_a_query() -> None:
    page = metrics()
    for metric in DECLARATIONS:
        section = page.partition(f"## {metric.name}\n")[2].partition("\n## ")[0]
        assert metric.help in section
        assert metric.query in section
