"""The items that the repository brings for its load test: twelve languages, two items each."""

from __future__ import annotations

import json
from pathlib import Path

_SAMPLE = Path(__file__).resolve().parent.parent / "loadtests" / "sample.jsonl"


def sample_items(language: str | None = None) -> list[dict[str, str]]:
    """Return the fields of each item as a request has them, of one language or of all."""
    rows = map(json.loads, _SAMPLE.read_text(encoding="utf-8").splitlines())
    return [
        {field: text for field, text in row.items() if field != "language"}
        for row in rows
        if language in (None, row["language"])
    ]
