"""The file formats that sets come in, read row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from models.tasks.example import DataError
from models.tasks.reading.row import DataRow


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line with the place to name in an error.

    Raises:
        DataError: there is no such file.
    """
    require(path)
    # Some editors and spreadsheets begin a file with a byte order mark.
    with path.open(encoding="utf-8-sig") as opened:
        for number, line in enumerate(opened, start=1):
            yield f"{path}:{number}", line.removesuffix("\n")


def require(path: Path) -> None:
    """Stop if a file is missing, and say how to fix it.

    Raises:
        DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; name the data directory with --data")


def json_lines(path: Path) -> Iterator[DataRow]:
    """Read a file with a JSON object on every line.

    Raises:
        DataError: the file is missing, or a line is no JSON object.
    """
    for where, line in lines(path):
        if line.strip():
            yield DataRow(where, _object(where, line))


def json_document(path: Path) -> DataRow:
    """Read a file that is one JSON object.

    Raises:
        DataError: the file is missing, or is no JSON object.
    """
    require(path)
    return DataRow(str(path), _object(str(path), path.read_text(encoding="utf-8")))


def comma_separated(path: Path) -> Iterator[DataRow]:
    """Read a CSV file with a header, fields quoted where they need it.

    Raises:
        DataError: the file is missing, or a row has another number of fields than the header.
    """
    for where, header, cells in _table(path, delimiter=",", quoting=csv.QUOTE_MINIMAL):
        if len(cells) != len(header):
            raise _wrong_width(where, header, cells)
        yield DataRow(where, dict(zip(header, cells, strict=True)))


def tab_separated(path: Path) -> Iterator[DataRow]:
    """Read a TSV file with a header, in which a quotation mark is a character like any other.

    A row that is too short lacks its last fields, and the set says what becomes of it.

    Raises:
        DataError: the file is missing, or a row has more fields than the header.
    """
    for where, header, cells in _table(path, delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(cells) > len(header):
            raise _wrong_width(where, header, cells)
        yield DataRow(where, dict(zip_longest(header, cells)))


def _object(where: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{where} is not a JSON object")
    return value


def _table(
    path: Path, delimiter: str, quoting: Literal[0, 3]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield place, header and cells of every row that is not empty."""
    require(path)
    with path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened, delimiter=delimiter, quoting=quoting)
        header = next(reader, [])
        for cells in reader:
            if cells:
                yield f"{path}:{reader.line_num}", header, cells


def _wrong_width(where: str, header: list[str], cells: list[str]) -> DataError:
    return DataError(f"{where} has {len(cells)} fields, and the header has {len(header)}")
