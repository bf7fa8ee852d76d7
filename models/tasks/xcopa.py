"""XCOPA (Ponti et al. 2020): COPA's validation and test items in eleven languages.

466 ``question`` fields of the published files contradict the COPA item that they translate,
while every label agrees with it. ``questions="repaired"`` takes the question of the COPA item
at the same position instead. Nothing here ever trains or chooses: the transfer is zero-shot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from models.tasks import copa
from models.tasks.example import DataError, Example, example, read_rows

LANGUAGES = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")

Questions = Literal["upstream", "repaired"]


def load(data: Path, language: str, split: str, questions: Questions) -> list[Example]:
    """Read ``xcopa/<language>/<split>.<language>.jsonl`` of a data directory.

    Raises:
        DataError: a file is missing, or does not match COPA item by item.
    """
    published = [
        example(row, copa.FIELDS)
        for row in read_rows(data / "xcopa" / language / f"{split}.{language}.jsonl")
    ]
    if questions == "upstream":
        return published
    return repair(published, copa.load(data, split))


def repair(translated: list[Example], english: list[Example]) -> list[Example]:
    """Give each translated item the question of the English item at its position."""
    if [each.label for each in translated] != [each.label for each in english]:
        raise DataError("the labels of XCOPA and COPA differ, so their items do not correspond")
    return [
        Example(replace(ours.item, question=theirs.item.question), ours.label)
        for ours, theirs in zip(translated, english, strict=True)
    ]
