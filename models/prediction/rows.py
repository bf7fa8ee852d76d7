"""The rows of a file as questions: each with its item, or with what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from app.api.problem import field_errors
from app.api.schemas import Item
from app.engine.tokenizer import CausalItem
from app.errors import FieldError
from models.prediction.csv_rows import csv_rows
from models.prediction.json_rows import json_rows
from models.prediction.lines import text_lines
from models.prediction.raw_row import RawRow
from models.tasks.example import DataError

STANDARD_INPUT = Path("-")

REQUIRED = ("premise", "choice1", "choice2", "question")
"""What a row must have; its other fields go into the output as they are."""

_CSV, _JSON = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class FileRow:
    """A row, and what it asks."""

    line: int
    """The number of its first line, from 1."""
    end: int
    """Bytes of the file, up to the end of this row."""
    fields: Mapping[str, Any]
    """All that the row has, the question included."""
    item: CausalItem | None
    errors: tuple[FieldError, ...] = ()
    """Why there is no item."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input where the path is ``-``.

    Raises:
        DataError: it cannot be read.
    """
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        source = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    with source:
        yield source


def read_rows(source: BinaryIO, path: Path) -> Iterator[FileRow]:
    """Read a file row by row; memory holds one.

    Its name says which format it has; where it does not, the first character does: JSON lines
    begin with a brace.

    Raises:
        DataError: it is CSV without the header that is needed, or UTF-16.
    """
    name = "standard input" if path == STANDARD_INPUT else str(path)
    lines = text_lines(source, name)
    first = next((line for line in lines if line.problem or line.text.strip()), None)
    if first is None:
        return iter(())
    lines = chain([first], lines)
    rows = csv_rows(lines, name, REQUIRED) if _is_csv(path, first.text) else json_rows(lines)
    return _checked(rows)


def _is_csv(path: Path, first_line: str) -> bool:
    if path.suffix.lower() in _CSV + _JSON:
        return path.suffix.lower() in _CSV
    return not first_line.lstrip().startswith("{")


def _checked(rows: Iterable[RawRow]) -> Iterator[FileRow]:
    for row in rows:
        if row.problem is not None:
            yield _bad(row, [FieldError("row", row.problem)])
            continue
        asked = {name: row.fields[name] for name in REQUIRED if name in row.fields}
        try:
            item = Item.model_validate(asked)
        except ValidationError as error:
            yield _bad(row, field_errors(error.errors()))
            continue
        causal = CausalItem(item.premise, item.choice1, item.choice2, item.question)
        yield FileRow(row.line, row.end, row.fields, causal)


def _bad(row: RawRow, errors: Iterable[FieldError]) -> FileRow:
    return FileRow(row.line, row.end, row.fields, None, tuple(errors))
