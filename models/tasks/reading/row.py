"""A row of any set. It knows its place, so that an error can name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from reprlib import Repr
from typing import Any

from models.tasks.example import DataError
from models.tasks.reading.text import BYTE_ORDER_MARK, undecodable

_SHOWN = Repr()
"""Shows a value in one line, however long or deep it is."""
_SHOWN.maxstring = _SHOWN.maxother = 80

_LEAST_CHOICES = 2


@dataclass(frozen=True)
class DataRow:
    """The fields of one row, and the place to name in an error: file and line, or hub id."""

    where: str
    fields: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """Return a field as it is.

        Raises:
            DataError: there is no such field. The readers below raise it too, for a value
                that is not of their kind.
        """
        if self.fields.get(name) is None:
            raise self.error(name, "is missing")
        return self.fields[name]

    def blank(self, name: str) -> bool:
        """Whether a required field is empty."""
        if name not in self.fields:
            raise self.error(name, "is missing")
        value = self.fields[name]
        return value is None or (isinstance(value, str) and not _trimmed(value))

    def verbatim(self, name: str) -> str:
        """Return a text to the character: offsets count in it."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self.error(name, f"is not text: {_SHOWN.repr(value)}")
        if problem := undecodable(value):
            raise self.error(name, problem)
        if not _trimmed(value):
            raise self.error(name, "is empty")
        return value

    def text(self, name: str) -> str:
        """Return a text without what differs between copies: white space and marks around it."""
        return _trimmed(self.verbatim(name))

    def texts(self, name: str, count: int | None = None) -> tuple[str, ...]:
        """Return a list of texts, of at least two, or of a given number."""
        values = self.items(name)
        if len(values) != count if count is not None else len(values) < _LEAST_CHOICES:
            raise self.error(name, f"has {len(values)} texts, not {count or 'two or more'}")
        each = DataRow(
            self.where, {f"{name}[{index}]": value for index, value in enumerate(values)}
        )
        return tuple(each.text(key) for key in each.fields)

    def items(self, name: str) -> Sequence[Any]:
        """Return a list."""
        value = self.value(name)
        if not isinstance(value, list):
            raise self.error(name, f"is not a list: {_SHOWN.repr(value)}")
        return value

    def inner(self, name: str) -> DataRow:
        """Return an object in a field as a row of its own."""
        return self._row(name, self.value(name))

    def inners(self, name: str) -> tuple[DataRow, ...]:
        """Return a list of objects as rows."""
        return tuple(
            self._row(f"{name}[{index}]", value) for index, value in enumerate(self.items(name))
        )

    def index(self, name: str, count: int, first: int = 0) -> int:
        """Return a position from 0 that the row counts from ``first``, as a number or in digits."""
        value = self.value(name)
        if isinstance(value, str) and value.isdecimal():
            # Python reads no number of more than 4,300 digits.
            with suppress(ValueError):
                value = int(value)
        numbers = range(first, first + count)
        if not isinstance(value, int) or isinstance(value, bool) or value not in numbers:
            raise self.error(
                name, f"is not one of {numbers[0]} to {numbers[-1]}: {_SHOWN.repr(value)}"
            )
        return value - first

    def one_of(self, name: str, values: Sequence[str]) -> int:
        """Return the position of the field's value among ``values``."""
        value = self.value(name)
        if value not in values:
            raise self.error(name, f"is not one of {', '.join(values)}: {_SHOWN.repr(value)}")
        return values.index(value)

    def error(self, name: str, why: str) -> DataError:
        """Make the error that names place and field."""
        return DataError(f"{self.where}: {name} {why}")

    def _row(self, name: str, value: Any) -> DataRow:
        if not isinstance(value, Mapping):
            raise self.error(name, f"is not an object: {_SHOWN.repr(value)}")
        return DataRow(f"{self.where}: {name}", value)


def _trimmed(text: str) -> str:
    # A mark may stand before the white space or behind it.
    return text.strip().strip(BYTE_ORDER_MARK).strip()
