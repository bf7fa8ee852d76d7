"""The right items are asked, under COPA's own numbers."""

from __future__ import annotations

from models.evaluation.ask.items import (
    MIRRORS,
    STAND_IN,
    ItemSets,
    SetKey,
    distinct,
    english,
    in_language,
    without_premise,
)
from models.tasks.sets import xcopa
from tests.models.evaluation.conftest import ITEMS


def test_every_language_is_asked_under_both_readings(item_sets: ItemSets) -> None:
    assert set(item_sets) == {
        *(english(split) for split in ("train", "val", "test")),
        without_premise("test"),
        MIRRORS,
        *(
            SetKey("xcopa", "test", language, questions)
            for language in xcopa.LANGUAGES
            for questions in ("upstream", "repaired")
        ),
    }


def test_items_have_the_numbers_of_copa(item_sets: ItemSets) -> None:
    assert item_sets[english("train")].ids == tuple(range(1, 1 + ITEMS))
    assert item_sets[english("val")].ids == tuple(range(401, 401 + ITEMS))
    assert item_sets[in_language("th", "test", "upstream")].ids == tuple(range(501, 501 + ITEMS))
    assert item_sets[MIRRORS].ids == tuple(range(1001, 1501))


def test_twins_have_the_same_choices_and_another_right_one(item_sets: ItemSets) -> None:
    originals, mirrors = item_sets[english("val")], item_sets[MIRRORS]
    for number, item, label in zip(originals.ids, originals.items, originals.labels, strict=True):
        place = mirrors.ids.index(number + 1000)
        twin = mirrors.items[place]
        assert set(twin.choices) == set(item.choices)
        assert twin.choices[mirrors.labels[place]] != item.choices[label]


def test_a_premise_that_is_taken_away_leaves_all_else(item_sets: ItemSets) -> None:
    whole, bare = item_sets[english("test")], item_sets[without_premise("test")]
    assert {item.premise for item in bare.items} == {STAND_IN}
    assert [item.choices for item in bare.items] == [item.choices for item in whole.items]
    assert bare.labels == whole.labels


def test_an_item_that_reads_the_same_twice_is_distinct_once(item_sets: ItemSets) -> None:
    items = distinct(item_sets)
    assert (
        len(items) == len(set(items)) < sum(len(item_set.items) for item_set in item_sets.values())
    )
    # In Chinese no question had to be repaired.
    chinese = [item_sets[in_language("zh", "test", each)] for each in ("upstream", "repaired")]
    assert chinese[0] == chinese[1]


def test_english_is_one_item_set_under_both_readings() -> None:
    assert in_language("en", "val", "upstream") == in_language("en", "val", "repaired")
