"""What invented rows are written with: files of a data directory, and rows of the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Invented:
    """Files to write into a data directory, and the rows of the hub that say the same."""

    files: Mapping[str, str]
    hub: Mapping[tuple[str, str], list[Fields]] = field(default_factory=dict)
    """By id and the hub's name of the split."""


def lines(*rows: Fields) -> str:
    """JSON Lines, the last one without its line break, as some publishers leave it."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def write(files: Mapping[str, str], folder: Path) -> Path:
    """Write files into a data directory."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
    return folder


def twice(item: Fields, other: Fields) -> dict[str, list[Fields]]:
    """Rows for the splits that most sets have on the hub."""
    return {"train": [item, other], "validation": [other]}


def hub_rows(name: str, splits: Mapping[str, list[Fields]]) -> dict[tuple[str, str], list[Fields]]:
    """Rows of one set on the hub, by its id and split."""
    return {(name, split): rows for split, rows in splits.items()}
