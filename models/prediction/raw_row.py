"""A row of a file before anything is asked of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RawRow:
    """The fields of one row as the file has them."""

    line: int
    """The number of its first line, from 1."""
    end: int
    """Bytes of the file, up to the end of this row."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    """Why the row has no fields."""
