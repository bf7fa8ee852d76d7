"""The items that a load test sends: the sample in this folder, or XCOPA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def load_labels(data: Path | None) -> dict[str, list[int]]:
    """Return the right answer to each of the items that ``load_items`` returns, by language.

    Raises:
        FileNotFoundError: there is no data directory (the sample has no labels), or no test files.
    """
    if data is None:
        raise FileNotFoundError("labels need XCOPA_DATA_DIR: the sample's items have none")
    names = list(load_items(data))
    paths = {name: _path(data, name) for name in names}
    return {name: [int(row["label"]) for row in _rows(path)] for name, path in paths.items()}


def _path(data: Path, language: str) -> Path:
    if language == "en" and (data / "copa" / "test.jsonl").exists():
        return data / "copa" / "test.jsonl"
    return sorted((data / "xcopa" / language).glob("test.*.jsonl"))[-1]


def _sample() -> dict[str, list[ItemFields]]:
    by_language: dict[str, list[ItemFields]] = {}
    for row in map(json.loads, SAMPLE.read_text(encoding="utf-8").splitlines()):
        by_language.setdefault(row["language"], []).append(_item(row))
    return by_language


def _items(path: Path) -> Iterator[ItemFields]:
    yield from map(_item, _rows(path))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _item(row: dict[str, Any]) -> ItemFields:
    return {field: row[field] for field in FIELDS}
