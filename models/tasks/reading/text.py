"""Text as files have it: UTF-8, with or without byte order marks, and any kind of line end."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.tasks.example import DataError

BYTE_ORDER_MARK = "\ufeff"

_UTF16_32 = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""By the mark that a file begins with; the longer ones first, since they begin as the others."""

_START = max(map(len, _UTF16_32))


def require(path: Path) -> None:
    """Stop if a file is missing, and say how to fix it.

    Raises:
        DataError: there is no such file.
    """
    try:
        found = path.is_file()
    except OSError as error:  # a directory on the way may not be entered
        raise unreadable(path, error) from error
    if not found:
        raise DataError(f"{path} does not exist; name the data directory with --data")


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1, and with its line end.

    A byte order mark is no content; one may stand at the start of any line, because files are
    put together. A byte that is not UTF-8 stands as a lone surrogate, so that the reader of the
    line can name the field that has it (``undecodable``).

    Raises:
        DataError: the file is missing, cannot be read, or is UTF-16 or UTF-32.
    """
    require(path)
    try:
        with path.open("rb") as raw:
            refuse_wide(str(path), raw.read(_START))
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as opened:
            for number, line in enumerate(opened, start=1):
                yield number, line.lstrip(BYTE_ORDER_MARK)
    except OSError as error:
        raise unreadable(path, error) from error


def undecodable(text: str) -> str | None:
    """Return what in a text is no character, and the way out; None if all is well."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = ord(text[error.start])
        if 0xDC80 <= found <= 0xDCFF:  # noqa: PLR2004 - what ``surrogateescape`` makes of a byte
            return f"is not UTF-8 (byte 0x{found - 0xDC00:02x}); save the file as UTF-8"
        return f"has half of a surrogate pair, \\u{found:04x}; write the whole character"
    return None


def undecodable_field(fields: dict[str, Any]) -> str | None:
    """Return the name of the first field that has text which is no character."""
    named = ((name, value) for name, value in fields.items() if isinstance(value, str))
    return next((name for name, value in named if undecodable(name + value)), None)


def unreadable(path: Path, error: OSError) -> DataError:
    """Make the error of a file that the system does not let us read."""
    return DataError(f"{path} cannot be read: {error.strerror or error}")


def refuse_wide(name: str, start: bytes) -> None:
    """Refuse an encoding whose lines cannot be told apart by bytes.

    Args:
        name: of the file.
        start: its first four bytes, or more.

    Raises:
        DataError: it is UTF-16 or UTF-32.
    """
    found = next((kind for mark, kind in _UTF16_32.items() if start.startswith(mark)), None)
    zeros = [byte == 0 for byte in start[:_START]]
    if found is None and zeros in ([False, True] * 2, [True, False] * 2):
        found = "not UTF-8, and perhaps UTF-16"
    if found is not None:
        raise DataError(f"{name}:1 is {found}; save the file as UTF-8")
