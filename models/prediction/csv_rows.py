"""CSV as RFC 4180 describes it, with a header, separated by comma, semicolon, tab or bar."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from models.prediction.lines import MOST_LINE_BYTES, TextLine
from models.prediction.raw_row import RawRow
from models.tasks.example import DataError
from models.tasks.reading.files import MOST_FIELD_CHARACTERS

DELIMITERS = (",", ";", "\t", "|")
"""A spreadsheet writes the one that its language is used to; the header shows which."""


def csv_rows(lines: Iterable[TextLine], name: str, required: Sequence[str]) -> Iterator[RawRow]:
    """Read each record; one that is not as the header says becomes a row with a problem.

    A quotation mark that is not closed could swallow all that follows. So where a record of
    several lines is wrong, its first line alone is the bad row, and the others are read again.

    Args:
        lines: of the file.
        name: of the file, for errors.
        required: names that the header must have.

    Raises:
        DataError: the header lacks a name, has one twice, or cannot be read.
    """
    # The limit is the process's, and reading data sets lifts it.
    csv.field_size_limit(MOST_FIELD_CHARACTERS)
    source = _Lines(lines)
    header, delimiter = _header(source, name, required)
    while True:
        source.begin_record()
        try:
            cells = next(csv.reader(source, delimiter=delimiter, strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            reason = source.too_long(header, delimiter) or error
            yield source.first_alone(f"is not CSV as RFC 4180 describes it: {reason}")
            continue
        if problem := source.problem:
            yield source.first_alone(problem)
        elif cells and len(cells) != len(header):
            yield source.first_alone(f"has {len(cells)} fields, and the header has {len(header)}")
        elif cells:
            yield source.row(dict(zip(header, cells, strict=True)))


class _Lines:
    """Hands lines to the csv module, and takes back those of a record that is none."""

    def __init__(self, lines: Iterable[TextLine]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[TextLine] = deque()
        self._record: list[TextLine] = []
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self._record.append(line)
        self._characters += len(line.text)
        if self._characters > MOST_LINE_BYTES:
            raise csv.Error(f"a record is longer than {MOST_LINE_BYTES:,} characters")
        return line.text

    def begin_record(self) -> None:
        self._record = []
        self._characters = 0

    @property
    def problem(self) -> str | None:
        """Why a line of the record cannot be trusted."""
        found = (line for line in self._record if line.problem is not None)
        return next((f"line {line.number} {line.problem}" for line in found), None)

    def row(self, fields: dict[str, str]) -> RawRow:
        return RawRow(self._record[0].number, self._record[-1].end, fields)

    def too_long(self, header: Sequence[str], delimiter: str) -> str | None:
        """Name the field that is longer than fields may be, if one is."""
        parts = "".join(line.text for line in self._record).split(delimiter)
        long = (place for place, part in enumerate(parts) if len(part) > MOST_FIELD_CHARACTERS)
        if (place := next(long, None)) is None:
            return None
        name = header[min(place, len(header) - 1)]
        return (
            f"{name} has more than {MOST_FIELD_CHARACTERS:,} characters; shorten it, or close the "
            "quotation mark that began it"
        )

    def first_alone(self, problem: str) -> RawRow:
        """Return the first line as a bad row, and read the others again."""
        first, *others = self._record
        self._ahead.extendleft(reversed(others))
        return RawRow(first.number, first.end, problem=problem)


def _header(source: _Lines, name: str, required: Sequence[str]) -> tuple[list[str], str]:
    for text in source:
        if text.strip():
            break
        source.begin_record()
    else:
        return [], ","
    if source.problem:
        raise DataError(f"{name}: {source.problem}")
    found = {delimiter: _names(text, delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: len(set(required).intersection(found[each])))
    header = found[delimiter]
    if missing := [each for each in required if each not in header]:
        raise DataError(
            f"{name}: the header lacks {', '.join(missing)}; a CSV file begins with a line of "
            "names, and any other file has a JSON object on each line"
        )
    if twice := sorted({each for each in header if header.count(each) > 1}):
        raise DataError(f"{name}: the header has {', '.join(twice)} twice")
    return header, delimiter


def _names(text: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        return []
