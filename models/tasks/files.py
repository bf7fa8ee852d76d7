"""The file formats that sets come in, read row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from models.tasks.example import DataError
from models.tasks.row import Row


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line with the place to name in an error.

    Raises:
        DataError: there is no such file.
    """
    require(path)
    with path.open(encoding="utf-8") as opened:
        for number, line in enumerate(opened, start=1):
            yield f"{path}:{number}", line.removesuffix("\n")


def require(path: Path) -> None:
    """Stop with the fix where a file is missing.

    Raises:
        DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(
            f"{path} does not exist; name the data directory with --data, or leave --data out "
            "to load from the Hugging Face hub"
        )


def json_lines(path: Path) -> Iterator[Row]:
    """Read a file with a JSON object on every line.

    Raises:
        DataError: the file is missing, or a line is no JSON object.
    """
    for where, line in lines(path):
        if line.strip():
            yield Row(where, _object(where, line))


def json_document(path: Path) -> Row:
    """Read a file that is one JSON object.

    Raises:
        DataError: the file is missing, or is no JSON object.
    """
    require(path)
    return Row(str(path), _object(str(path), path.read_text(encoding="utf-8")))


def comma_separated(path: Path) -> Iterator[Row]:
    """Read a CSV file with a header, fields quoted where they need it.

    Raises:
        DataError: the file is missing, or a row has another number of fields than the header.
    """
    return _table(path, ",", csv.QUOTE_MINIMAL)


def tab_separated(path: Path) -> Iterator[Row]:
    """Read a TSV file with a header, in which a quotation mark is a character like any other.

    Raises:
        DataError: the file is missing, or a row has another number of fields than the header.
    """
    return _table(path, "\t", csv.QUOTE_NONE)


def _object(where: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{where} is not a JSON object")
    return value


def _table(path: Path, delimiter: str, quoting: Literal[0, 3]) -> Iterator[Row]:
    require(path)
    with path.open(encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened, delimiter=delimiter, quoting=quoting)
        header = next(reader, [])
        for cells in reader:
            where = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise DataError(f"{where} has {len(cells)} fields, and the header {len(header)}")
            yield Row(where, dict(zip(header, cells, strict=True)))
