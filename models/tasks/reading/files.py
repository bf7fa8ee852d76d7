"""The file formats that sets come in, read row by row."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from models.tasks.example import DataError
from models.tasks.reading.row import DataRow
from models.tasks.reading.text import text_lines, undecodable, undecodable_field

MOST_FIELD_CHARACTERS = 131_072
"""Of a CSV field. A longer one is most often a quotation mark that nobody closed."""


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line with the place to name in an error.

    Raises:
        DataError: the file is missing or cannot be read, or a line is not UTF-8.
    """
    for number, line in text_lines(path):
        where = f"{path}:{number}"
        if problem := undecodable(line):
            raise DataError(f"{where} {problem}")
        yield where, line.rstrip("\r\n")


def json_lines(path: Path) -> Iterator[DataRow]:
    """Read a file with a JSON object on every line.

    Raises:
        DataError: the file is missing or cannot be read, or a line is no JSON object.
    """
    for number, line in text_lines(path):
        if line.strip():
            yield DataRow(f"{path}:{number}", _object(f"{path}:{number}", line))


def json_document(path: Path) -> DataRow:
    """Read a file that is one JSON object.

    Raises:
        DataError: the file is missing or cannot be read, or is no JSON object.
    """
    # JSON has line ends between its values alone, where all of them are white space.
    text = "\n".join(line for _, line in lines(path))
    return DataRow(str(path), _object(str(path), text))


def comma_separated(path: Path) -> Iterator[DataRow]:
    """Read a CSV file with a header, fields quoted where they need it.

    Raises:
        DataError: the file is missing or cannot be read, is no CSV, has a field that is too long,
            or a row has another number of fields than the header.
    """
    for where, header, cells in _table(path, delimiter=",", quoting=csv.QUOTE_MINIMAL):
        if len(cells) != len(header):
            raise _wrong_width(where, header, cells)
        yield DataRow(where, dict(zip(header, cells, strict=True)))


def tab_separated(path: Path) -> Iterator[DataRow]:
    """Read a TSV file with a header, in which a quotation mark is a character like any other.

    A row that is too short lacks its last fields, and the set says what becomes of it.

    Raises:
        DataError: the file is missing or cannot be read, has a field that is too long, or a row
            has more fields than the header.
    """
    for where, header, cells in _table(path, delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(cells) > len(header):
            raise _wrong_width(where, header, cells)
        yield DataRow(where, dict(zip_longest(header, cells)))


def _object(where: str, text: str) -> dict[str, Any]:
    problem = undecodable(text)
    try:
        value = json.loads(text, object_pairs_hook=_named_once)
    except RecursionError as error:
        raise DataError(f"{where} is not JSON of a set: it is nested too deeply") from error
    except ValueError as error:
        raise DataError(f"{where} {problem or f'is not JSON: {error}'}") from error
    if not isinstance(value, dict):
        raise DataError(f"{where} is not a JSON object")
    if problem:
        field = undecodable_field(value)
        raise DataError(f"{where}{f': {field}' if field else ''} {problem}")
    return value


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of a name that comes twice, one value would be lost."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in made if names.count(name) > 1)!r} stands twice")
    return made


def _table(
    path: Path, delimiter: str, quoting: Literal[0, 3]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield place, header and cells of every row that is not empty."""
    # The module's own limit holds in the whole process and names neither line nor field.
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(
        (line for _, line in text_lines(path)),
        delimiter=delimiter,
        quoting=quoting,
        strict=quoting == csv.QUOTE_MINIMAL,
    )
    header: list[str] = []
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}:{start} is not CSV: {error}; look for a quotation mark that is not "
                "closed, or that should be doubled"
            ) from error
        if not header:
            header = _header(path, cells)
        elif cells:
            _check_cells(f"{path}:{start}", header, cells)
            yield f"{path}:{reader.line_num}", header, cells


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if problem := undecodable("".join(names)):
        raise DataError(f"{path}:1: the header {problem}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{path}:1: the header has {twice} twice")
    return names


def _check_cells(where: str, header: list[str], cells: list[str]) -> None:
    for name, cell in zip_longest(header, cells[: len(header)], fillvalue=""):
        if len(cell) > MOST_FIELD_CHARACTERS:
            raise DataError(
                f"{where}: {name} has {len(cell):,} characters, and a field has at most "
                f"{MOST_FIELD_CHARACTERS:,}; shorten it, or close the quotation mark that began it"
            )
        if problem := undecodable(cell):
            raise DataError(f"{where}: {name} {problem}")


def _wrong_width(where: str, header: list[str], cells: list[str]) -> DataError:
    return DataError(f"{where} has {len(cells)} fields, and the header has {len(header)}")
