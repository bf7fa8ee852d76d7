"""The right items are asked, under COPA's own numbers."""

from __future__ import annotations

from models.evaluation.sheets import (
    MIRRORS,
    STAND_IN,
    Key,
    Sheets,
    distinct,
    english,
    in_language,
    without_premise,
)
from models.tasks import xcopa
from tests.models.evaluation.conftest import ITEMS


def test_every_language_is_asked_under_both_readings(sheets: Sheets) -> None:
    assert set(sheets) == {
        *(english(split) for split in ("train", "val", "test")),
        without_premise("test"),
        MIRRORS,
        *(
            Key("xcopa", "test", language, questions)
            for language in xcopa.LANGUAGES
            for questions in ("upstream", "repaired")
        ),
    }


def test_items_have_the_numbers_of_copa(sheets: Sheets) -> None:
    assert sheets[english("train")].ids == tuple(range(1, 1 + ITEMS))
    assert sheets[english("val")].ids == tuple(range(401, 401 + ITEMS))
    assert sheets[in_language("th", "test", "upstream")].ids == tuple(range(501, 501 + ITEMS))
    assert sheets[MIRRORS].ids == tuple(range(1001, 1501))


def test_twins_have_the_same_choices_and_another_right_one(sheets: Sheets) -> None:
    originals, mirrors = sheets[english("val")], sheets[MIRRORS]
    for number, item, label in zip(originals.ids, originals.items, originals.labels, strict=True):
        place = mirrors.ids.index(number + 1000)
        twin = mirrors.items[place]
        assert set(twin.choices) == set(item.choices)
        assert twin.choices[mirrors.labels[place]] != item.choices[label]


def test_a_premise_that_is_taken_away_leaves_all_else(sheets: Sheets) -> None:
    whole, bare = sheets[english("test")], sheets[without_premise("test")]
    assert {item.premise for item in bare.items} == {STAND_IN}
    assert [item.choices for item in bare.items] == [item.choices for item in whole.items]
    assert bare.labels == whole.labels


def test_an_item_that_reads_the_same_twice_is_distinct_once(sheets: Sheets) -> None:
    items = distinct(sheets)
    assert len(items) == len(set(items)) < sum(len(sheet.items) for sheet in sheets.values())
    # In Chinese no question had to be repaired.
    chinese = [sheets[in_language("zh", "test", each)] for each in ("upstream", "repaired")]
    assert chinese[0] == chinese[1]


def test_english_is_one_sheet_under_both_readings() -> None:
    assert in_language("en", "val", "upstream") == in_language("en", "val", "repaired")
