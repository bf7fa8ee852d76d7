"""The lines of a file, each decoded by itself, so that a broken one harms no other."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

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


def text_lines(source: BinaryIO) -> Iterator[TextLine]:
    """Read UTF-8, with or without a byte order mark; memory holds one line."""
    number = end = 0
    while raw := source.readline(MOST_LINE_BYTES + 1):
        number += 1
        end += len(raw)
        if len(raw) > MOST_LINE_BYTES:
            end += _skip_to_next_line(source, raw)
            yield TextLine(number, "", end, f"is longer than {MOST_LINE_BYTES:,} bytes")
        else:
            yield _decoded(number, raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw, end)


def _skip_to_next_line(source: BinaryIO, raw: bytes) -> int:
    skipped = 0
    while raw and not raw.endswith(b"\n"):
        raw = source.readline(MOST_LINE_BYTES)
        skipped += len(raw)
    return skipped


def _decoded(number: int, raw: bytes, end: int) -> TextLine:
    try:
        return TextLine(number, raw.decode("utf-8"), end)
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} of the line, 0x{raw[error.start]:02x}"
        problem = f"is not UTF-8 ({where}); save the file as UTF-8"
        return TextLine(number, raw.decode("utf-8", "replace"), end, problem)
