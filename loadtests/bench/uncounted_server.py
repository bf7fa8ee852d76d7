"""The service with engines that answer at once, and metrics that count nothing.

    uvicorn loadtests.bench.uncounted_server:service

What it does more requests a second than ``null_server:service`` is what metrics cost.
"""

from __future__ import annotations

from app.main import create_app
from app.telemetry.metrics import Metrics
from loadtests.bench.null_server import load_null

COUNTED = (
    "http_answered",
    "problem_answered",
    "request_answered",
    "item_ended",
    "item_refused",
    "item_expired",
    "item_cancelled",
    "item_predicted",
    "items_compared",
    "cache_asked",
    "batch_done",
    "engine_ran",
    "key_admitted",
    "key_spent",
    "key_limited",
    "key_refused",
)
"""What happens with requests, items and batches."""


def count_nothing(*_: object, **__: object) -> None:
    """Stand in for a method that counts."""


class UncountedMetrics(Metrics):
    """Has every series, and leaves those of requests at zero."""


for name in COUNTED:
    setattr(UncountedMetrics, name, staticmethod(count_nothing))

service = create_app(load=load_null, metrics_class=UncountedMetrics)
