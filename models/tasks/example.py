"""What every task becomes, and the reading of its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.tokenizer import CausalItem


class DataError(Exception):
    """A data file is missing or has a row that is not as its set describes."""


@dataclass(frozen=True)
class Example:
    """An item and the choice that is right: 0 or 1."""

    item: CausalItem
    label: int


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file.

    Raises:
        DataError: the file is missing or a line is not JSON; names file and line.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; name the data directory with --data")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}:{number} is not JSON: {error}") from error


@dataclass(frozen=True)
class Fields:
    """The names that a set has for the fields of an item; by default COPA's."""

    premise: str = "premise"
    choice1: str = "choice1"
    choice2: str = "choice2"
    question: str = "question"
    label: str = "label"


def example(row: dict[str, Any], fields: Fields) -> Example:
    """Make an example of a row.

    Raises:
        DataError: a field is missing or has no value that it may have.
    """
    try:
        item = CausalItem(
            row[fields.premise], row[fields.choice1], row[fields.choice2], row[fields.question]
        )
        label = row[fields.label]
    except KeyError as error:
        raise DataError(f"a row has no field {error}: {row}") from error
    if item.question not in ("cause", "effect") or label not in (0, 1):
        raise DataError(f"a row has a question or a label that is none: {row}")
    return Example(item, label)
