"""Whether the languages of a file are translations of each other, as far as that can be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from models.tasks.reading.numbered import some

Labels = Mapping[int, int]
"""The right choice by the number of the item; of one language."""


def labels_of(ids: Sequence[int], labels: Sequence[int]) -> Labels:
    """Return the labels of an item set by its numbers."""
    return dict(zip(ids, labels, strict=True))


def unpaired(languages: Mapping[str, Labels]) -> str | None:
    """Say what keeps the languages from being paired; None where each item has its translations.

    Translations have the same numbers and the same right choices.
    """
    (first, ours), *others = languages.items()
    for name, theirs in others:
        if alone := sorted(ours.keys() ^ theirs.keys()):
            return f"item {some(alone)} is in {first} or in {name} alone"
        if other := _other_labels(ours, theirs):
            return f"item {some(other)} has one right choice in {first} and another in {name}"
    return None


def _other_labels(ours: Labels, theirs: Labels) -> Sequence[int]:
    found: Iterable[int] = (number for number, label in ours.items() if theirs[number] != label)
    return sorted(found)
