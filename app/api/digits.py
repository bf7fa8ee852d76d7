"""Whole numbers in headers."""

from __future__ import annotations

_MOST_DIGITS = 18
"""Python itself refuses to read a number of more than 4,300 digits, and raises."""


def whole_number(text: str) -> int | None:
    """Return the number that ASCII digits write, or None where the text is no such number.

    A number of more than 18 digits is None too: no body has so many bytes.
    """
    if len(text) > _MOST_DIGITS or not (text.isascii() and text.isdecimal()):
        return None
    return int(text)
