"""What is known of each server, a file each, so that a run that was ended goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.comparison.origin import RunOrigin
from loadtests.comparison.plan import LoadPlan

ServerRecord = Mapping[str, Any]
"""Of one server: its figures, or why there are none (``reason``)."""

REASON = "reason"


@dataclass(frozen=True)
class RecordStore:
    """A folder with a record for each server."""

    folder: Path
    plan: LoadPlan
    origin: RunOrigin

    def known(self, slug: str, versions: Mapping[str, str]) -> ServerRecord | None:
        """Return a record of this plan, this origin and these versions, or None.

        It may have no figures, but the reason.
        """
        path = self._path(slug)
        if not path.exists():
            return None
        record: ServerRecord = json.loads(path.read_text(encoding="utf-8"))
        wanted = {
            "plan": self.plan.to_json(),
            "origin": self.origin.to_json(),
            "versions": dict(versions),
        }
        # Older records have no origin.
        return record if all(record.get(key) == wanted[key] for key in wanted) else None

    def kept(self, slug: str, versions: Mapping[str, str]) -> ServerRecord | None:
        """Return what is known if it has figures: what could not run is tried again."""
        record = self.known(slug, versions)
        return None if record is None or REASON in record else record

    def keep(self, record: ServerRecord) -> None:
        """Write a record; the file is whole or as it was before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(record["slug"])
        half = path.with_suffix(".part")
        half.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        half.rename(path)

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}.json"
