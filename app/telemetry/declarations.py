"""The table of metrics: the name, meaning, unit and labels of each, and a query.

The registry (``metrics.py``), the reference page (``docs/reference/metrics.md``) and the test of
the dashboards are made from it. How to add one: ``docs/how-to/add-a-metric.md``.
"""

from __future__ import annotations

from app.telemetry.declaration import AnyDeclaration
from app.telemetry.declared_batching import BATCHING
from app.telemetry.declared_process import PROCESS
from app.telemetry.declared_requests import REQUESTS

DECLARATIONS: tuple[AnyDeclaration, ...] = (*REQUESTS, *BATCHING, *PROCESS)
"""Every metric, in the order of the reference page."""
