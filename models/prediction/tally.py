"""What is said at the end: how many rows, how many failed, how many labels were met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.prediction.rows import FileRow

_LABELS = {0: 0, 1: 1, "0": 0, "1": 1}
_WITHHELD = (None, "", -1, "-1")
"""How sets say that the right choice is not told."""


@dataclass
class Tally:
    """Counts rows as they are answered."""

    rows: int = 0
    failed: int = 0
    labelled: int = 0
    """Answered rows that say which choice is right."""
    right: int = 0
    odd_label: str | None = None
    """The first label that is none, with its line: then no accuracy is worth saying."""

    def add(self, row: FileRow, answered: int | None) -> None:
        """Count a row.

        Args:
            row: a row of the input.
            answered: the choice, or None where it failed.
        """
        self.rows += 1
        if answered is None:
            self.failed += 1
            return
        label = row.fields.get("label")
        expected = _label(label)
        if expected is not None:
            self.labelled += 1
            self.right += answered == expected
        elif label not in _WITHHELD and self.odd_label is None:
            self.odd_label = f"line {row.line} has the label {label!r}, which is not 0 or 1"

    @property
    def accuracy(self) -> str | None:
        """A sentence about it, where rows have labels."""
        if self.odd_label is not None:
            return f"no accuracy: {self.odd_label}"
        if not self.labelled:
            return None
        share = 100 * self.right / self.labelled
        return f"accuracy {share:.1f} %: {self.right} of {self.labelled} labelled rows"


def _label(value: Any) -> int | None:
    """Return a label; JSON's ``true`` and ``1.0`` would pass for 1."""
    return _LABELS.get(value) if type(value) in (int, str) else None
