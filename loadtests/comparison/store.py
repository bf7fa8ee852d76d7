"""What is known of each server, a file each, so that a run that was ended goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.comparison.plan import LoadPlan

ServerRecord = Mapping[str, Any]
"""Of one server: its figures, or why there are none (``reason``)."""

REASON = "reason"


@dataclass(frozen=True)
class RecordStore:
    """A folder with a record for each server."""

    folder: Path
    plan: LoadPlan

    def kept(self, slug: str, versions: Mapping[str, str]) -> ServerRecord | None:
        """Return a record with figures of this plan and these versions, or None."""
        path = self._path(slug)
        if not path.exists():
            return None
        record: ServerRecord = json.loads(path.read_text(encoding="utf-8"))
        is_same = record["plan"] == self.plan.to_json() and record["versions"] == dict(versions)
        return record if is_same and REASON not in record else None

    def keep(self, record: ServerRecord) -> None:
        """Write a record; the file is whole or as it was before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(record["slug"])
        half = path.with_suffix(".part")
        half.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        half.rename(path)

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}.json"
