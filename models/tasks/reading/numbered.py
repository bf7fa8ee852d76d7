"""The numbers of rows, by which sets are paired: a place says nothing once a row is missing."""

from __future__ import annotations

from collections.abc import Sequence

from models.tasks.example import DataError
from models.tasks.reading.row import DataRow

NUMBER_FIELDS = ("idx", "id")
"""Where a row has its number; the first that is there counts."""

_MOST_NAMED = 5


def by_number(rows: Sequence[DataRow], name: str, first: int, most: int) -> dict[int, DataRow]:
    """Return the rows of a split by the number that the whole set gives them, in its order.

    Rows count themselves from 0 in their split, as XCOPA and SuperGLUE do, or through the whole
    set, as COPA does. If none has a number, they are numbered by their places.

    Args:
        rows: of one split.
        name: of the split, for messages: its file, or its place on the hub.
        first: the number of its first row.
        most: how many rows it has where nothing is missing.

    Raises:
        DataError: some rows have a number and some do not, two have the same, or one is missing
            among them; the message names the rows.
    """
    found = _whole_set(_own_numbers(rows, first + most), first)
    missing = sorted(set(range(first, first + len(rows))) - found.keys())
    if missing:
        strange = sorted(found.keys() - set(range(first, first + len(rows))))
        raise DataError(
            f"{name} has {len(rows)} rows, and their numbers should be {first} to "
            f"{first + len(rows) - 1}: it lacks {some(missing)}, and has {some(strange)}"
        )
    return dict(sorted(found.items()))


def number_field(rows: Sequence[DataRow]) -> str | None:
    """Return the field that has the rows' numbers, or None where no row has one."""
    return next((name for name in NUMBER_FIELDS if any(name in row.fields for row in rows)), None)


def refuse_twice(number: int, row: DataRow, other: DataRow) -> DataError:
    """Make the error of two rows with one number."""
    return DataError(f"{row.where}: the number {number} is that of {other.where} too")


def some(numbers: Sequence[int]) -> str:
    """Name numbers, the first few of many."""
    named = ", ".join(map(str, numbers[:_MOST_NAMED]))
    more = len(numbers) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _own_numbers(rows: Sequence[DataRow], end: int) -> dict[int, DataRow]:
    field = number_field(rows)
    if field is None:
        return dict(enumerate(rows))
    found: dict[int, DataRow] = {}
    for row in rows:
        number = row.index(field, end)
        if number in found:
            raise refuse_twice(number, row, found[number])
        found[number] = row
    return found


def _whole_set(found: dict[int, DataRow], first: int) -> dict[int, DataRow]:
    """Turn numbers that count from 0 into those of the whole set."""
    if min(found, default=first) >= first:
        return found
    return {first + number: row for number, row in found.items()}
