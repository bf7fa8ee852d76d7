"""The items that a load test sends: the sample in this folder, or XCOPA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

SAMPLE = Path(__file__).with_name("sample.jsonl")
FIELDS = ("premise", "choice1", "choice2", "question")

ItemFields = dict[str, str]
"""The fields of one XCOPA item, as a request has them."""


def load_items(data: Path | None) -> dict[str, list[ItemFields]]:
    """Return items by language: those of a data directory, or the sample without one.

    Raises:
        FileNotFoundError: the data directory has no XCOPA test files.
    """
    if data is None:
        return _sample()
    files = sorted(data.glob("xcopa/*/test.*.jsonl"))
    if not files:
        raise FileNotFoundError(f"XCOPA_DATA_DIR={data} has no xcopa/<language>/test.*.jsonl")
    by_language = {path.parent.name: list(_items(path)) for path in files}
    english = data / "copa" / "test.jsonl"
    if english.exists():
        by_language["en"] = list(_items(english))
    return by_language


def _sample() -> dict[str, list[ItemFields]]:
    by_language: dict[str, list[ItemFields]] = {}
    for row in map(json.loads, SAMPLE.read_text(encoding="utf-8").splitlines()):
        by_language.setdefault(row["language"], []).append(_item(row))
    return by_language


def _items(path: Path) -> Iterator[ItemFields]:
    with path.open(encoding="utf-8") as lines:
        yield from (_item(json.loads(line)) for line in lines)


def _item(row: dict[str, str]) -> ItemFields:
    return {field: row[field] for field in FIELDS}
