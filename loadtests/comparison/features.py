"""The table of features: what each server does, and the page that says so.

``features.json`` holds the rows. Each cell has ``says``, a few words, and ``source``, the address
of the page or file that they come from: of the service, a page of its own documentation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

DATA = Path(__file__).with_name("features.json")
SERVICE = "this service"
"""Its column; its sources are pages of its own documentation."""


class FeatureTableError(Exception):
    """The table is not whole; says which cell lacks what."""


@dataclass(frozen=True)
class FeatureCell:
    """What a server does."""

    says: str
    source: str

    def __str__(self) -> str:
        return f"[{self.says}]({self.source})"


@dataclass(frozen=True)
class FeatureTable:
    """A row for each feature, a column for each server."""

    read: str
    """The day on which the sources were read, as ISO 8601 has it."""
    servers: Sequence[str]
    rows: Mapping[str, Sequence[FeatureCell]]

    @classmethod
    def load(cls, path: Path = DATA) -> Self:
        """Read the table.

        Raises:
            FeatureTableError: a cell is missing, or has no words or no source.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        servers: Sequence[str] = content["servers"]
        rows = {
            feature: [_cell(feature, server, cells) for server in servers]
            for feature, cells in content["features"].items()
        }
        return cls(content["read"], servers, rows)

    def markdown(self) -> str:
        """Return the table; each cell links to its source."""
        lines = [
            "| | " + " | ".join(self.servers) + " |",
            "|---" * (1 + len(self.servers)) + "|",
            *(f"| {name} | " + " | ".join(map(str, row)) + " |" for name, row in self.rows.items()),
        ]
        return "\n".join(lines)


def _cell(feature: str, server: str, cells: Mapping[str, Any]) -> FeatureCell:
    cell = cells.get(server, {})
    for key in ("says", "source"):
        if not cell.get(key):
            raise FeatureTableError(f"{feature!r} of {server} has no {key!r}")
    is_own_page = server == SERVICE and cell["source"].endswith(".md")
    if not (is_own_page or cell["source"].startswith("https://")):
        raise FeatureTableError(f"{feature!r} of {server} needs the https:// address of its source")
    return FeatureCell(cell["says"], cell["source"])
