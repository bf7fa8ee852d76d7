"""XCOPA (Ponti et al. 2020): COPA's validation and test items in eleven languages.

466 ``question`` fields of the published files contradict the COPA item that they translate,
although every label agrees with it. ``questions="repaired"`` uses the question of the COPA item
at the same position instead. XCOPA is never used for training or choice: the transfer is zero-shot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from models.tasks.example import DataError, Example
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.sets import copa

ENGLISH = "en"
"""The language of COPA, from which XCOPA is translated."""

LANGUAGES = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")
SPLITS = ("val", "test")

Questions = Literal["upstream", "repaired"]


def load(data: Path | None, language: str, split: str, questions: Questions) -> list[Example]:
    """Load ``val`` or ``test`` of a language.

    Raises:
        DataError: no such language or split; a file is missing or the hub out of reach; a row is
            wrong, or does not match COPA item by item.
    """
    published = source(language).load(data, split)
    if questions == "upstream":
        return published
    return repair(published, copa.load(data, split))


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


def repair(translated: list[Example], english: list[Example]) -> list[Example]:
    """Give each translated item the question of the English item at its position."""
    if [each.label for each in translated] != [each.label for each in english]:
        raise DataError("the labels of XCOPA and COPA differ, so their items do not correspond")
    return [
        Example(replace(ours.item, question=theirs.item.question), ours.label)
        for ours, theirs in zip(translated, english, strict=True)
    ]
