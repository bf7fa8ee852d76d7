"""What a service says of itself at ``/metrics``, each metric summed over its labels."""

from __future__ import annotations

import http.client
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from loadtests.own_headers import own_headers

TIMEOUT_S = 10
_OK = 200

BATCHES, BATCH_ROWS = "xcopa_batch_rows_count", "xcopa_batch_rows_sum"

Totals = Mapping[str, float]
"""By the name of a sample: the sum over its labels. Empty where nothing could be read."""


def scrape(url: str) -> Totals:
    """Return what the service of a URL says; nothing if it does not answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(str(parts.hostname), parts.port, timeout=TIMEOUT_S)) as connection:
            connection.request("GET", parts.path.rstrip("/") + "/metrics", headers=own_headers())
            with connection.getresponse() as answer:
                text = answer.read().decode(errors="replace")
        return totals(text) if answer.status == _OK else {}
    except (OSError, ValueError, http.client.HTTPException):  # another server, or none
        return {}


def totals(exposition: str) -> Totals:
    """Return the sums of a text in Prometheus's exposition format."""
    found: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            found[sample.name] += sample.value
    return found


def grown(before: Totals, after: Totals, name: str) -> float:
    """Return by how much a metric has grown; 0 where it was not read both times."""
    if name not in before or name not in after:
        return 0.0
    return after[name] - before[name]


def batch_rows(before: Totals, after: Totals) -> float | None:
    """Return the mean rows of the batches between two scrapes; None where there were none."""
    batches = grown(before, after, BATCHES)
    return grown(before, after, BATCH_ROWS) / batches if batches > 0 else None
