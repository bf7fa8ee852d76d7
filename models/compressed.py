"""Text files that are compressed where their name says so."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Literal, TextIO, cast

COMPRESSED = ".xz"
"""Ends the name of a file whose content is compressed."""


def open_text(path: Path, mode: Literal["rt", "wt"]) -> TextIO:
    """Open a file of UTF-8 text.

    Raises:
        OSError: it cannot be opened.
    """
    if path.suffix == COMPRESSED:
        return lzma.open(path, mode, encoding="utf-8")
    return cast("TextIO", path.open(mode, encoding="utf-8"))
