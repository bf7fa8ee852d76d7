"""The items of an evaluation: the English ones, their translations and their mirrors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.twins import MIRROR_STEP, check_twins
from models.tasks.example import Example
from models.tasks.sets import balanced_copa, copa, xcopa
from models.tasks.sets.xcopa import ENGLISH, Questions

Split = Literal["val", "test"]

STAND_IN = "."
"""Stands where a premise was taken away. The service refuses an empty premise, and a model must
read the same whether it is asked here or over HTTP."""

_TWINNED = ("train", "val")
"""The splits of COPA whose items have mirrors."""


@dataclass(frozen=True)
class SetKey:
    """Names an item set: the data set, its split, the language, and how the question is read."""

    task: Literal["copa", "copa without premise", "balanced copa", "xcopa", "items of a file"]
    split: str
    language: str = ENGLISH
    questions: Questions | None = None
    """None for English, which has one reading only."""


@dataclass(frozen=True)
class ItemSet:
    """Items with their numbers in COPA and their right choices, in one order."""

    ids: tuple[int, ...]
    items: tuple[CausalItem, ...]
    labels: tuple[int, ...]


ItemSets = Mapping[SetKey, ItemSet]

MIRRORS = SetKey("balanced copa", "mirror")


def english(split: str) -> SetKey:
    """Return the key of a split of COPA."""
    return SetKey("copa", split)


def without_premise(split: str) -> SetKey:
    """Return the key of a split of COPA with its premises taken away."""
    return SetKey("copa without premise", split)


def in_language(language: str, split: str, questions: Questions) -> SetKey:
    """Return the key of a language: COPA for English, XCOPA for the others."""
    if language == ENGLISH:
        return english(split)
    return SetKey("xcopa", split, language, questions)


def collect(data: Path | None, split: Split, readings: Sequence[Questions]) -> ItemSets:
    """Load every item set.

    Args:
        data: a directory as in ``docs/reference/data.md``; None loads from the hub.
        split: what is measured; the twins of COPA 1-500 are always asked too.
        readings: of XCOPA's ``question`` field.

    Raises:
        DataError: a set is missing or wrong, or items that belong together cannot be paired.
    """
    splits = dict.fromkeys((*_TWINNED, split))
    parts = {part: copa.load_numbered(data, part) for part in splits}
    item_sets = {english(part): _item_set(own) for part, own in parts.items()}
    mirrors = balanced_copa.load_numbered(data)
    for part in _TWINNED:
        check_twins(parts[part], copa.SOURCE.place(data, part), mirrors, balanced_copa.place(data))
    item_sets[MIRRORS] = _item_set(
        {number: own for number, own in sorted(mirrors.items()) if number > MIRROR_STEP}
    )
    item_sets[without_premise(split)] = _bare(item_sets[english(split)])
    for reading in readings:
        for language in xcopa.LANGUAGES:
            own = xcopa.load_beside(data, language, split, parts[split], reading)
            item_sets[in_language(language, split, reading)] = _item_set(own)
    return item_sets


def distinct(item_sets: ItemSets) -> list[CausalItem]:
    """Return each item once; most items are the same under both readings."""
    return list(dict.fromkeys(item for item_set in item_sets.values() for item in item_set.items))


def _item_set(examples: Mapping[int, Example]) -> ItemSet:
    return ItemSet(
        ids=tuple(examples),
        items=tuple(example.item for example in examples.values()),
        labels=tuple(example.label for example in examples.values()),
    )


def _bare(item_set: ItemSet) -> ItemSet:
    return replace(
        item_set, items=tuple(replace(item, premise=STAND_IN) for item in item_set.items)
    )
