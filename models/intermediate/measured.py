"""What every model of the study is asked, and the scores that follow from its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.items import MIRRORS, ItemSet, ItemSets, collect, english, in_language
from models.evaluation.ask.predictions import Predictions
from models.evaluation.ask.twins import MIRROR_STEP
from models.evaluation.measure.accuracy import mean_right
from models.evaluation.measure.languages import GROUPS, NINE
from models.tasks.sets.xcopa import Questions

READING: Questions = "upstream"
"""XCOPA's questions as they were published."""

ENGLISH, TWINS = "english", "twins"
PANELS = {
    ENGLISH: "English",
    NINE: "the nine languages",
    TWINS: "twins, both right",
}
"""What is reported, and its title."""

CHANCE = {ENGLISH: 0.5, NINE: 0.5, TWINS: 0.25}

_ENGLISH = english("test")
_NINE = tuple(in_language(language, "test", READING) for language in GROUPS[NINE])
_ORIGINALS = english("val")


def asked(data: Path | None, most: int | None = None) -> ItemSets:
    """Load what is asked: COPA's test split in ten languages, and the twins of COPA 401-500.

    Args:
        data: the data directory; None for the hub.
        most: of each set, to try things out.

    Raises:
        DataError: a set is missing or wrong.
    """
    found = collect(data, "test", (READING,))
    kept = {key: _first(found[key], most) for key in (_ENGLISH, *_NINE, _ORIGINALS)}
    wanted = [number + MIRROR_STEP for number in kept[_ORIGINALS].ids]
    return {**kept, MIRRORS: _of_numbers(found[MIRRORS], wanted)}


def scores(predictions: Predictions, run: str) -> Mapping[str, NDArray[np.float64]]:
    """Return a model's score for each item, by what is reported; a pair of twins is an item."""
    twins = predictions.of(run, _ORIGINALS).right * predictions.of(run, MIRRORS).right
    return {
        ENGLISH: predictions.of(run, _ENGLISH).right,
        NINE: mean_right([predictions.of(run, key) for key in _NINE]),
        TWINS: twins,
    }


def _first(items: ItemSet, most: int | None) -> ItemSet:
    return replace(
        items, ids=items.ids[:most], items=items.items[:most], labels=items.labels[:most]
    )


def _of_numbers(items: ItemSet, numbers: list[int]) -> ItemSet:
    places = [items.ids.index(number) for number in numbers]
    return ItemSet(
        tuple(numbers),
        tuple(items.items[place] for place in places),
        tuple(items.labels[place] for place in places),
    )
