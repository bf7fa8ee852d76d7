"""COPA (Roemmele, Bejan and Gordon 2011): 400 / 100 / 500 English items.

1-400 train, 401-500 choose, 501-1000 measure; the measured ones never choose anything.
"""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Example, Fields, example, read_rows

SPLITS = ("train", "val", "test")
FIELDS = Fields()


def load(data: Path, split: str) -> list[Example]:
    """Read one split from ``copa/<split>.jsonl`` of a data directory."""
    return [example(row, FIELDS) for row in read_rows(data / "copa" / f"{split}.jsonl")]
