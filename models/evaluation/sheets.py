"""The items that an evaluation asks: the English ones, their translations and their mirrors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.engine.tokenizer import CausalItem
from models.tasks import balanced_copa, copa, xcopa
from models.tasks.example import Example
from models.tasks.xcopa import Questions

ENGLISH = "en"

Split = Literal["val", "test"]

CHANCE = 0.5
"""The accuracy of guessing: an item has two choices."""

STAND_IN = "."
"""Stands where a premise was taken away. The service refuses an empty premise, and a model that
is asked here and one that is asked over HTTP must read the same."""

MIRROR_STEP = 1000
"""Item n of COPA and item n + 1000 of Balanced COPA are twins."""

_FIRST_ID = {"train": 1, "val": 401, "test": 501}
"""COPA's own numbers; XCOPA translates in their order."""


@dataclass(frozen=True)
class Key:
    """Which items: a set, a part of it, a language, and how its question is read."""

    task: Literal["copa", "copa without premise", "balanced copa", "xcopa"]
    split: str
    language: str = ENGLISH
    questions: Questions | None = None
    """Of XCOPA alone; nobody doubts the English ones."""


@dataclass(frozen=True)
class Sheet:
    """Items with their numbers in COPA and their right choices, in order."""

    ids: tuple[int, ...]
    items: tuple[CausalItem, ...]
    labels: tuple[int, ...]


Sheets = Mapping[Key, Sheet]

MIRRORS = Key("balanced copa", "mirror")


def english(split: str) -> Key:
    """Return the key of a part of COPA."""
    return Key("copa", split)


def without_premise(split: str) -> Key:
    """Return the key of a part of COPA with its premises taken away."""
    return Key("copa without premise", split)


def in_language(language: str, split: str, questions: Questions) -> Key:
    """Return the key of a language: COPA for English, XCOPA for the others."""
    if language == ENGLISH:
        return english(split)
    return Key("xcopa", split, language, questions)


def collect(data: Path | None, split: Split, readings: Sequence[Questions]) -> Sheets:
    """Load everything that is asked.

    Args:
        data: a directory as in ``docs/reference/data.md``; None loads from the hub.
        split: what is measured; the twins of COPA 1-500 are asked besides, in any case.
        readings: of XCOPA's ``question`` field.

    Raises:
        DataError: a set is missing or wrong.
    """
    parts = {part: copa.load(data, part) for part in dict.fromkeys(("train", "val", split))}
    sheets = {english(part): _sheet(rows, _FIRST_ID[part]) for part, rows in parts.items()}
    sheets[MIRRORS] = _sheet(balanced_copa.load(data, MIRRORS.split), 1 + MIRROR_STEP)
    sheets[without_premise(split)] = _bare(sheets[english(split)])
    for reading in readings:
        for language in xcopa.LANGUAGES:
            rows = xcopa.load(data, language, split, reading)
            sheets[in_language(language, split, reading)] = _sheet(rows, _FIRST_ID[split])
    return sheets


def distinct(sheets: Sheets) -> list[CausalItem]:
    """Return each item once: most read the same when repaired."""
    return list(dict.fromkeys(item for sheet in sheets.values() for item in sheet.items))


def _sheet(examples: Sequence[Example], first: int) -> Sheet:
    return Sheet(
        ids=tuple(range(first, first + len(examples))),
        items=tuple(example.item for example in examples),
        labels=tuple(example.label for example in examples),
    )


def _bare(sheet: Sheet) -> Sheet:
    return replace(sheet, items=tuple(replace(item, premise=STAND_IN) for item in sheet.items))
