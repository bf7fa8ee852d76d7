"""XCOPA (Ponti et al. 2020): COPA's validation and test items in eleven languages.

466 ``question`` fields of the published files contradict the COPA item that they translate,
although every label agrees with it. ``questions="repaired"`` uses the question of the COPA item
with the same number instead. XCOPA is never used for training or choice: the transfer is zero-shot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from models.tasks.example import DataError, Example
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import on_hub
from models.tasks.reading.numbered import some
from models.tasks.reading.source import Layout, Source
from models.tasks.sets import copa

ENGLISH = "en"
"""The language of COPA, from which XCOPA is translated."""

LANGUAGES = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")
SPLITS = ("val", "test")

Questions = Literal["upstream", "repaired"]


def load(data: Path | None, language: str, split: str, questions: Questions) -> list[Example]:
    """Load ``val`` or ``test`` of a language, in the order of COPA.

    Raises:
        DataError: no such language or split; a file is missing or the hub out of reach; a row is
            wrong, or does not match COPA item by item.
    """
    if questions == "upstream":
        return list(load_numbered(data, language, split).values())
    english = copa.load_numbered(data, split)
    return list(load_beside(data, language, split, english, questions).values())


def load_numbered(data: Path | None, language: str, split: str) -> dict[int, Example]:
    """Load a split as published, by COPA's numbers of the items that it translates.

    Raises:
        DataError: as ``load``.
    """
    own = source(language)
    return own.numbered(data, split, copa.FIRST.get(split, 0), copa.COUNT.get(split, 0))


def load_beside(
    data: Path | None,
    language: str,
    split: str,
    english: Mapping[int, Example],
    questions: Questions,
) -> dict[int, Example]:
    """Load a split in the order of the English items, with the question that is asked for.

    Args:
        data, language, split: what to load.
        english: COPA's split by its numbers.
        questions: whose question to take.

    Raises:
        DataError: as ``load``; or the items are not translations of the English ones, which is
            said with file and numbers.
    """
    translated = load_numbered(data, language, split)
    _check_translations(translated, english, source(language).place(data, split))
    return translated if questions == "upstream" else repair(translated, english)


def source(language: str) -> Source[Example]:
    """Return where the items of a language come from.

    Raises:
        DataError: XCOPA has no such language.
    """
    if language not in LANGUAGES:
        raise DataError(f"XCOPA has no language {language!r}; it has {', '.join(LANGUAGES)}")
    return Source(
        name="xcopa",
        layouts=(
            Layout(
                files={split: (f"xcopa/{language}/{split}.{language}.jsonl",) for split in SPLITS},
                read=json_lines,
                make=copa.make,
            ),
        ),
        hub=on_hub(
            "cambridgeltl/xcopa",
            {"val": "validation", "test": "test"},
            config=language,
            revision="042f78955ba48e6404616762fa6e05e839c3907a",
        ),
    )


def repair(translated: Mapping[int, Example], english: Mapping[int, Example]) -> dict[int, Example]:
    """Give each translated item the question of the English item of its number."""
    return {
        number: replace(own, item=replace(own.item, question=english[number].item.question))
        for number, own in translated.items()
    }


def _check_translations(
    translated: Mapping[int, Example], english: Mapping[int, Example], name: str
) -> None:
    """Refuse what is no translation, as far as numbers and labels tell."""
    if alone := sorted(translated.keys() ^ english.keys()):
        raise DataError(
            f"{name} has {len(translated)} items and COPA {len(english)}, so they cannot be "
            f"paired: item {some(alone)} is in one alone"
        )
    if other := [
        number for number, own in translated.items() if own.label != english[number].label
    ]:
        raise DataError(
            f"{name} and COPA do not correspond: their labels of item {some(other)} differ; "
            "were its rows put into another order?"
        )
