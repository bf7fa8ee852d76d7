"""The files that Grafana reads."""

from __future__ import annotations

import json
from pathlib import Path

from observability.dashboards import batcher, overview, resources, variants

FOLDER = Path(__file__).resolve().parents[1] / "grafana/dashboards"
DASHBOARDS = (overview.OVERVIEW, batcher.BATCHER, variants.VARIANTS, resources.RESOURCES)


def texts() -> dict[str, str]:
    """Return the text of each file, by its name."""
    return {
        f"{each.uid}.json": json.dumps(each.to_json(), indent=2, sort_keys=True) + "\n"
        for each in DASHBOARDS
    }
