"""Items of COPA and their mirrors in Balanced COPA, which are paired by number and by text."""

from __future__ import annotations

from collections.abc import Mapping

from models.tasks.example import DataError, Example

MIRROR_STEP = 1000
"""Item n of COPA and item n + 1000 of Balanced COPA are twins."""


def check_twins(
    originals: Mapping[int, Example], name: str, mirrors: Mapping[int, Example], mirrors_name: str
) -> None:
    """Refuse items that have a number in common and nothing else.

    Twins have the same two choices, in any order, and not the same right one. Space and case do
    not count, because copies differ in them.

    Args:
        originals: of a split of COPA, by number.
        name: of the split's file.
        mirrors: items of Balanced COPA by number.
        mirrors_name: of its file.

    Raises:
        DataError: one has no twin; says which, of which files, and why.
    """
    for number, original in originals.items():
        if problem := _problem(original, mirrors.get(number + MIRROR_STEP)):
            raise DataError(
                f"{name}: item {number} cannot be paired with item {number + MIRROR_STEP} of "
                f"{mirrors_name}: {problem}; is a row missing, or has a label changed?"
            )


def _problem(original: Example, mirror: Example | None) -> str | None:
    if mirror is None:
        return "there is none"
    ours, theirs = map(_choices, (original, mirror))
    if set(ours) != set(theirs):
        return "their choices differ"
    if ours[original.label] == theirs[mirror.label]:
        return "they have the same right choice"
    return None


def _choices(example: Example) -> list[str]:
    return [" ".join(choice.split()).casefold() for choice in example.item.choices]
