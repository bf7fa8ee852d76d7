"""The lines of a file, each decoded by itself, so that a broken one harms no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from models.tasks.reading.text import BYTE_ORDER_MARK, refuse_wide

MOST_LINE_BYTES = 1_048_576
"""Of a line, and of a CSV record; more is refused, so that memory is bounded."""


@dataclass(frozen=True)
class TextLine:
    """One line of a file, its line ending included."""

    number: int
    """From 1."""
    text: str
    end: int
    """Bytes of the file, up to the end of this line."""
    problem: str | None = None
    """Why the text cannot be trusted."""


def text_lines(source: BinaryIO, name: str = "the input") -> Iterator[TextLine]:
    """Read UTF-8, with or without byte order marks; memory holds one line.

    Args:
        source: is read from where it stands.
        name: for errors.

    Raises:
        DataError: it is UTF-16 or UTF-32.
    """
    number = end = 0
    while raw := source.readline(MOST_LINE_BYTES + 1):
        number += 1
        end += len(raw)
        if number == 1:
            refuse_wide(name, raw)
        if len(raw) > MOST_LINE_BYTES:
            end += _skip_to_next_line(source, raw)
            yield TextLine(number, "", end, f"is longer than {MOST_LINE_BYTES:,} bytes")
        else:
            yield _decoded(number, raw, end)


def _skip_to_next_line(source: BinaryIO, raw: bytes) -> int:
    skipped = 0
    while raw and not raw.endswith(b"\n"):
        raw = source.readline(MOST_LINE_BYTES)
        skipped += len(raw)
    return skipped


def _decoded(number: int, raw: bytes, end: int) -> TextLine:
    try:
        # A mark stands where files were put together, and is no content.
        return TextLine(number, raw.decode("utf-8").lstrip(BYTE_ORDER_MARK), end)
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} of the line, 0x{raw[error.start]:02x}"
        problem = f"is not UTF-8 ({where}); save the file as UTF-8"
        return TextLine(number, raw.decode("utf-8", "replace"), end, problem)
