"""Splits a set that has only one file into a training and a validation part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.tasks.reading.row import DataRow

_TENTH = 10


def hold_out(rows: Sequence[DataRow], split: str, by: str) -> list[DataRow]:
    """Return the last tenth of the rows for ``val`` and the others for ``train``.

    Rows with the same value of the field ``by`` stay on one side, so the tenth is as much
    larger as the last group that is needed to fill it. A group stands where its first row does.
    """
    held_out = _last_groups(Counter(row.text(by) for row in rows), len(rows))
    return [row for row in rows if (row.text(by) in held_out) == (split == "val")]


def _last_groups(sizes: Counter[str], total: int) -> set[str]:
    taken: set[str] = set()
    size = 0
    for group in reversed(sizes):
        if size * _TENTH >= total:
            break
        taken.add(group)
        size += sizes[group]
    return taken
